"""Several requests on one connection: where each ends, and what becomes of those behind."""

from support.conformance import (
    Answer,
    Group,
    Seen,
    chunks,
    get,
    head,
    post,
    posted,
    refused,
    served,
)

PIPELINE = "RFC 9112 9.3.2"
FRAMING = "RFC 9112 6.3"
LAST = b"0\r\n\r\n"


def at(path: str) -> bytes:
    """A GET of a path."""
    return get(target=path)


def closing(path: str) -> bytes:
    """A GET of a path that ends the connection."""
    return get("Connection: close", target=path)


def many(count: int) -> tuple[bytes, list[Seen]]:
    """As many GETs, each of a path of its own."""
    paths = [f"/{number}" for number in range(count)]
    return b"".join(at(path) for path in paths), [Seen(path=path) for path in paths]


INNER = at("/inner")
HUNDRED, SEEN_HUNDRED = many(100)

CASES = [
    served(
        "three requests at once",
        PIPELINE,
        at("/1") + at("/2") + at("/3"),
        Seen(path="/1"),
        Seen(path="/2"),
        Seen(path="/3"),
        split=True,
    ),
    served("a hundred requests at once", PIPELINE, HUNDRED, *SEEN_HUNDRED),
    served(
        "a body between two requests",
        FRAMING,
        at("/1") + post("Content-Length: 5", body=b"12345") + at("/2"),
        Seen(path="/1"),
        posted("12345"),
        Seen(path="/2"),
        split=True,
    ),
    served(
        "chunks between two requests",
        FRAMING,
        at("/1") + chunks(b"3\r\nabc\r\n" + LAST) + at("/2"),
        Seen(path="/1"),
        posted("abc"),
        Seen(path="/2"),
        split=True,
    ),
    served(
        "bodies of every framing in a row",
        FRAMING,
        post("Content-Length: 2", body=b"ab")
        + chunks(b"1\r\nc\r\n" + LAST)
        + post()
        + chunks(LAST),
        posted("ab"),
        posted("c"),
        posted(""),
        posted(""),
    ),
    served(
        "trailers between two requests",
        "RFC 9112 7.1.2",
        chunks(b"0\r\nX-A: b\r\n\r\n") + at("/2"),
        posted(""),
        Seen(path="/2"),
    ),
    served(
        "an empty line between two requests",
        "RFC 9112 2.2",
        at("/1") + b"\r\n" + at("/2"),
        Seen(path="/1"),
        Seen(path="/2"),
    ),
    served(
        "the same fields with other targets",
        PIPELINE,
        get("X-A: b", target="/1") + get("X-A: b", target="/2?c"),
        Seen(path="/1", fields={"x-a": "b"}),
        Seen(path="/2", query="c", fields={"x-a": "b"}),
    ),
    served(
        "the same target with other fields",
        PIPELINE,
        get("X-A: b") + get("X-A: c") + get("X-B: c"),
        Seen(fields={"x-a": "b"}),
        Seen(fields={"x-a": "c"}),
        Seen(fields={"x-a": None, "x-b": "c"}),
    ),
    served(
        "absolute targets of two hosts behind the same fields",
        "RFC 9112 3.2.2",
        get(target="http://b.example/") + get(target="http://c.example/") + get() + get(),
        Seen(host="b.example"),
        Seen(host="c.example"),
        Seen(),
        Seen(),
    ),
    served(
        "a body that the application never reads",
        FRAMING,
        post(f"Content-Length: {len(INNER)}", body=INNER, target="/unread") + at("/2"),
        Seen("POST", "/unread"),
        Seen(path="/2"),
    ),
    served(
        "chunks that the application never reads",
        FRAMING,
        chunks(b"%x\r\n%s\r\n" % (len(INNER), INNER) + LAST, target="/unread") + at("/2"),
        Seen("POST", "/unread"),
        Seen(path="/2"),
    ),
    served(
        "HEAD before a GET",
        "RFC 9110 9.3.2",
        head("HEAD /1 HTTP/1.1", "Host: a.example") + at("/2"),
        Seen("HEAD", "/1"),
        Seen(path="/2"),
    ),
    served(
        "a 204 before a GET",
        "RFC 9110 15.3.5",
        at("/reply/204") + at("/2"),
        Seen(path="/reply/204"),
        Seen(path="/2"),
        answers=(Answer(204, framing="none"), Answer()),
    ),
    served(
        "a 304 before a GET",
        "RFC 9110 15.4.5",
        at("/reply/304") + at("/2"),
        Seen(path="/reply/304"),
        Seen(path="/2"),
        answers=(Answer(304, framing="none"), Answer()),
    ),
    served(
        "nothing is served behind a close",
        "RFC 9112 9.6",
        at("/1") + closing("/2") + at("/3"),
        Seen(path="/1"),
        Seen(path="/2"),
        closed=True,
        split=True,
    ),
    served(
        "nothing is served behind HTTP/1.0",
        "RFC 9112 9.3",
        head("GET /1 HTTP/1.0", "Host: a.example") + at("/2"),
        Seen(path="/1", version="1.0"),
        closed=True,
    ),
    served(
        "HTTP/1.0 that goes on before HTTP/1.1",
        "RFC 9112 C.2.2",
        head("GET /1 HTTP/1.0", "Host: a.example", "Connection: keep-alive") + at("/2"),
        Seen(path="/1", version="1.0"),
        Seen(path="/2"),
    ),
    refused(
        400,
        "nothing is served behind a refusal",
        "RFC 9112 9.6",
        at("/1") + get("bad field") + at("/3"),
        Seen(path="/1"),
        split=True,
    ),
    refused(
        400,
        "a body without a length is a request of its own",
        FRAMING,
        post(body=b"12345\r\n\r\n"),
        posted(""),
    ),
    refused(
        400,
        "two empty lines between two requests",
        "RFC 9112 2.2 (at least one; one is enough)",
        at("/1") + b"\r\n\r\n" + at("/2"),
        Seen(path="/1"),
    ),
    served(
        "a body too long for its length before a request",
        f"{FRAMING} (its last octet begins the next method)",
        post("Content-Length: 4", body=b"12345") + at("/2"),
        posted("1234"),
        Seen("5GET", "/2"),
    ),
    refused(
        400,
        "what is left of the chunks before a request",
        "RFC 9112 7.1",
        chunks(b"3\r\nabc\r\n" + LAST + b"1\r\nx\r\n" + LAST) + at("/2"),
        posted("abc"),
    ),
]

GROUP = Group("Pipelines", CASES)
