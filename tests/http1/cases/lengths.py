"""Content-Length: which values it may have, and where it says that the body ends."""

from support.conformance import Case, Group, Seen, head, post, posted, refused, served

FRAMING = "RFC 9112 6.3"
LENGTH = "RFC 9110 8.6"


def bad(name: str, value: str, clause: str = LENGTH) -> Case:
    """A length that is refused, whatever the body."""
    return refused(400, name, clause, post(f"Content-Length: {value}", body=b"12345"))


GOOD = [
    served(
        "a length", FRAMING, post("Content-Length: 5", body=b"12345"), posted("12345"), split=True
    ),
    served("no length", FRAMING, post(), posted("")),
    served("the length 0", LENGTH, post("Content-Length: 0"), posted("")),
    served("leading zeros", LENGTH, post("Content-Length: 005", body=b"12345"), posted("12345")),
    served(
        "a length with forty leading zeros",
        f"{LENGTH} (any number of digits)",
        post(f"Content-Length: {'0' * 40}5", body=b"12345"),
        posted("12345"),
    ),
    served("only zeros", LENGTH, post("Content-Length: 000"), posted("")),
    served(
        "white space around a length",
        "RFC 9110 5.5",
        post("Content-Length:\t 5 \t", body=b"12345"),
        posted("12345"),
    ),
    served(
        "the name of the length in any case",
        "RFC 9110 5.1",
        post("cONTENT-lENGTH: 5", body=b"12345"),
        posted("12345"),
    ),
    served(
        "a body of all octets",
        "RFC 9110 6.4",
        post("Content-Length: 256", body=bytes(range(256))),
        posted(bytes(range(256)).decode("latin-1")),
    ),
    served(
        "a body that looks like a request",
        FRAMING,
        post("Content-Length: 38", body=b"GET /inner HTTP/1.1\r\nHost: a.example\r\n\r\n"[:38]),
        posted("GET /inner HTTP/1.1\r\nHost: a.example\r\n\r\n"[:38]),
    ),
    served(
        "a body that looks like chunks",
        FRAMING,
        post("Content-Length: 5", body=b"0\r\n\r\n"),
        posted("0\r\n\r\n"),
    ),
    served(
        "a body of 20,000 octets",
        FRAMING,
        post("Content-Length: 20000", body=b"x" * 20_000),
        posted("x" * 20_000),
    ),
    served(
        "a GET with a body",
        "RFC 9110 9.3.1",
        head("GET / HTTP/1.1", "Host: a.example", "Content-Length: 5") + b"12345",
        Seen(body="12345"),
    ),
    served(
        "a DELETE with a body",
        "RFC 9110 9.3.5",
        head("DELETE / HTTP/1.1", "Host: a.example", "Content-Length: 5") + b"12345",
        Seen("DELETE", body="12345"),
    ),
    served(
        "OPTIONS with a body",
        "RFC 9110 9.3.7",
        head("OPTIONS * HTTP/1.1", "Host: a.example", "Content-Length: 5") + b"12345",
        Seen("OPTIONS", "*", body="12345"),
    ),
    served(
        "a length in HTTP/1.0",
        FRAMING,
        head("POST / HTTP/1.0", "Host: a.example", "Content-Length: 5") + b"12345",
        posted("12345", version="1.0"),
        closed=True,
    ),
    served(
        "CR LF behind a body",
        "RFC 9112 2.2",
        post("Content-Length: 5", body=b"12345\r\n"),
        posted("12345"),
    ),
]

BAD = [
    bad("a length of letters", "five"),
    bad("a length with a plus", "+5"),
    bad("a length with a minus", "-5"),
    bad("minus zero", "-0"),
    bad("a hexadecimal length", "0x5"),
    bad("a length in hexadecimal digits", "a"),
    bad("a length with a fraction", "5.0"),
    bad("a length with an exponent", "5e0"),
    bad("a length with an underscore", "1_0"),
    bad("an empty length", ""),
    bad("a length of white space", " \t "),
    bad("a space in the length", "5 5"),
    bad("a length in quotes", '"5"'),
    bad("a length and a parameter", "5;a=b"),
    bad("a length and letters", "5 octets"),
    bad("a length in digits of another script", "\xd9\xa5"),
    bad("a length in superscript", "\xb2"),
    bad("a length and a vertical tab", "5\v"),
    bad("a length and a NUL", "5\0"),
    bad("2^63 as the length of a short body", "9223372036854775808", f"{LENGTH} (no overflow)"),
    bad("2^64 as the length", "18446744073709551616", f"{LENGTH} (no overflow)"),
    bad("2^64 + 5 as the length", "18446744073709551621", f"{LENGTH} (no overflow)"),
    bad("a length of 40 digits", "9" * 40, f"{LENGTH} (no overflow)"),
    bad("the same length in a list", "5, 5", f"{FRAMING} (may be refused)"),
    bad("two lengths in a list", "5, 6", FRAMING),
    bad("a list with an empty element", "5,", FRAMING),
    bad("a list that begins with a comma", ",5", FRAMING),
    refused(
        400,
        "two lengths",
        FRAMING,
        post("Content-Length: 5", "Content-Length: 6", body=b"123456"),
        split=True,
    ),
    refused(
        400,
        "two lengths the other way round",
        FRAMING,
        post("Content-Length: 6", "Content-Length: 5", body=b"123456"),
    ),
    refused(
        400,
        "the same length twice",
        f"{FRAMING} (may be refused)",
        post("Content-Length: 5", "Content-Length: 5", body=b"12345"),
    ),
    refused(
        400,
        "a length and an empty one",
        FRAMING,
        post("Content-Length: 5", "Content-Length:", body=b"12345"),
    ),
    refused(
        400,
        "the length 0 and another apart",
        FRAMING,
        post("Content-Length: 0", "X-A: b", "content-length: 5", body=b"12345"),
    ),
    refused(
        400,
        "a length before the end of a GET",
        LENGTH,
        head("GET / HTTP/1.1", "Host: a.example", "Content-Length: x"),
    ),
    refused(
        400,
        "a body that ends early",
        "RFC 9112 8",
        post("Content-Length: 10", body=b"12345"),
        ends=True,
    ),
    refused(
        400,
        "2^63 - 1 as the length of a body that ends early",
        "RFC 9112 8",
        post("Content-Length: 9223372036854775807", body=b"12345"),
        ends=True,
    ),
    refused(
        400,
        "a body that never begins",
        "RFC 9112 8",
        post("Content-Length: 10"),
        ends=True,
    ),
    refused(
        400,
        "a body longer than its length",
        FRAMING,
        post("Content-Length: 3", body=b"123(5\r\n\r\n"),
        posted("123"),
    ),
]

GROUP = Group("Content-Length", [*GOOD, *BAD])
