"""The request target, in its four forms."""

from support.conformance import Group, Seen, get, head, refused, served

HOST = "Host: a.example"
ORIGIN = "RFC 9112 3.2.1"
ABSOLUTE = "RFC 9112 3.2.2"
AUTHORITY = "RFC 9112 3.2.3"
ASTERISK = "RFC 9112 3.2.4"
TARGET = "RFC 9112 3.2"
CHARACTERS = "RFC 3986 2"
TUNNEL = "RFC 9110 9.3.6 (no tunnels here)"
USERINFO = "RFC 9110 4.2.4"


def line(method: str, target: str) -> bytes:
    """A request with this method and target."""
    return head(f"{method} {target} HTTP/1.1", HOST)


ORIGIN_FORM = [
    served("a path", ORIGIN, get(target="/a/b"), Seen(path="/a/b")),
    served("a path and a query", ORIGIN, get(target="/a?b=c&d"), Seen(path="/a", query="b=c&d")),
    served("an empty query", ORIGIN, get(target="/a?"), Seen(path="/a", query="")),
    served("a question mark in the query", "RFC 3986 3.4", get(target="/?a?b"), Seen(query="a?b")),
    served("a slash in the query", "RFC 3986 3.4", get(target="/?a/b"), Seen(query="a/b")),
    served("empty segments", "RFC 3986 3.3", get(target="//a//b/"), Seen(path="//a//b/")),
    served(
        "what looks like an authority",
        ORIGIN,
        get(target="//b.example/a"),
        Seen(path="//b.example/a"),
    ),
    served(
        "what looks like a URI in the path",
        ORIGIN,
        get(target="/http://b.example/"),
        Seen(path="/http://b.example/"),
    ),
    served("dot segments", ORIGIN, get(target="/a/../b/./c"), Seen(path="/a/../b/./c")),
    served("a colon in the first segment", ORIGIN, get(target="/a:b"), Seen(path="/a:b")),
    served("parameters", "RFC 3986 3.3", get(target="/a;b=c"), Seen(path="/a;b=c")),
    served(
        "every mark that a path may have",
        "RFC 3986 3.3",
        get(target="/-._~!$&'()*+,;=:@"),
        Seen(path="/-._~!$&'()*+,;=:@"),
    ),
    served("a percent-encoded octet", "RFC 3986 2.1", get(target="/a%20b"), Seen(path="/a b")),
    served(
        "hexadecimal digits in both cases", "RFC 3986 2.1", get(target="/%4a%4A"), Seen(path="/JJ")
    ),
    served("a percent-encoded slash", "RFC 3986 2.2", get(target="/a%2Fb"), Seen(path="/a/b")),
    served(
        "a percent-encoded question mark", "RFC 3986 2.2", get(target="/a%3Fb"), Seen(path="/a?b")
    ),
    served(
        "a percent-encoded percent sign", "RFC 3986 2.4", get(target="/%2541"), Seen(path="/%41")
    ),
    served("percent-encoded UTF-8", "RFC 3986 2.5", get(target="/%C3%A4"), Seen(path="/ä")),
    served(
        "a percent-encoded query stays so", "RFC 3986 2.4", get(target="/?%41"), Seen(query="%41")
    ),
    served(
        "percent-encoded CR and LF", "RFC 3986 2.1", get(target="/%0d%0aX:y"), Seen(path="/\r\nX:y")
    ),
    served("a percent-encoded NUL", "RFC 3986 2.1", get(target="/%00"), Seen(path="/\0")),
    served(
        "a percent sign without digits",
        f"{TARGET} (should be refused; left as it is, as by gunicorn)",
        get(target="/%zz?%"),
        Seen(path="/%zz", query="%"),
    ),
    refused(400, "an octet beyond ASCII in the path", CHARACTERS, get(target="/\xc3\xa4")),
    refused(400, "an octet beyond ASCII in the query", CHARACTERS, get(target="/?\xc3\xa4")),
    refused(
        400,
        "an octet beyond ASCII in the path of an absolute target",
        CHARACTERS,
        get(target="http://a.example/\xff"),
    ),
    refused(400, "a fragment", "RFC 9112 3.2.1", get(target="/a#b")),
    refused(400, "a fragment in the query", "RFC 9112 3.2.1", get(target="/a?b#c")),
    refused(400, "a space in the path", "RFC 9112 3.2", get(target="/a b")),
    refused(400, "a space in the query", "RFC 9112 3.2", get(target="/?a b")),
    refused(400, "a tab in the path", CHARACTERS, get(target="/a\tb")),
    refused(400, "a NUL in the path", CHARACTERS, get(target="/a\0b")),
    refused(400, "a control character in the path", CHARACTERS, get(target="/a\x01b")),
    refused(400, "a control character in the query", CHARACTERS, get(target="/?a\x1fb")),
    refused(400, "DEL in the path", CHARACTERS, get(target="/a\x7fb")),
    refused(400, "a line feed in the path", CHARACTERS, get(target="/a\nb")),
    refused(400, "a path without a slash", TARGET, get(target="a/b")),
    refused(400, "a path that begins with a dot", TARGET, get(target="./a")),
    refused(400, "a path that begins with a backslash", TARGET, get(target="\\a")),
    refused(400, "a query without a path", TARGET, get(target="?a")),
    refused(400, "a fragment alone", TARGET, get(target="#a")),
    refused(400, "a percent-encoded slash as the first character", TARGET, get(target="%2Fa")),
]

