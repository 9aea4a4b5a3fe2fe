"""Transfer-Encoding: only a single `chunked`, only in HTTP/1.1, never beside a length."""

from support.conformance import Case, Group, Seen, chunks, head, post, posted, refused, served

CODING = "RFC 9112 6.1"
FRAMING = "RFC 9112 6.3"
CHUNKED = "RFC 9112 7.1"
UNKNOWN = f"{CODING} (no coding but chunked is known)"
HIDDEN = "RFC 9112 11.2"
END = b"5\r\n12345\r\n0\r\n\r\n"


def of(value: str) -> bytes:
    """A chunked body under this coding."""
    return post(f"Transfer-Encoding: {value}", body=END)


def bad(name: str, value: str, clause: str = FRAMING, status: int = 400) -> Case:
    """A coding that is refused."""
    return refused(status, name, clause, of(value))


GOOD = [
    served("chunked", CHUNKED, of("chunked"), posted("12345"), split=True),
    served("chunked in any case", "RFC 9112 7", of("cHuNkEd"), posted("12345")),
    served("white space around chunked", "RFC 9110 5.5", of("\t chunked \t"), posted("12345")),
    served(
        "no white space before chunked",
        "RFC 9112 5",
        post("Transfer-Encoding:chunked", body=END),
        posted("12345"),
    ),
    served(
        "a GET with a chunked body",
        "RFC 9110 9.3.1",
        head("GET / HTTP/1.1", "Host: a.example", "Transfer-Encoding: chunked") + END,
        Seen(body="12345"),
    ),
    served(
        "TE says nothing of the body",
        "RFC 9110 10.1.4",
        post("TE: chunked, trailers", "Content-Length: 5", body=b"12345"),
        posted("12345"),
    ),
    served(
        "Content-Encoding says nothing of the framing",
        "RFC 9110 8.4",
        post("Content-Encoding: chunked", "Content-Length: 5", body=b"12345"),
        posted("12345"),
    ),
    served(
        "a coding with an underscore is none",
        "`header_map` drop",
        post("Transfer_Encoding: chunked", "Content-Length: 5", body=b"12345"),
        posted("12345", fields={"transfer-encoding": None}),
    ),
]

BAD = [
    bad("an empty coding", ""),
    bad("a coding of white space", " \t "),
    bad("identity", "identity"),
    bad("gzip alone", "gzip"),
    bad("gzip behind chunked", "chunked, gzip"),
    bad("identity behind chunked", "chunked, identity"),
    bad("chunked twice in a list", "chunked, chunked"),
    bad("chunked twice around gzip", "chunked, gzip, chunked"),
    bad("a name that ends in chunked", "xchunked"),
    bad("a name that begins with chunked", "chunkedx"),
    bad("chunked with a parameter", "chunked;a=b", "RFC 9112 7.1"),
    bad("chunked in quotes", '"chunked"'),
    bad("chunked in two words", "chun ked"),
    bad("a word before chunked", "x chunked"),
    bad("a word behind chunked", "chunked x"),
    bad("a list that ends in a comma", "chunked,", f"{FRAMING} (read in two ways by others)"),
    bad("a vertical tab before chunked", "\vchunked", "RFC 9110 5.5"),
    bad("a form feed before chunked", "\fchunked", "RFC 9110 5.5"),
    bad("a NUL behind chunked", "chunked\0", "RFC 9110 5.5"),
    bad("a no-break space before chunked", "\xa0chunked"),
    bad("a long s in chunked", "chun\xc5\xbfed"),
    bad("gzip and chunked", "gzip, chunked", UNKNOWN, 501),
    bad("identity and chunked", "identity, chunked", UNKNOWN, 501),
    bad("an unknown coding and chunked", "x, chunked", UNKNOWN, 501),
    refused(
        400,
        "chunked in two fields",
        FRAMING,
        post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=END),
    ),
    refused(
        400,
        "chunked, then identity in a field of its own",
        FRAMING,
        post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=END),
    ),
    refused(
        400,
        "chunked, then an empty field",
        FRAMING,
        post("Transfer-Encoding: chunked", "Transfer-Encoding:", body=END),
    ),
    refused(
        400,
        "chunked in HTTP/1.0",
        CODING,
        head("POST / HTTP/1.0", "Host: a.example", "Transfer-Encoding: chunked") + END,
        split=True,
    ),
    refused(
        400,
        "chunked in a kept HTTP/1.0 connection",
        CODING,
        head(
            "POST / HTTP/1.0",
            "Host: a.example",
            "Connection: keep-alive",
            "Transfer-Encoding: chunked",
        )
        + END,
    ),
    refused(
        400,
        "a length, then chunked",
        FRAMING,
        chunks(END, "Content-Length: 15"),
        split=True,
    ),
    refused(
        400,
        "chunked, then a length",
        FRAMING,
        post("Transfer-Encoding: chunked", "Content-Length: 15", body=END),
    ),
    refused(400, "the length 0 beside chunked", FRAMING, chunks(END, "Content-Length: 0")),
    refused(
        400,
        "an unknown coding beside a length",
        FRAMING,
        post("Transfer-Encoding: x", "Content-Length: 5", body=b"12345"),
    ),
    refused(
        400,
        "an empty coding beside a length",
        FRAMING,
        post("Transfer-Encoding:", "Content-Length: 5", body=b"12345"),
    ),
    refused(
        400,
        "a space before the colon of the coding",
        "RFC 9112 5.1",
        post("Transfer-Encoding : chunked", "Content-Length: 5", body=END),
    ),
    refused(
        400,
        "a coding on a folded line",
        "RFC 9112 5.2",
        post("Transfer-Encoding:", " chunked", body=END),
    ),
    refused(
        400,
        "a coding behind a folded line",
        "RFC 9112 5.2",
        post("X-A: b", " Transfer-Encoding: chunked", body=END),
    ),
    refused(
        400,
        "a coding behind LF alone",
        "RFC 9112 2.2",
        post("X-A: b\nTransfer-Encoding: chunked", body=END),
    ),
    refused(
        400,
        "a coding behind CR alone",
        "RFC 9112 2.2",
        post("X-A: b\rTransfer-Encoding: chunked", body=END),
    ),
    refused(
        400,
        "a coding with a space in its name",
        "RFC 9110 5.1",
        post("Transfer Encoding: chunked", body=END),
    ),
    refused(
        400,
        "a coding with LF before its colon",
        "RFC 9112 2.2",
        post("Transfer-Encoding\n: chunked", body=END),
    ),
]

GROUP = Group("Transfer-Encoding", [*GOOD, *BAD])
