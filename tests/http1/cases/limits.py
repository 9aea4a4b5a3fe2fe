"""Limits: the largest that is taken, and one beyond it."""

from support.conformance import (
    Answer,
    Case,
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

HOST = "Host: a.example"
LINE = "`limit_request_line`, RFC 9112 3"
FIELDS = "`limit_request_fields`, RFC 6585 5"
FIELD = "`limit_request_field_size`, RFC 6585 5"
BODY = "`limit_request_body`, RFC 9110 15.5.14"
REQUESTS = "`keepalive_requests`, RFC 9112 9.6"
HEAD_TIME = "`header_timeout`, RFC 9110 15.5.9"
BODY_TIME = "`body_timeout`, RFC 9110 15.5.9"
HEAD = "RFC 9110 5.4 (64 KiB for the whole head, 1 MiB if fields may be longer)"

SMALL = {
    "limit_request_line": 100,
    "limit_request_fields": 5,
    "limit_request_field_size": 100,
    "limit_request_body": 100,
}
#: 0 stands for no limit but that of the whole head.
LONG = {"limit_request_line": 0}
LARGE = {"limit_request_fields": 1000, "limit_request_field_size": 0}
FEW = {"keepalive_requests": 2}
QUICK = {"header_timeout": 1, "body_timeout": 1}


def line(length: int) -> tuple[bytes, Seen]:
    """A request line of this length, and the path in it."""
    path = "/" + "a" * (length - len("GET / HTTP/1.1"))
    return get(target=path), Seen(path=path)


def field(length: int) -> tuple[bytes, Seen]:
    """A field of this length, and its value."""
    value = "a" * (length - len("X-A: "))
    return get(f"X-A: {value}"), Seen(fields={"x-a": value})


def many(count: int) -> bytes:
    """A request with as many fields, Host among them."""
    return get(*(f"X-{number}: a" for number in range(count - 1)))


def chunked(length: int, size: int) -> bytes:
    """A body of this length in chunks of this size, the last one smaller."""
    body = b"a" * length
    pieces = [body[at : at + size] for at in range(0, length, size)]
    return chunks(
        b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    )


def sized(length: int, *lines: str) -> bytes:
    """A body of this length."""
    return post(*lines, f"Content-Length: {length}", body=b"a" * length)


def late(status: int, name: str, clause: str, request: bytes) -> Case:
    """A request that stops in the middle."""
    return refused(status, name, clause, request, settings=QUICK, waits=True)


LINES = [
    served("a request line of the limit", LINE, *line(100), settings=SMALL, split=True),
    served(
        "a request line of the limit behind an empty line",
        LINE,
        b"\r\n" + line(100)[0],
        line(100)[1],
        settings=SMALL,
    ),
    refused(414, "a request line beyond the limit", LINE, line(101)[0], settings=SMALL, split=True),
    refused(414, "a request line far beyond the limit", LINE, line(5_000)[0], settings=SMALL),
    refused(
        414,
        "a request line beyond the limit without an end",
        LINE,
        b"GET /" + b"a" * 200,
        settings=SMALL,
    ),
    refused(414, "a method beyond the limit", LINE, b"A" * 200, settings=SMALL),
    served("a request line of the default limit", LINE, *line(4_094)),
    refused(414, "a request line beyond the default limit", LINE, line(4_095)[0]),
    served("a request line without a limit", LINE, *line(20_000), settings=LONG),
    refused(
        414, "a request line beyond the head", f"{LINE}, {HEAD}", line(70_000)[0], settings=LONG
    ),
]

HEADS = [
    served("as many fields as the limit", FIELDS, many(5), settings=SMALL, split=True),
    refused(431, "more fields than the limit", FIELDS, many(6), settings=SMALL, split=True),
    refused(
        431,
        "more fields than the limit with one that is dropped",
        FIELDS,
        get("X-1: a", "X-2: a", "X-3: a", "X-4: a", "X_A: b"),
        settings=SMALL,
    ),
    refused(431, "more fields than the limit without an end", FIELDS, many(8)[:-2], settings=SMALL),
    served("as many fields as the default limit", FIELDS, many(100)),
    refused(431, "more fields than the default limit", FIELDS, many(101)),
    served("hundreds of fields", FIELDS, many(300), settings=LARGE),
    served("as many fields as a large limit", FIELDS, many(1000), settings=LARGE),
    refused(431, "more fields than a large limit", FIELDS, many(1001), settings=LARGE),
    served("a field of the limit", FIELD, *field(100), settings=SMALL, split=True),
    refused(431, "a field beyond the limit", FIELD, field(101)[0], settings=SMALL, split=True),
    refused(431, "a name beyond the limit", FIELD, get("X" * 99 + ": a"), settings=SMALL),
    refused(
        431,
        "a Host beyond the limit",
        FIELD,
        head("GET / HTTP/1.1", "Host: " + "a" * 100),
        settings=SMALL,
    ),
    refused(
        431,
        "a field beyond the limit without an end",
        FIELD,
        get()[:-2] + b"X-A: " + b"a" * 200,
        settings=SMALL,
    ),
    served("a field of the default limit", FIELD, *field(8_190)),
    refused(431, "a field beyond the default limit", FIELD, field(8_191)[0]),
    served("a field without a limit", FIELD, *field(300_000), settings=LARGE),
    refused(
        431, "a field beyond the head", f"{FIELD}, {HEAD}", field(1_100_000)[0], settings=LARGE
    ),
    refused(
        431,
        "fields beyond the head",
        HEAD,
        get(*(f"X-{number}: {'a' * 8_000}" for number in range(9))),
    ),
]

BODIES = [
    served("a body of the limit", BODY, sized(100), posted("a" * 100), settings=SMALL),
    refused(413, "a body beyond the limit", BODY, sized(101), settings=SMALL, split=True),
    refused(413, "a length beyond the limit", BODY, post("Content-Length: 101"), settings=SMALL),
    refused(
        413,
        "a length far beyond the limit",
        BODY,
        post("Content-Length: 999999999999"),
        settings=SMALL,
    ),
    refused(
        413,
        "a length beyond the limit in HTTP/1.0",
        BODY,
        head("POST / HTTP/1.0", "Content-Length: 101"),
        settings=SMALL,
    ),
    refused(
        413,
        "an expected body beyond the limit",
        f"{BODY}, RFC 9110 10.1.1",
        sized(101, "Expect: 100-continue"),
        settings=SMALL,
    ),
    served("a chunk of the limit", BODY, chunked(100, 100), posted("a" * 100), settings=SMALL),
    refused(413, "a chunk beyond the limit", BODY, chunked(101, 101), settings=SMALL),
    served("chunks of the limit", BODY, chunked(100, 7), posted("a" * 100), settings=SMALL),
    refused(413, "chunks beyond the limit", BODY, chunked(101, 7), settings=SMALL, split=True),
    refused(
        413, "a body of a GET beyond the limit", BODY, get("Content-Length: 101"), settings=SMALL
    ),
    refused(
        413,
        "a body beyond the limit behind a request",
        BODY,
        get() + sized(101),
        Seen(),
        settings=SMALL,
    ),
]

CONNECTIONS = [
    served(
        "the last request of a connection",
        REQUESTS,
        get(target="/1") + get(target="/2"),
        Seen(path="/1"),
        Seen(path="/2"),
        answers=(Answer(fields={"Connection": None}), Answer(fields={"Connection": "close"})),
        settings=FEW,
        closed=True,
    ),
    served(
        "more requests than a connection may bring",
        REQUESTS,
        get(target="/1") + post("Content-Length: 5", body=b"12345") + get(target="/3"),
        Seen(path="/1"),
        posted("12345"),
        settings=FEW,
        closed=True,
    ),
    served("fewer requests than a connection may bring", REQUESTS, get(), settings=FEW),
]

TIMES = [
    late(408, "a request line that stops", HEAD_TIME, b"GET / HT"),
    late(408, "fields that stop", HEAD_TIME, get()[:-2]),
    late(408, "a body that stops", BODY_TIME, post("Content-Length: 10", body=b"12345")),
    late(408, "chunks that stop", BODY_TIME, chunks(b"3\r\nabc\r\n")),
    Case(
        "a client that sends nothing", HEAD_TIME, b"", (), closed=True, settings=QUICK, waits=True
    ),
]

GROUP = Group("Limits", [*LINES, *HEADS, *BODIES, *CONNECTIONS, *TIMES])
