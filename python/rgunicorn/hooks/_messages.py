"""`req` and `resp`: a request and its response as hooks see them."""

from __future__ import annotations

from typing import Any

from rgunicorn.hooks._described import Described

Headers = list[tuple[str, str]]
#: Method, request target, path and query.
Line = tuple[str, str, str, str]


class Request(Described):
    """A request, between `pre_request` and `post_request`; hooks may keep things in it."""

    _called = "req"

    def __init__(self, line: Line, headers: Headers, **others: Any) -> None:
        self.method, self.uri, self.path, self.query = line
        #: Names in upper case, as they came.
        self.headers = headers
        self.trailers: Headers = []
        self.fragment = ""
        self.version: tuple[int, int] = others["version"]
        self.scheme: str = others["scheme"]
        #: Host and port of the client, or the empty path of a unix socket.
        self.peer_addr: tuple[str, int] | str = others["peer_addr"]
        #: As `wsgi.input`; an ASGI application receives its body.
        self.body: Any = others["body"]
        self.must_close = False
        self._seen = (line, list(headers), self.scheme)

    @property
    def remote_addr(self) -> tuple[str, int] | str:
        """The same as `peer_addr`."""
        return self.peer_addr

    @property
    def raw_path(self) -> bytes:
        """The path as it came, still percent-encoded."""
        return self.uri.partition("?")[0].encode("latin-1")

    def _field(self, name: str) -> str | None:
        """The value of the first header field of this name, or None."""
        wanted = name.upper()
        return next((value for name, value in self.headers if name == wanted), None)

    def should_close(self) -> bool:
        """Whether the client wants the connection closed behind the response."""
        said = (self._field("CONNECTION") or "").lower().strip()
        return (
            self.must_close or said == "close" or (said != "keep-alive" and self.version < (1, 1))
        )

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"

    def _environ(self) -> dict[str, Any]:
        """The few variables that an ASGI worker of gunicorn hands to `post_request`."""
        environ = {
            "REQUEST_METHOD": self.method,
            "RAW_URI": self.uri,
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SERVER_PROTOCOL": "HTTP/{}.{}".format(*self.version),
            "REMOTE_ADDR": self.peer_addr[0] if self.peer_addr else "-",
        }
        environ.update((_key(name), value) for name, value in self.headers)
        return environ

    def _change(self, environ: dict[str, Any]) -> None:
        """Let the application see what the hook has changed."""
        line, headers, scheme = self._seen
        if (self.method, self.uri, self.path, self.query) != line:
            self._change_line(environ, line)
        if self.scheme != scheme:
            environ["wsgi.url_scheme"] = self.scheme
        if self.headers != headers:
            for name, _ in headers:
                environ.pop(_key(name), None)
            fields: dict[str, str] = {}
            for name, value in self.headers:
                key = _key(name)
                fields[key] = f"{fields[key]},{value}" if key in fields else value
            environ.update(fields)

    def _change_line(self, environ: dict[str, Any], line: Line) -> None:
        environ["REQUEST_METHOD"] = self.method
        environ["RAW_URI"] = self.uri
        environ["QUERY_STRING"] = self.query
        if self.path != line[2]:
            from urllib.parse import unquote_to_bytes

            path = unquote_to_bytes(self.path.encode("latin-1")).decode("latin-1")
            environ["PATH_INFO"] = path.removeprefix(environ.get("SCRIPT_NAME", ""))


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


class Response(Described):
    """A response that has been sent, or None of its parts where there was none."""

    _called = "resp"

    def __init__(self, req: Request, status: str | int | None, headers: Headers, sent: int) -> None:
        self.req = req
        #: Code and reason under WSGI, the code alone under ASGI; None if there was no response.
        self.status = status
        #: All that were sent, those of the server included.
        self.headers = headers
        #: How many bytes of the body were sent.
        self.sent = sent
        self.headers_sent = status is not None
        self.must_close = req.should_close()

    @property
    def status_code(self) -> int | None:
        """The code of the status."""
        return None if self.status is None else int(str(self.status)[:3])

    @property
    def response_length(self) -> int | None:
        """The length that the head declares, or None."""
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        return int(lengths[0]) if lengths else None

    @property
    def chunked(self) -> bool:
        """Whether the body was sent in chunks."""
        return any(name.lower() == "transfer-encoding" for name, _ in self.headers)

    def should_close(self) -> bool:
        """Whether the connection is closed behind the response."""
        return any(
            name.lower() == "connection" and value.lower() == "close"
            for name, value in self.headers
        )

    def __repr__(self) -> str:
        return f"<Response {self.status} to {self.req!r}>"
