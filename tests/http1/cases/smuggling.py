"""Payloads of request smuggling: whatever a proxy took the request for, nothing hidden is served.

The hidden request asks for `/hidden`; only what `Seen` names may reach the application.
"""

from support.conformance import Case, Group, Seen, chunks, get, head, post, posted, refused, served

BOTH = "RFC 9112 6.3, 11.2"
FRAMING = "RFC 9112 6.3"
HIDDEN = get(target="/hidden")
LAST = b"0\r\n\r\n"


def hidden_in(*lines: str, clause: str, name: str) -> Case:
    """The end of the chunks, then a hidden request that one of two readings takes for a body."""
    return refused(400, name, clause, post(*lines, body=LAST + HIDDEN))


CODINGS = [
    hidden_in("Content-Length: 43", "Transfer-Encoding: chunked", clause=BOTH, name="CL.TE"),
    hidden_in("Transfer-Encoding: chunked", "Content-Length: 43", clause=BOTH, name="TE.CL"),
    hidden_in("Content-Length: 0", "Transfer-Encoding: chunked", clause=BOTH, name="0.TE"),
    hidden_in(
        "Content-Length: 5", "Transfer-Encoding: xchunked", clause=BOTH, name="TE.TE: another name"
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding : chunked",
        clause="RFC 9112 5.1",
        name="TE.TE: a space",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding\t: chunked",
        clause="RFC 9112 5.1",
        name="TE.TE: a tab",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding:\v chunked",
        clause="RFC 9110 5.5",
        name="TE.TE: a vertical tab",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding: chunked\f",
        clause="RFC 9110 5.5",
        name="TE.TE: a form feed",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding:\x00chunked",
        clause="RFC 9110 5.5",
        name="TE.TE: a NUL",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: x",
        clause=BOTH,
        name="TE.TE: a second field",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding: x",
        "Transfer-Encoding: chunked",
        clause=BOTH,
        name="TE.TE: a first field",
    ),
    hidden_in(
        "Content-Length: 5",
        " Transfer-Encoding: chunked",
        clause="RFC 9112 5.2",
        name="TE.TE: a fold",
    ),
    hidden_in(
        "Content-Length: 5",
        "X: x\nTransfer-Encoding: chunked",
        clause="RFC 9112 2.2",
        name="TE.TE: LF",
    ),
    hidden_in(
        "Content-Length: 5",
        "X: x\rTransfer-Encoding: chunked",
        clause="RFC 9112 2.2",
        name="TE.TE: CR",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding\n : chunked",
        clause="RFC 9112 2.2",
        name="TE.TE: LF in the name",
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding:",
        " chunked",
        clause="RFC 9112 5.2",
        name="TE.TE: a folded value",
    ),
    hidden_in(
        "Content-Length: 5", 'Transfer-Encoding: "chunked"', clause=BOTH, name="TE.TE: quotes"
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding: chunked, identity",
        clause=BOTH,
        name="TE.TE: identity",
    ),
    refused(
        501,
        "TE.TE: identity first",
        "RFC 9112 6.1",
        post("Content-Length: 5", "Transfer-Encoding: identity, chunked", body=LAST + HIDDEN),
    ),
    hidden_in(
        "Content-Length: 5",
        "Transfer-Encoding: chunked;q=1",
        clause=BOTH,
        name="TE.TE: a parameter",
    ),
    served(
        "TE.CL by an underscore",
        "`header_map` drop",
        post("Transfer_Encoding: chunked", "Content-Length: 5", body=LAST) + get(target="/2"),
        posted("0\r\n\r\n"),
        Seen(path="/2"),
    ),
    served(
        "a tab before chunked hides nothing",
        "RFC 9110 5.5",
        post("Transfer-Encoding:\tchunked", body=LAST) + get(target="/2"),
        posted(""),
        Seen(path="/2"),
    ),
]

LENGTHS = [
    hidden_in("Content-Length: 0", "Content-Length: 43", clause=FRAMING, name="CL.CL"),
    hidden_in("Content-Length: 43", "Content-Length: 0", clause=FRAMING, name="CL.CL reversed"),
    hidden_in("Content-Length: 0, 43", clause=FRAMING, name="CL.CL in a list"),
    hidden_in("Content-Length: 5 43", clause="RFC 9110 8.6", name="CL.CL without a comma"),
    hidden_in("Content-Length : 43", clause="RFC 9112 5.1", name="CL with a space"),
    hidden_in("Content-Length: 5", " 43", clause="RFC 9112 5.2", name="CL and a fold"),
    hidden_in("Content-Length: +43", clause="RFC 9110 8.6", name="CL with a plus"),
    hidden_in("Content-Length: 0x2b", clause="RFC 9110 8.6", name="CL in hexadecimal"),
    hidden_in("Content-Length: 43\v", clause="RFC 9110 5.5", name="CL with a vertical tab"),
    hidden_in(
        "Content-Length: 18446744073709551659", clause="RFC 9110 8.6", name="CL with an overflow"
    ),
    hidden_in("X: x\rContent-Length: 43", clause="RFC 9112 2.2", name="CL behind CR"),
    hidden_in("X: x\nContent-Length: 43", clause="RFC 9112 2.2", name="CL behind LF"),
    hidden_in("Content-Length\n: 43", clause="RFC 9112 2.2", name="CL with LF in its name"),
    refused(
        400,
        "a GET whose body is a request without a length",
        FRAMING,
        get("Content-Length") + HIDDEN,
    ),
    served(
        "a GET whose body is a request",
        FRAMING,
        get(f"Content-Length: {len(HIDDEN)}") + HIDDEN + get(target="/2"),
        Seen(body=HIDDEN.decode()),
        Seen(path="/2"),
    ),
]

