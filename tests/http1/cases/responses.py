"""Responses: their framing, and the faults of an application, which stay its own."""

from support.conformance import Answer, Case, Group, Seen, head, served

FRAMING = "RFC 9112 6.3"
NO_BODY = "RFC 9110 9.3.2"
HOP = "RFC 9110 7.6.1, PEP 3333"
SPLITTING = "RFC 9110 5.5, PEP 3333"
OWN_DATE = "RFC 9110 6.6.1"
#: What the log says of an application's fault, at ERROR.
FAULT = (r"Error handling request GET /reply/",)
SHORT = (r"shorter than its Content-Length; connection closed",)
LONG = (r"longer than its Content-Length",)


def reply(
    name: str,
    clause: str,
    which: str,
    answer: Answer,
    *,
    method: str = "GET",
    version: str = "1.1",
    lines: tuple[str, ...] = (),
    **how: object,
) -> Case:
    """A response of the application, and what the client gets of it."""
    target = f"/reply/{which}"
    request = head(f"{method} {target} HTTP/{version}", "Host: a.example", *lines)
    seen = Seen(method=method, path=target, version=version)
    return served(name, clause, request, seen, answers=(answer,), **how)


def whole(body: bytes = b"hello", framing: str = "length", **fields: str | None) -> Answer:
    """A response of 200 with a body."""
    shown = {name.replace("_", "-"): value for name, value in fields.items()}
    return Answer(body=body, framing=framing, fields=shown)


def silent(status: int = 200, method: str = "GET", **fields: str | None) -> Answer:
    """A response without a body."""
    shown = {name.replace("_", "-"): value for name, value in fields.items()}
    return Answer(status, method, body=b"", framing="none", fields=shown)


def fault(name: str, clause: str, which: str) -> Case:
    """A head that must not be sent: the client is told of an error, and of nothing else."""
    answer = Answer(500, fields={"X-Injected": None, "X-A": None})
    return reply(name, clause, which, answer, logged=FAULT)


FRAMINGS = [
    reply(
        "a response with a length",
        FRAMING,
        "plain",
        whole(Content_Length="5", Transfer_Encoding=None),
    ),
    reply(
        "a response without a length",
        FRAMING,
        "unsized",
        whole(framing="chunked", Content_Length=None),
    ),
    reply("a response without a body", FRAMING, "empty", whole(b"", Content_Length="0")),
    reply(
        "a response without a length in HTTP/1.0",
        "RFC 9112 6.1",
        "unsized",
        whole(framing="close", Transfer_Encoding=None),
        version="1.0",
        closed=True,
    ),
    reply(
        "a response without a length in a kept HTTP/1.0 connection",
        "RFC 9112 6.1, 9.3",
        "unsized",
        whole(framing="close", Transfer_Encoding=None, Connection="close"),
        version="1.0",
        lines=("Connection: keep-alive",),
        closed=True,
    ),
    reply(
        "HEAD of a response with a length",
        NO_BODY,
        "plain",
        silent(method="HEAD", Content_Length="5"),
        method="HEAD",
    ),
    reply(
        "HEAD of a response without a length",
        NO_BODY,
        "unsized",
        silent(method="HEAD"),
        method="HEAD",
    ),
    reply(
        "HEAD of a response that is too short",
        NO_BODY,
        "short",
        silent(method="HEAD", Content_Length="10"),
        method="HEAD",
    ),
    reply(
        "HEAD of a response that is too long",
        NO_BODY,
        "long",
        silent(method="HEAD", Content_Length="3"),
        method="HEAD",
    ),
    reply("HEAD of a 404", NO_BODY, "404", silent(404, "HEAD"), method="HEAD"),
    reply(
        "204 with a body",
        "RFC 9110 15.3.5",
        "204",
        silent(204, Content_Length=None, Transfer_Encoding=None),
    ),
    reply(
        "204 with a length",
        "RFC 9110 8.6",
        "204-with-length",
        silent(204, Content_Length=None, Transfer_Encoding=None),
    ),
    reply(
        "204 to HEAD",
        "RFC 9110 15.3.5",
        "204",
        silent(204, "HEAD", Content_Length=None),
        method="HEAD",
    ),
    reply(
        "304 with a body", "RFC 9110 15.4.5", "304", silent(304, ETag='"a"', Transfer_Encoding=None)
    ),
    reply(
        "304 with a length",
        "RFC 9110 15.4.5",
        "304-with-length",
        silent(304, Transfer_Encoding=None),
    ),
    reply("205", "RFC 9110 15.3.6", "205", Answer(205, body=b"", fields={"Content-Length": "0"})),
    reply("404", "RFC 9110 15", "404", Answer(404, body=b"hello")),
    reply("a status that nobody knows", "RFC 9110 15", "599", Answer(599, body=b"hello")),
    reply("a status without a reason", "RFC 9112 4", "no-reason", whole()),
]

