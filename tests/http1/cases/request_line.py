"""The request line: its parts, what separates them, and the method."""

from support.conformance import Case, Group, Seen, get, head, refused, served

HOST = "Host: a.example"
LINE = "RFC 9112 3"
LINE_END = "RFC 9112 2.2"
METHOD = "RFC 9110 9.1"
BROKEN = "RFC 9112 8"
CONVENTION = "`permit_unconventional_http_method` off"

#: Registered for HTTP, but for CONNECT (among the targets) and HEAD (among the responses).
REGISTERED = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "MKCALENDAR",
    "BASELINE-CONTROL",
    "UPDATEREDIRECTREF",
]
#: What separates words in the grammar, and so is in no token.
DELIMITERS = '"(),/:;<=>?@[\\]{}'

CASES = [
    served("a plain request", LINE, get(), split=True),
    served(
        "an empty line before the request line",
        LINE_END,
        b"\r\n" + get(),
        split=True,
    ),
    refused(
        400,
        "two empty lines before it",
        f"{LINE_END} (at least one; one is enough)",
        b"\r\n\r\n" + get(),
    ),
    refused(400, "an empty line that ends in LF alone before it", LINE_END, b"\n" + get()),
    refused(400, "a space before the method", LINE, b" " + get()),
    refused(400, "a tab before the method", LINE, b"\t" + get()),
    refused(400, "a NUL before the method", LINE, b"\0" + get()),
    refused(400, "a byte order mark before the method", LINE, b"\xef\xbb\xbf" + get()),
    refused(400, "two spaces before the target", LINE, head("GET  / HTTP/1.1", HOST)),
    refused(400, "two spaces before the version", LINE, head("GET /  HTTP/1.1", HOST)),
    refused(400, "a tab before the target", LINE, head("GET\t/ HTTP/1.1", HOST)),
    refused(400, "a tab before the version", LINE, head("GET /\tHTTP/1.1", HOST)),
    refused(400, "a vertical tab before the target", LINE, head("GET\v/ HTTP/1.1", HOST)),
    refused(400, "a form feed before the version", LINE, head("GET /\fHTTP/1.1", HOST)),
    refused(400, "a no-break space before the target", LINE, head("GET\xa0/ HTTP/1.1", HOST)),
    refused(400, "a space after the version", LINE, head("GET / HTTP/1.1 ", HOST)),
    refused(400, "a tab after the version", LINE, head("GET / HTTP/1.1\t", HOST)),
    refused(400, "a word after the version", LINE, head("GET / HTTP/1.1 x", HOST)),
    refused(400, "no version, as in HTTP/0.9", LINE, b"GET /\r\n\r\n"),
    refused(400, "no version, but fields", LINE, head("GET /", HOST)),
    refused(400, "no target", LINE, head("GET HTTP/1.1", HOST)),
    refused(400, "an empty target", LINE, head("GET  HTTP/1.1", HOST)),
    refused(400, "a method alone", LINE, head("GET", HOST)),
    refused(400, "an empty method", LINE, head(" / HTTP/1.1", HOST)),
    refused(400, "a response instead of a request", LINE, head("HTTP/1.1 200 OK", HOST)),
    refused(400, "a header field instead of a request line", LINE, head(HOST)),
    refused(400, "LF alone after the request line", LINE_END, get().replace(b"\r\n", b"\n", 1)),
    refused(400, "CR alone after the request line", LINE_END, get().replace(b"\r\n", b"\r", 1)),
    refused(400, "LF CR after the request line", LINE_END, get().replace(b"\r\n", b"\n\r", 1)),
    refused(400, "CR CR LF after the request line", LINE_END, get().replace(b"\r\n", b"\r\r\n", 1)),
    refused(400, "CR in the method", LINE_END, head("G\rT / HTTP/1.1", HOST)),
    refused(400, "CR in the target", LINE_END, head("GET /\rx HTTP/1.1", HOST)),
    refused(400, "a TLS hello", LINE, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(16)),
    refused(400, "noise", LINE, bytes(range(128, 256)) + b"\r\n\r\n"),
    refused(400, "the preface of SSH", LINE, b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    Case("a request line that breaks off", BROKEN, b"GET / HT", (), closed=True, ends=True),
    Case("nothing but the end", BROKEN, b"", (), closed=True, ends=True),
    *(
        served(
            f"the method {method}",
            METHOD,
            head(f"{method} / HTTP/1.1", HOST),
            Seen(method=method),
        )
        for method in REGISTERED
    ),
    served(
        "a method that nobody knows",
        f"{METHOD} (the application decides)",
        head("BREW-1 / HTTP/1.1", HOST),
        Seen(method="BREW-1"),
    ),
    served(
        "a method of every mark that a token may have",
        "RFC 9110 5.6.2",
        head("A!$%&'*+-.^_`|~ / HTTP/1.1", HOST),
        Seen(method="A!$%&'*+-.^_`|~"),
    ),
    served("a method of 3 letters", CONVENTION, head("ABC / HTTP/1.1", HOST), Seen(method="ABC")),
    served(
        "a method of 20 letters",
        CONVENTION,
        head("ABCDEFGHIJKLMNOPQRST / HTTP/1.1", HOST),
        Seen(method="ABCDEFGHIJKLMNOPQRST"),
    ),
    refused(400, "a method of 2 letters", CONVENTION, head("AB / HTTP/1.1", HOST)),
    refused(
        400, "a method of 21 letters", CONVENTION, head("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", HOST)
    ),
    refused(400, "a method in lower case", CONVENTION, head("get / HTTP/1.1", HOST)),
    refused(400, "a method with one lower letter", CONVENTION, head("GEt / HTTP/1.1", HOST)),
    refused(400, "a method with a number sign", CONVENTION, head("GE#T / HTTP/1.1", HOST)),
    refused(400, "a control character in the method", METHOD, head("G\x01T / HTTP/1.1", HOST)),
    refused(400, "DEL in the method", METHOD, head("G\x7fT / HTTP/1.1", HOST)),
    refused(400, "NUL in the method", METHOD, head("G\0T / HTTP/1.1", HOST)),
    refused(400, "a letter beyond ASCII in the method", METHOD, head("G\xcbT / HTTP/1.1", HOST)),
    *(
        refused(
            400, f"the delimiter {mark} in the method", METHOD, head(f"GE{mark}T / HTTP/1.1", HOST)
        )
        for mark in DELIMITERS
    ),
]

GROUP = Group("Request line", CASES)
