"""Connection: whether it goes on."""

from support.conformance import Answer, Case, Group, Seen, get, head, post, posted, served

PERSISTENCE = "RFC 9112 9.3"
OPTION = "RFC 9110 7.6.1"
OLD = Seen(version="1.0")


def closes(name: str, clause: str, *lines: str) -> Case:
    """Fields that end the connection, which the answer says."""
    answers = (Answer(fields={"Connection": "close"}),)
    return served(name, clause, get(*lines), closed=True, answers=answers)


def stays(name: str, clause: str, *lines: str) -> Case:
    """Fields that do not end the connection."""
    return served(name, clause, get(*lines), answers=(Answer(fields={"Connection": None}),))


def old(*lines: str) -> bytes:
    """A GET in HTTP/1.0."""
    return head("GET / HTTP/1.0", "Host: a.example", *lines)


CASES = [
    stays("HTTP/1.1 stays", PERSISTENCE),
    closes("close", PERSISTENCE, "Connection: close"),
    closes("close in another case", OPTION, "Connection: CLOSE"),
    closes("the name Connection in another case", OPTION, "cONNECTION: close"),
    closes("close at the end of a list", OPTION, "Connection: keep-alive, close"),
    closes("close at the beginning of a list", OPTION, "Connection: close, keep-alive"),
    closes("close among white space", OPTION, "Connection: x \t,\t close\t"),
    closes("close among empty elements", "RFC 9110 5.6.1", "Connection: ,, close ,"),
    closes("close in a second field", OPTION, "Connection: keep-alive", "Connection: close"),
    closes("close in a first field", OPTION, "Connection: close", "Connection: keep-alive"),
    stays("keep-alive", PERSISTENCE, "Connection: keep-alive"),
    stays("another option", OPTION, "Connection: x"),
    stays("an option that begins with close", OPTION, "Connection: closed"),
    stays("an option that ends in close", OPTION, "Connection: not-close"),
    stays("close as a part of words", OPTION, "Connection: x close"),
    stays("an empty Connection", "RFC 9110 5.6.1", "Connection:"),
    stays("Proxy-Connection is no field of ours", "RFC 9112 C.2.2", "Proxy-Connection: close"),
    stays("Keep-Alive without an option", "RFC 9112 C.2.2", "Keep-Alive: timeout=0, max=1"),
    stays("close in another field", OPTION, "X-Connection: close"),
    served(
        "an option that names a field of the application",
        OPTION,
        get("Connection: X-A", "X-A: b"),
        Seen(fields={"x-a": "b"}),
    ),
    served(
        "an upgrade to HTTP/2",
        "RFC 9110 7.8 (may be ignored)",
        get(
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
        ),
    ),
    served(
        "an upgrade to another protocol",
        "RFC 9110 7.8 (may be ignored)",
        get("Connection: upgrade", "Upgrade: x/1"),
    ),
    served("an upgrade without the option", "RFC 9110 7.8", get("Upgrade: h2c")),
    served(
        "HTTP/1.0 closes",
        PERSISTENCE,
        old(),
        OLD,
        closed=True,
        answers=(Answer(fields={"Connection": "close", "Transfer-Encoding": None}),),
    ),
    served(
        "HTTP/1.0 stays if asked to",
        "RFC 9112 C.2.2",
        old("Connection: keep-alive"),
        OLD,
        answers=(Answer(fields={"Connection": "keep-alive"}),),
        split=True,
    ),
    served(
        "HTTP/1.0 stays if asked in another case",
        "RFC 9112 C.2.2",
        old("Connection: Keep-Alive"),
        OLD,
    ),
    served(
        "HTTP/1.0 closes if asked for both",
        PERSISTENCE,
        old("Connection: keep-alive, close"),
        OLD,
        closed=True,
    ),
    served(
        "HTTP/1.0 closes in spite of Keep-Alive",
        "RFC 9112 C.2.2",
        old("Keep-Alive: timeout=9"),
        OLD,
        closed=True,
    ),
    served(
        "a body before the close",
        PERSISTENCE,
        post("Connection: close", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        closed=True,
    ),
    served(
        "chunks before the close",
        PERSISTENCE,
        post("Connection: close", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
        posted("abc"),
        closed=True,
    ),
]

GROUP = Group("Connection", CASES)