ABSOLUTE_FORM = [
    served(
        "an absolute target",
        ABSOLUTE,
        get(target="http://a.example/a?b"),
        Seen(path="/a", query="b"),
        split=True,
    ),
    served(
        "the authority of an absolute target replaces Host",
        ABSOLUTE,
        get(target="http://b.example/a"),
        Seen(path="/a", host="b.example"),
    ),
    served(
        "the port of an absolute target replaces Host",
        ABSOLUTE,
        get(target="http://a.example:81/a"),
        Seen(path="/a", host="a.example:81"),
    ),
    served("an absolute target with https", ABSOLUTE, get(target="https://a.example/"), Seen()),
    served(
        "a scheme in upper case",
        "RFC 3986 3.1",
        get(target="HTTP://a.example/a"),
        Seen(path="/a"),
    ),
    served("an absolute target without a path", "RFC 9110 4.2.3", get(target="http://a.example")),
    served(
        "an absolute target with a query and no path",
        "RFC 9110 4.2.3",
        get(target="http://a.example?b"),
        Seen(query="b"),
    ),
    served(
        "an IPv6 literal in an absolute target",
        "RFC 3986 3.2.2",
        get(target="http://[::1]:80/"),
        Seen(host="[::1]:80"),
    ),
    refused(400, "an absolute target without Host", TARGET, head("GET http://a.example/ HTTP/1.1")),
    refused(
        400, "an absolute target with two Hosts", TARGET, get(HOST, target="http://a.example/")
    ),
    refused(400, "user information", USERINFO, get(target="http://u@a.example/")),
    refused(400, "user information and password", USERINFO, get(target="http://u:p@a.example/")),
    refused(400, "empty user information", USERINFO, get(target="http://@a.example/")),
    refused(400, "an absolute target without a host", "RFC 9110 4.2.1", get(target="http:///a")),
    refused(400, "a port without a host", "RFC 9110 4.2.1", get(target="http://:80/a")),
    refused(400, "a scheme alone", "RFC 9110 4.2.1", get(target="http://")),
    refused(400, "one slash after the scheme", ABSOLUTE, get(target="http:/a.example/")),
    refused(400, "no slash after the scheme", ABSOLUTE, get(target="http:a.example/")),
    refused(
        400,
        "another scheme",
        f"{ABSOLUTE} (http and https are served)",
        get(target="ftp://a.example/"),
    ),
    refused(
        400,
        "file as the scheme",
        f"{ABSOLUTE} (http and https are served)",
        get(target="file:///a"),
    ),
    refused(400, "a port of letters", "RFC 3986 3.2.3", get(target="http://a.example:x/")),
    refused(400, "a port beyond 65535", "RFC 3986 3.2.3", get(target="http://a.example:65536/")),
    refused(400, "two ports", "RFC 3986 3.2.3", get(target="http://a.example:80:80/")),
    refused(
        400, "a backslash in the authority", "RFC 3986 3.2.2", get(target="http://a.example\\b/")
    ),
    refused(400, "an open bracket in the authority", "RFC 3986 3.2.2", get(target="http://[::1/")),
    refused(
        400, "a fragment behind an absolute target", ABSOLUTE, get(target="http://a.example/#b")
    ),
    refused(
        400, "an octet beyond ASCII in the authority", "RFC 3986 3.2.2", get(target="http://\xe4/")
    ),
]

OTHER_FORMS = [
    served("OPTIONS for the whole server", ASTERISK, line("OPTIONS", "*"), Seen("OPTIONS", "*")),
    refused(400, "an asterisk with GET", ASTERISK, line("GET", "*")),
    refused(400, "an asterisk with POST", ASTERISK, line("POST", "*")),
    refused(400, "an asterisk with HEAD", ASTERISK, line("HEAD", "*")),
    refused(400, "an asterisk with a query", ASTERISK, line("OPTIONS", "*?a")),
    refused(400, "two asterisks", ASTERISK, line("OPTIONS", "**")),
    refused(501, "CONNECT", TUNNEL, line("CONNECT", "a.example:443"), split=True),
    refused(501, "CONNECT to an IPv6 literal", TUNNEL, line("CONNECT", "[::1]:443")),
    refused(501, "CONNECT to an IPv4 address", TUNNEL, line("CONNECT", "127.0.0.1:80")),
    refused(400, "CONNECT without a port", "RFC 9110 9.3.6", line("CONNECT", "a.example")),
    refused(400, "CONNECT with an empty port", "RFC 9110 9.3.6", line("CONNECT", "a.example:")),
    refused(400, "CONNECT without a host", AUTHORITY, line("CONNECT", ":443")),
    refused(400, "CONNECT with a port beyond 65535", AUTHORITY, line("CONNECT", "a.example:65536")),
    refused(400, "CONNECT with user information", AUTHORITY, line("CONNECT", "u@a.example:443")),
    refused(400, "CONNECT with a path", AUTHORITY, line("CONNECT", "/")),
    refused(
        400, "CONNECT with a path behind the port", AUTHORITY, line("CONNECT", "a.example:443/")
    ),
    refused(
        400, "CONNECT with an absolute target", AUTHORITY, line("CONNECT", "http://a.example/")
    ),
    refused(400, "CONNECT with an asterisk", AUTHORITY, line("CONNECT", "*")),
    refused(400, "an authority with GET", AUTHORITY, line("GET", "a.example:443")),
    refused(400, "an authority with OPTIONS", AUTHORITY, line("OPTIONS", "a.example:443")),
]

GROUP = Group("Target", [*ORIGIN_FORM, *ABSOLUTE_FORM, *OTHER_FORMS])