CHUNKS = [
    refused(
        400,
        "TERM.EXT: LF ends an extension",
        "RFC 9112 7.1.1",
        chunks(b"2;\nxx\r\n2d\r\n0\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "EXT.TERM: CR ends an extension",
        "RFC 9112 7.1.1",
        chunks(b"2;\rxx\r\n2d\r\n0\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "TERM.SPILL: LF ends the data",
        "RFC 9112 7.1",
        chunks(b"5\r\nAAAAA\n0\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "SPILL.TERM: two octets too many",
        "RFC 9112 7.1",
        chunks(b"5\r\nAAAAAXX0\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "ONE.TWO: two octets are skipped behind LF",
        "RFC 9112 7.1",
        chunks(b"2\r\nxx\n45\r\n0\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "a size that overflows to 0",
        "RFC 9112 7.1",
        chunks(b"10000000000000000\r\n\r\n" + HIDDEN),
    ),
    refused(
        400,
        "a size that overflows to 5",
        "RFC 9112 7.1",
        chunks(b"10000000000000005\r\n12345\r\n" + LAST + HIDDEN),
    ),
    refused(
        400, "a size with a prefix that reads as 0", "RFC 9112 7.1", chunks(b"0x5\r\n\r\n" + HIDDEN)
    ),
    refused(
        400, "a size with a sign that reads as 0", "RFC 9112 7.1", chunks(b"-0\r\n\r\n" + HIDDEN)
    ),
    refused(400, "a size behind a NUL", "RFC 9112 7.1", chunks(b"\x000\r\n\r\n" + HIDDEN)),
    refused(
        400, "a size that two others surround", "RFC 9112 7.1", chunks(b"0 5\r\n\r\n" + HIDDEN)
    ),
    refused(400, "a hidden request in the trailers", "RFC 9112 7.1.2", chunks(b"0\r\n" + HIDDEN)),
    refused(
        400,
        "a length in the trailers",
        "RFC 9110 6.5.1",
        chunks(b"0\r\nContent-Length: 43\r\n\r\n" + HIDDEN),
    ),
    refused(400, "a trailer that LF ends", "RFC 9112 2.2", chunks(b"0\r\nX-A: b\n\r\n" + HIDDEN)),
    served(
        "a hidden request as a chunk",
        "RFC 9112 7.1",
        chunks(b"%x\r\n%s\r\n" % (len(HIDDEN), HIDDEN) + LAST) + get(target="/2"),
        posted(HIDDEN.decode()),
        Seen(path="/2"),
    ),
]

HEADS = [
    refused(400, "a request in the fields", "RFC 9112 5", get("GET /hidden HTTP/1.1", "Host: b")),
    refused(400, "a request behind CR", "RFC 9112 2.2", get("X: x\r\rGET /hidden HTTP/1.1")),
    refused(400, "a request behind LF LF", "RFC 9112 2.2", get("X: x\n\nGET /hidden HTTP/1.1")),
    refused(
        400, "a request behind LF CR LF", "RFC 9112 2.2", get("X: x\n\r\nGET /hidden HTTP/1.1")
    ),
    refused(400, "a request in the target", "RFC 9112 3.2", get(target="/ HTTP/1.1\nX: x")),
    refused(
        400,
        "a second Host behind a fold",
        "RFC 9112 5.2",
        head("GET / HTTP/1.1", "Host: a.example", " Host: b"),
    ),
    refused(
        400,
        "a second Host behind LF",
        "RFC 9112 2.2",
        head("GET / HTTP/1.1", "Host: a.example\nHost: b"),
    ),
    refused(
        400,
        "a second Host behind a NUL",
        "RFC 9110 5.5",
        head("GET / HTTP/1.1", "Host: a.example\0Host: b"),
    ),
    refused(
        400,
        "a first Host with a space",
        "RFC 9112 5.1",
        head("GET / HTTP/1.1", "Host : b", "Host: a.example"),
    ),
    refused(
        400,
        "a field before the first line end",
        "RFC 9112 3",
        head("GET / HTTP/1.1 Host: a.example", "X: x"),
    ),
    refused(
        400,
        "a version in the target",
        "RFC 9112 3",
        head("GET / HTTP/1.1 HTTP/1.1", "Host: a.example"),
    ),
    refused(400, "a line end in front of a hidden request", "RFC 9112 2.2", b"\r\n\r\n" + HIDDEN),
    refused(
        501,
        "a hidden request behind CONNECT",
        "RFC 9110 9.3.6 (no tunnels here)",
        head("CONNECT a.example:80 HTTP/1.1", "Host: a.example") + HIDDEN,
    ),
    refused(
        417,
        "a hidden request behind an expectation",
        "RFC 9110 10.1.1",
        post("Expect: x", "Content-Length: 43", body=b"12345" + HIDDEN),
    ),
    served(
        "a hidden request behind an upgrade is the next one",
        "RFC 9110 7.8",
        get("Connection: Upgrade", "Upgrade: h2c") + get(target="/2"),
        Seen(),
        Seen(path="/2"),
    ),
]

GROUP = Group("Smuggling", [*CODINGS, *LENGTHS, *CHUNKS, *HEADS])
