"""A small Flask application: notes in memory, a stream, an upload."""

import hashlib
import itertools
import time
from collections.abc import Iterator

from flask import Flask, Response, abort, jsonify, request

app = Flask(__name__)
notes: dict[int, str] = {}
numbers = itertools.count(1)


@app.get("/")
def index() -> str:
    return (
        f"<h1>Flask</h1><p>{len(notes)} notes, served by {request.environ['SERVER_SOFTWARE']}.</p>"
    )


@app.post("/notes")
def add() -> tuple[Response, int]:
    number = next(numbers)
    notes[number] = request.get_json()["text"]
    return jsonify(id=number), 201


@app.get("/notes/<int:number>")
def show(number: int) -> Response:
    if number not in notes:
        abort(404)
    return jsonify(id=number, text=notes[number])


@app.post("/upload")
def upload() -> Response:
    data = request.files["file"].read()
    return jsonify(size=len(data), sha256=hashlib.sha256(data).hexdigest())


@app.get("/stream")
def stream() -> Response:
    def lines() -> Iterator[str]:
        for number in range(5):
            yield f"{number}\n"
            time.sleep(0.05)

    return Response(lines(), mimetype="text/plain")


@app.get("/boom")
def boom() -> str:
    raise RuntimeError("on purpose")
