"""Expect: `100 Continue`, and nothing else."""

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

EXPECT = "RFC 9110 10.1.1"
CONTINUES = (Answer(method="POST", continues=True),)


def unknown(name: str, value: str) -> Case:
    """An expectation that cannot be met."""
    return refused(417, name, EXPECT, post(f"Expect: {value}", "Content-Length: 5", body=b"12345"))


CASES = [
    served(
        "100-continue before a body",
        EXPECT,
        post("Expect: 100-continue", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        answers=CONTINUES,
        split=True,
    ),
    served(
        "100-continue before chunks",
        EXPECT,
        chunks(b"3\r\nabc\r\n0\r\n\r\n", "Expect: 100-continue"),
        posted("abc"),
        answers=CONTINUES,
    ),
    served(
        "100-continue in another case",
        EXPECT,
        post("eXPECT: 100-Continue", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        answers=CONTINUES,
    ),
    served(
        "100-continue twice",
        "RFC 9110 5.3",
        post("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        answers=CONTINUES,
    ),
    served(
        "100-continue before a close",
        EXPECT,
        post("Connection: close", "Expect: 100-continue", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        answers=CONTINUES,
        closed=True,
    ),
    served("100-continue without a body", EXPECT, get("Expect: 100-continue"), Seen()),
    served(
        "100-continue before a body of no octets",
        EXPECT,
        post("Expect: 100-continue", "Content-Length: 0"),
        posted(""),
    ),
    served(
        "100-continue in HTTP/1.0 is ignored",
        EXPECT,
        head("POST / HTTP/1.0", "Host: a.example", "Expect: 100-continue", "Content-Length: 5")
        + b"12345",
        posted("12345", version="1.0"),
        closed=True,
    ),
    unknown("an unknown expectation", "200-ok"),
    unknown("an unknown expectation in a list", "100-continue, x"),
    unknown("an expectation with a parameter", "100-continue;a=b"),
    unknown("an expectation that begins alike", "100-continued"),
    refused(417, "an unknown expectation without a body", EXPECT, get("Expect: x"), split=True),
    refused(
        400,
        "100-continue before a length that is none",
        "RFC 9112 6.3",
        post("Expect: 100-continue", "Content-Length: x", body=b"12345"),
    ),
    refused(
        400,
        "100-continue before both framings",
        "RFC 9112 6.3",
        chunks(b"0\r\n\r\n", "Expect: 100-continue", "Content-Length: 5"),
    ),
    refused(
        400,
        "100-continue before chunks that are none",
        "RFC 9112 7.1",
        chunks(b"x\r\n", "Expect: 100-continue"),
        continues=True,
    ),
]

GROUP = Group("Expect", CASES)
