"""The Host field."""

from support.conformance import Case, Group, Seen, get, head, refused, served

HOST = "RFC 9112 3.2"
GRAMMAR = "RFC 3986 3.2.2"
PORT = "RFC 3986 3.2.3"


def of(value: str) -> bytes:
    """A GET with this Host."""
    return head("GET / HTTP/1.1", f"Host: {value}")


def good(name: str, clause: str, value: str) -> Case:
    """A host that the application sees as it is."""
    return served(name, clause, of(value), Seen(host=value.strip(" \t")))


def bad(name: str, clause: str, value: str) -> Case:
    """A host that is refused."""
    return refused(400, name, clause, of(value))


CASES = [
    good("a name", GRAMMAR, "a.example"),
    good("a name and a port", GRAMMAR, "a.example:8000"),
    good("a name in upper case stays so", "RFC 9110 4.2.3", "A.Example"),
    good("a name with a dot at its end", GRAMMAR, "a.example."),
    good("a name with an underscore", GRAMMAR, "a_b.example"),
    good("every mark that a name may have", GRAMMAR, "-._~!$&'()*+,;="),
    good("a percent-encoded name", GRAMMAR, "%C3%A4.example"),
    good("white space around the host", "RFC 9110 5.5", " \ta.example\t "),
    good("an empty port", PORT, "a.example:"),
    good("the last port", PORT, "a.example:65535"),
    good("an IPv4 address", GRAMMAR, "127.0.0.1:8000"),
    good("an IPv6 address", GRAMMAR, "[::1]"),
    good("an IPv6 address and a port", GRAMMAR, "[2001:db8::1]:8000"),
    good("an IPv6 address with an IPv4 tail", GRAMMAR, "[::ffff:127.0.0.1]"),
    good("an empty host", f"{HOST} (of a target without authority)", ""),
    served(
        "Host in another case",
        "RFC 9110 5.1",
        head("GET / HTTP/1.1", "hOST: a.example"),
    ),
    served(
        "no host in HTTP/1.0",
        HOST,
        head("GET / HTTP/1.0"),
        Seen(host=None, version="1.0"),
        closed=True,
    ),
    refused(400, "no host in HTTP/1.1", HOST, head("GET / HTTP/1.1"), split=True),
    refused(400, "no host among other fields", HOST, head("GET / HTTP/1.1", "X-Host: a.example")),
    refused(400, "two hosts", HOST, get("Host: b.example")),
    refused(400, "the same host twice", HOST, get("Host: a.example")),
    refused(400, "two hosts apart", HOST, get("X-A: b", "host: b.example")),
    refused(400, "an empty and a full host", HOST, get("Host:")),
    refused(
        400,
        "two hosts in HTTP/1.0",
        HOST,
        head("GET / HTTP/1.0", "Host: a.example", "Host: b.example"),
    ),
    bad("a space in the host", GRAMMAR, "a b"),
    bad("a tab in the host", GRAMMAR, "a\tb"),
    bad("two hosts in a list with a space", GRAMMAR, "a.example, b.example"),
    bad("a path in the host", GRAMMAR, "a.example/b"),
    bad("a query in the host", GRAMMAR, "a.example?b"),
    bad("a fragment in the host", GRAMMAR, "a.example#b"),
    bad("user information in the host", "RFC 9110 7.2", "u@a.example"),
    bad("a scheme in the host", GRAMMAR, "http://a.example"),
    bad("a backslash in the host", GRAMMAR, "a.example\\b"),
    bad("quotes around the host", GRAMMAR, '"a.example"'),
    bad("an angle bracket in the host", GRAMMAR, "a<b"),
    bad("a curly bracket in the host", GRAMMAR, "a{b"),
    bad("an octet beyond ASCII in the host", GRAMMAR, "\xc3\xa4.example"),
    bad("a percent sign without digits in the host", GRAMMAR, "a%zz"),
    bad("a percent sign at the end of the host", GRAMMAR, "a%2"),
    bad("a port of letters in the host", PORT, "a.example:http"),
    bad("a port with a sign", PORT, "a.example:+80"),
    bad("a port with a minus", PORT, "a.example:-80"),
    bad("a port with a space", PORT, "a.example: 80"),
    bad("a port beyond 65535 in the host", PORT, "a.example:65536"),
    bad("a port beyond all numbers", PORT, "a.example:99999999999999999999"),
    bad("two ports in the host", PORT, "a.example:80:81"),
    bad("an IPv6 address without brackets", GRAMMAR, "::1"),
    bad("an IPv6 address with one bracket", GRAMMAR, "[::1"),
    bad("an IPv6 address with the other bracket", GRAMMAR, "::1]"),
    bad("an IPv6 address with too many colons", GRAMMAR, "[:::1]"),
    bad("an IPv6 address of nine parts", GRAMMAR, "[1:2:3:4:5:6:7:8:9]"),
    bad("an IPv6 address with a long part", GRAMMAR, "[12345::1]"),
    bad("an IPv4 address in brackets", GRAMMAR, "[127.0.0.1]"),
    bad("a name in brackets", GRAMMAR, "[a.example]"),
    bad("empty brackets", GRAMMAR, "[]"),
    bad("letters behind the brackets", GRAMMAR, "[::1]a"),
    bad("letters before the brackets", GRAMMAR, "a[::1]"),
    bad("a NUL in the host", "RFC 9110 5.5", "a\0b"),
]

GROUP = Group("Host", CASES)
