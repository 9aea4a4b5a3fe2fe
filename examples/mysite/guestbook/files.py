"""Sending files in the way each worker class does best."""

import asyncio
from collections.abc import AsyncIterator

from django.core.files.base import File
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

BLOCK = 256 * 1024


def file_response(request: HttpRequest, file: File) -> HttpResponse | StreamingHttpResponse:
    """The file as a download.

    Under WSGI the server gets the file itself (`wsgi.file_wrapper`). Under ASGI its blocks are
    read on a thread, so that the event loop never waits for the disk.
    """
    response = FileResponse(file.open("rb"), as_attachment=True, filename=file.name.split("/")[-1])
    if not isinstance(request, ASGIRequest):
        return response
    return StreamingHttpResponse(_blocks(file), headers=dict(response.items()))


async def _blocks(file: File) -> AsyncIterator[bytes]:
    try:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block
    finally:
        file.close()
