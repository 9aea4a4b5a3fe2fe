"""A small FastAPI application: a lifespan, typed bodies, a stream, server-sent events."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, dict[int, str]]]:
    """Open what every request of this worker shares."""
    yield {"notes": {}}


app = FastAPI(lifespan=lifespan)
numbers = itertools.count(1)


class Note(BaseModel):
    text: str


@app.get("/")
async def index(request: Request) -> dict[str, int]:
    return {"notes": len(request.state.notes)}


@app.post("/notes", status_code=201)
async def add(note: Note, request: Request, tasks: BackgroundTasks) -> dict[str, int]:
    number = next(numbers)
    tasks.add_task(request.state.notes.__setitem__, number, note.text)
    return {"id": number}


@app.get("/notes/{number}")
def show(number: int, request: Request) -> Note:
    """A plain function: FastAPI calls it on a thread."""
    if number not in request.state.notes:
        raise HTTPException(404)
    return Note(text=request.state.notes[number])


@app.post("/upload")
async def upload(file: UploadFile) -> dict[str, int | str]:
    digest, size = hashlib.sha256(), 0
    while part := await file.read(65536):
        digest.update(part)
        size += len(part)
    return {"size": size, "sha256": digest.hexdigest()}


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(5):
            yield f"{number}\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(lines(), media_type="text/plain")


@app.get("/events")
async def events(request: Request) -> StreamingResponse:
    """The number of notes, every half second, for as long as the client stays."""

    async def counts() -> AsyncIterator[str]:
        while True:
            yield f"data: {len(request.state.notes)}\n\n"
            await asyncio.sleep(0.5)

    return StreamingResponse(counts(), media_type="text/event-stream")


@app.get("/boom")
async def boom() -> None:
    raise RuntimeError("on purpose")