LENGTHS = [
    reply(
        "a response shorter than its length",
        "RFC 9112 8",
        "short",
        Answer(body=b"hello", fields={"Content-Length": "10"}, cut=True),
        closed=True,
        logged=SHORT,
    ),
    reply(
        "a response longer than its length",
        FRAMING,
        "long",
        whole(b"hel", Content_Length="3"),
        closed=True,
        logged=LONG,
    ),
    reply(
        "a response longer than its length, in pieces",
        FRAMING,
        "long-in-pieces",
        whole(b"hel", Content_Length="3"),
        closed=True,
        logged=LONG,
    ),
    reply(
        "a response behind a response",
        FRAMING,
        "smuggling",
        whole(b"", Content_Length="0"),
        closed=True,
        logged=LONG,
    ),
    reply(
        "the same length twice from the application",
        "RFC 9110 8.6",
        "same-length-twice",
        whole(Content_Length="5"),
    ),
    fault("two lengths from the application", "RFC 9110 8.6", "two-lengths"),
    fault("a length of letters from the application", "RFC 9110 8.6", "length-of-letters"),
    fault("a negative length from the application", "RFC 9110 8.6", "negative-length"),
    fault("a length with a plus from the application", "RFC 9110 8.6", "plus-length"),
    fault("a list of lengths from the application", "RFC 9110 8.6", "list-of-lengths"),
    fault("an empty length from the application", "RFC 9110 8.6", "empty-length"),
    fault("a length beyond all numbers from the application", "RFC 9110 8.6", "huge-length"),
]

HOPS = [
    reply("close from the application", HOP, "close", whole(Connection="close"), closed=True),
    reply(
        "keep-alive from the application",
        HOP,
        "keep-alive",
        whole(Connection=None, Keep_Alive=None),
    ),
    reply(
        "keep-alive from the application in HTTP/1.0",
        HOP,
        "keep-alive",
        whole(Connection="close", Keep_Alive=None),
        version="1.0",
        closed=True,
    ),
    reply(
        "a coding from the application",
        HOP,
        "coding",
        Answer(body=b"hello"),
    ),
    reply(
        "a coding and a length from the application",
        HOP,
        "coding-and-length",
        whole(Transfer_Encoding=None),
    ),
    reply("Upgrade from the application", HOP, "upgrade", whole(Upgrade=None)),
    reply("TE from the application", HOP, "te", whole(TE=None)),
    reply("Trailer from the application", HOP, "trailer", whole(Trailer=None)),
    reply(
        "Proxy-Connection from the application",
        HOP,
        "proxy-connection",
        whole(Proxy_Connection=None),
    ),
]

HEADS = [
    reply("a value in latin-1", "RFC 9110 5.5", "value-latin-1", whole(X_A="\xe4")),
    reply("an empty value from the application", "RFC 9110 5.5", "value-empty", whole(X_A="")),
    reply(
        "the date of the application", OWN_DATE, "date", whole(Date="Thu, 01 Jan 1970 00:00:00 GMT")
    ),
    reply("the server name of the application", "RFC 9110 10.2.4", "server", whole(Server="mine")),
    fault("a space in the name from the application", "RFC 9110 5.1", "name-with-space"),
    fault("a colon in the name from the application", "RFC 9110 5.1", "name-with-colon"),
    fault("a line end in the name from the application", SPLITTING, "name-with-line-end"),
    fault("no name from the application", "RFC 9110 5.1", "name-empty"),
    fault("NUL in the name from the application", "RFC 9110 5.1", "name-with-nul"),
    fault(
        "a letter beyond ASCII in the name from the application", "RFC 9110 5.1", "name-not-ascii"
    ),
    fault("a line end in the value from the application", SPLITTING, "value-with-line-end"),
    fault("LF in the value from the application", SPLITTING, "value-with-lf"),
    fault("CR in the value from the application", SPLITTING, "value-with-cr"),
    fault("NUL in the value from the application", SPLITTING, "value-with-nul"),
    fault("a response in the value from the application", SPLITTING, "value-with-response"),
    fault("a status of two digits", "RFC 9110 15", "status-99"),
    fault("a status of four digits", "RFC 9110 15", "status-1000"),
    fault("100 from the application", "RFC 9110 15.2", "status-100"),
    fault("101 from the application", "RFC 9110 15.2", "status-101"),
    fault("199 from the application", "RFC 9110 15.2", "status-199"),
    fault("a line end in the status", "RFC 9112 4, PEP 3333", "status-with-line-end"),
    fault("LF in the status", "RFC 9112 4, PEP 3333", "status-with-lf"),
    fault("NUL in the status", "RFC 9112 4, PEP 3333", "status-with-nul"),
    fault("letters as a status", "RFC 9112 4, PEP 3333", "status-of-letters"),
]

GROUP = Group("Responses", [*FRAMINGS, *LENGTHS, *HOPS, *HEADS])
