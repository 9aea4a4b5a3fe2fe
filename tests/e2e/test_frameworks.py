"""Flask, FastAPI and Starlette as their users use them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from conftest import Serve
from support.commands import EXAMPLES, TESTS
from support.raw import build_request
from support.server import Server

CONTENT = b"content of a file" * 10_000
FAILED = "on purpose|Exception|Error handling request"


@pytest.fixture
def flask(shared: Serve) -> Server:
    """The Flask example."""
    return shared("app:app", chdir=EXAMPLES / "flask_app", worker_class="sync")


@pytest.fixture
def fastapi(shared: Serve) -> Server:
    """The FastAPI example."""
    return shared("app:app", chdir=EXAMPLES / "fastapi_app", worker_class="asgi")


@pytest.fixture(params=["app", "wrapped"])
def starlette(shared: Serve, request: pytest.FixtureRequest) -> Server:
    """A Starlette application, bare and inside middleware."""
    return shared(f"apps.asgi_starlette:{request.param}")


def uploaded(server: Server) -> dict[str, object]:
    """What the example saw of an uploaded file."""
    answer = httpx.post(f"{server.address.url}/upload", files={"file": ("f.bin", CONTENT)})
    return answer.json()


EXPECTED = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}


@pytest.mark.differs("uvicorn", "serves ASGI only")
def test_flask(flask: Server) -> None:
    assert flask.kind.name in flask.get("/").text
    headers = {"Content-Type": "application/json"}
    added = flask.post("/notes", b'{"text": "remember"}', headers=headers)
    assert added.status == 201
    assert flask.get(f"/notes/{added.json()['id']}").json()["text"] == "remember"
    assert flask.get("/notes/999").status == 404
    assert flask.post("/notes", b"not json", headers=headers).status == 400
    assert uploaded(flask) == EXPECTED
    assert flask.get("/stream").text == "0\n1\n2\n3\n4\n"
    flask.expect(FAILED)
    assert flask.get("/boom").status == 500
    flask.wait_log("RuntimeError: on purpose")


def test_fastapi(fastapi: Server) -> None:
    headers = {"Content-Type": "application/json"}
    added = fastapi.post("/notes", b'{"text": "remember"}', headers=headers)
    assert added.status == 201
    fastapi.wait_until(lambda: fastapi.get(f"/notes/{added.json()['id']}").status == 200)
    assert fastapi.get(f"/notes/{added.json()['id']}").json() == {"text": "remember"}
    assert fastapi.post("/notes", b"{}", headers=headers).status == 422
    assert uploaded(fastapi) == EXPECTED
    assert fastapi.get("/stream").text == "0\n1\n2\n3\n4\n"
    assert "notes" in fastapi.get("/openapi.json").text


def test_fastapi_server_sent_events(fastapi: Server) -> None:
    with fastapi.connect() as client:
        client.send(build_request("GET", "/events"))
        assert client.read_head().header("Content-Type") == "text/event-stream; charset=utf-8"
        for _ in range(3):
            assert client.read_chunk().startswith(b"data: ")
    assert fastapi.get("/").status == 200


@pytest.mark.differs("gunicorn", "cancels the request before it can log")
def test_fastapi_fault(fastapi: Server) -> None:
    fastapi.expect(FAILED)
    assert fastapi.get("/boom").status == 500
    fastapi.wait_log("RuntimeError: on purpose")


def test_starlette_lifespan_state(starlette: Server) -> None:
    assert starlette.get("/state").text == "from the lifespan"
    starlette.wait_log("note: starlette started")


def test_starlette_form(starlette: Server) -> None:
    url = f"{starlette.address.url}/form"
    answer = httpx.post(url, data={"title": "t"}, files={"file": ("f.bin", CONTENT)})
    assert answer.json() == {"title": "t", "size": len(CONTENT)}


def test_starlette_background_task(starlette: Server) -> None:
    before = starlette.log_lines("note: starlette background done")
    assert starlette.get("/background").text == "answered"
    starlette.wait_log("note: starlette background done", times=before + 1)


@pytest.mark.differs("gunicorn", "does not tell the application")
def test_starlette_stream_ends_with_its_client(starlette: Server) -> None:
    before = starlette.log_lines("note: starlette stream ended")
    with starlette.connect() as client:
        client.send(build_request("GET", "/stream"))
        client.read_head()
        assert client.read_chunk() == b"tick\n"
        assert client.read_chunk() == b"tick\n"
    starlette.wait_log("note: starlette stream ended", times=before + 1)


def test_starlette_is_disconnected(shared: Serve) -> None:
    # Inside a BaseHTTPMiddleware, Starlette itself does not pass the news on.
    starlette = shared("apps.asgi_starlette:app")
    before = starlette.log_lines("note: is_disconnected")
    with starlette.connect() as client:
        client.send(build_request("GET", "/disconnected"))
        starlette.wait_log("note: asking")
    starlette.wait_log("note: is_disconnected said so", times=before + 1)


def test_starlette_client_disconnect_in_an_upload(starlette: Server) -> None:
    before = starlette.log_lines("note: ClientDisconnect in the upload")
    with starlette.connect() as client:
        head = build_request("POST", "/upload", headers={"Content-Length": "1000000"})
        client.send(head + b"x" * 1000)
        starlette.wait_log("note: uploading")
    starlette.wait_log("note: ClientDisconnect in the upload", times=before + 1)


def test_starlette_upload_file_and_thread(starlette: Server) -> None:
    assert starlette.post("/upload", CONTENT).json() == {"size": len(CONTENT)}
    path = Path(TESTS / "apps" / "asgi_starlette.py")
    assert starlette.get("/file").body == path.read_bytes()
    assert starlette.get("/thread").text == "from a thread"


@pytest.mark.differs("gunicorn", "cancels the request before it can log")
def test_starlette_fault(starlette: Server) -> None:
    starlette.expect(FAILED)
    assert starlette.get("/boom").status == 500
    starlette.wait_log("RuntimeError: on purpose")


def test_starlette_middleware(shared: Serve) -> None:
    server = shared("apps.asgi_starlette:wrapped")
    response = server.get("/file", headers={"Accept-Encoding": "gzip"})
    assert response.header("X-Stamp") == "yes"
    assert response.header("Content-Encoding") == "gzip"
