"""The trailer section behind the last chunk."""

from support.conformance import Case, Group, chunks, posted, refused, served

SECTION = "RFC 9112 7.1.2"
MERGE = "RFC 9110 6.5.1"
FORBIDDEN = "RFC 9110 6.5.1 (not allowed in trailers)"
LINE_END = "RFC 9112 2.2"

#: By what each of them would change: framing, routing, who asks, what is asked for, how to read it.
NOT_ALLOWED = {
    "Content-Length": "5",
    "Transfer-Encoding": "chunked",
    "Host": "b.example",
    "Connection": "close",
    "Keep-Alive": "max=1",
    "Trailer": "X-A",
    "TE": "trailers",
    "Upgrade": "h2c",
    "Expect": "100-continue",
    "Max-Forwards": "1",
    "Authorization": "Basic YTpi",
    "Proxy-Authorization": "Basic YTpi",
    "Cookie": "a=b",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Range": "bytes=0-0",
    "If-Match": "*",
    "If-None-Match": "*",
    "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Range": '"a"',
    "Content-Type": "text/plain",
    "Content-Encoding": "gzip",
    "Content-Range": "bytes 0-0/1",
}


def trailing(*lines: bytes) -> bytes:
    """A chunked body with these trailer lines."""
    return chunks(b"3\r\nabc\r\n0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n")


def bad(name: str, clause: str, *lines: bytes) -> Case:
    """A trailer section that is refused."""
    return refused(400, name, clause, trailing(*lines))


CASES = [
    served(
        "a trailer field, which is no header field",
        MERGE,
        trailing(b"X-Sum: 1"),
        posted("abc", fields={"x-sum": None}),
        split=True,
    ),
    served("several trailer fields", SECTION, trailing(b"X-A: b", b"X-C: d"), posted("abc")),
    served(
        "a trailer field of the same name",
        MERGE,
        chunks(b"3\r\nabc\r\n0\r\nX-A: c\r\n\r\n", "X-A: b"),
        posted("abc", fields={"x-a": "b"}),
    ),
    served("an empty trailer field", SECTION, trailing(b"X-A:"), posted("abc")),
    served("white space in a trailer field", SECTION, trailing(b"X-A: \t b c \t"), posted("abc")),
    served(
        "octets beyond ASCII in a trailer field", SECTION, trailing(b"X-A: \xc3\xa4"), posted("abc")
    ),
    served(
        "a trailer field that was announced",
        "RFC 9110 6.6.2",
        chunks(b"0\r\nX-A: b\r\n\r\n", "Trailer: X-A"),
        posted(""),
    ),
    *(
        bad(f"{name} in the trailers", FORBIDDEN, f"{name}: {value}".encode())
        for name, value in NOT_ALLOWED.items()
    ),
    bad("a forbidden trailer field in another case", FORBIDDEN, b"X-A: b", b"cOnTeNt-LeNgTh: 5"),
    bad("a trailer without a colon", SECTION, b"no colon"),
    bad("a trailer without a name", SECTION, b": b"),
    bad("a space in a trailer's name", SECTION, b"X A: b"),
    bad("a space before a trailer's colon", "RFC 9112 5.1", b"X-A : b"),
    bad("a letter beyond ASCII in a trailer's name", SECTION, b"X-\xc3\xa4: b"),
    bad("a folded trailer", "RFC 9112 5.2", b"X-A: b", b" c"),
    bad("white space before the first trailer", "RFC 9112 5.2", b" X-A: b"),
    bad("NUL in a trailer", "RFC 9110 5.5", b"X-A: b\0"),
    bad("a control character in a trailer", "RFC 9110 5.5", b"X-A: \x01"),
    bad("DEL in a trailer", "RFC 9110 5.5", b"X-A: \x7f"),
    bad("CR in a trailer", LINE_END, b"X-A: b\rc"),
    bad("LF alone between two trailers", LINE_END, b"X-A: b\nX-C: d"),
    bad("LF alone for the line behind the trailers", LINE_END, b"X-A: b\r\n\n"),
    bad("40,000 octets of trailers", f"{SECTION} (bounded)", *[b"X-A: " + b"b" * 95] * 400),
    bad("a request in the trailers", SECTION, b"GET /inner HTTP/1.1"),
    refused(
        400,
        "trailers that do not end",
        "RFC 9112 8",
        chunks(b"0\r\nX-A: b\r\n"),
        ends=True,
    ),
]

GROUP = Group("Trailers", CASES)
