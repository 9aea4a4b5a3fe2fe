"""A raw request, the rule that it tries, and what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOST = "a.example"


@dataclass(frozen=True)
class Seen:
    """A request as the application has to see it; `fields` names only those that matter."""

    method: str = "GET"
    #: Percent-decoded, without the query.
    path: str = "/"
    query: str = ""
    host: str | None = HOST
    body: str = ""
    version: str = "1.1"
    #: By lower-case name; None stands for a field that must not be there.
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One response as it has to be on the wire; None where any value will do."""

    status: int = 200
    #: The method of its request: a response to HEAD has no body.
    method: str = "GET"
    #: None where the application shows what it saw.
    body: bytes | None = None
    #: `length`, `chunked`, `close` or `none`.
    framing: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    #: Whether `100 Continue` comes before it, unless the client has sent the body already.
    continues: bool = False
    #: Whether the connection is cut in the middle of the body.
    cut: bool = False


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    #: The rule: an RFC and its section, or the setting that decides.
    clause: str
    request: bytes
    answers: tuple[Answer, ...]
    seen: tuple[Seen, ...] = ()
    #: Whether the server closes the connection after the last answer.
    closed: bool = False
    #: Whether the client says after these bytes that it sends no more.
    ends: bool = False
    #: Whether the client sends no more after these bytes, without saying so.
    waits: bool = False
    #: Whether it is tried with a pause at every position, too.
    split: bool = False
    #: Patterns of the ERROR lines that the application's fault has to leave in the log.
    logged: tuple[str, ...] = ()
    #: Of the server; the defaults where it is empty.
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The rows about one subject."""

    title: str
    cases: list[Case]


def served(
    name: str, clause: str, request: bytes, *seen: Seen, settings: Any = None, **how: Any
) -> Case:
    """Requests that are answered, each by the application."""
    expected = seen or (Seen(),)
    answers = how.pop("answers", None) or tuple(Answer(method=each.method) for each in expected)
    return Case(name, clause, request, answers, expected, settings=settings or {}, **how)


def refused(
    status: int,
    name: str,
    clause: str,
    request: bytes,
    *before: Seen,
    settings: Any = None,
    continues: bool = False,
    **how: Any,
) -> Case:
    """A request that is refused, which ends the connection; `before` are those served first."""
    method = "HEAD" if request.startswith(b"HEAD ") else "GET"
    refusal = Answer(status, method, continues=continues, fields={"Connection": "close"})
    answers = (*(Answer(method=each.method) for each in before), refusal)
    return Case(name, clause, request, answers, before, closed=True, settings=settings or {}, **how)


def head(line: str, *lines: str) -> bytes:
    """A request line and header lines, in latin-1."""
    return "\r\n".join([line, *lines, "", ""]).encode("latin-1")


def get(*lines: str, target: str = "/") -> bytes:
    """A GET with these header lines."""
    return head(f"GET {target} HTTP/1.1", f"Host: {HOST}", *lines)


def post(*lines: str, body: bytes = b"", target: str = "/") -> bytes:
    """A POST with these header lines and this body."""
    return head(f"POST {target} HTTP/1.1", f"Host: {HOST}", *lines) + body


def chunks(body: bytes, *lines: str, target: str = "/") -> bytes:
    """A POST whose body these bytes are, in chunked coding."""
    return post(*lines, "Transfer-Encoding: chunked", body=body, target=target)


def posted(body: str, **parts: Any) -> Seen:
    """A POST with this body, as it has to be seen."""
    return Seen(method="POST", body=body, **parts)
