"""The protocol version of the request line."""

from support.conformance import Group, Seen, get, head, refused, served

HOST = "Host: a.example"
VERSION = "RFC 9112 2.3"
KNOWN = "RFC 9110 15.6.6 (known are 1.0 and 1.1)"

#: Well-formed, and not spoken here.
UNKNOWN = ["HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.0"]
#: No version at all by the grammar.
MALFORMED = {
    "in lower case": "http/1.1",
    "in mixed case": "Http/1.1",
    "of another protocol": "FTP/1.1",
    "of another protocol with a longer name": "HTTPS/1.1",
    "with two digits after the dot": "HTTP/1.10",
    "with two digits before the dot": "HTTP/11.1",
    "with a leading zero": "HTTP/01.1",
    "without a minor number": "HTTP/1",
    "without a minor number after the dot": "HTTP/1.",
    "without a major number": "HTTP/.1",
    "with three parts": "HTTP/1.1.1",
    "with a comma": "HTTP/1,1",
    "with a letter": "HTTP/1.x",
    "with a sign": "HTTP/+1.1",
    "with a minus": "HTTP/1.-1",
    "without a slash": "HTTP1.1",
    "with two slashes": "HTTP//1.1",
    "with spaces in it": "HTTP / 1.1",
    "with a NUL behind it": "HTTP/1.1\0",
    "with digits of another script": "HTTP/1.\xb9",
    "that is only a name": "HTTP/",
}

CASES = [
    served("HTTP/1.1", VERSION, get(), Seen(version="1.1")),
    served(
        "HTTP/1.0",
        VERSION,
        head("GET / HTTP/1.0", HOST),
        Seen(version="1.0"),
        closed=True,
        split=True,
    ),
    *(
        refused(505, f"the version {version}", KNOWN, head(f"GET / {version}", HOST))
        for version in UNKNOWN
    ),
    *(
        refused(400, f"a version {how}", VERSION, head(f"GET / {version}", HOST))
        for how, version in MALFORMED.items()
    ),
    refused(505, "the preface of HTTP/2", KNOWN, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused(
        505,
        "the preface of HTTP/2 behind a request",
        KNOWN,
        get() + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Seen(),
    ),
]

GROUP = Group("Version", CASES)
