"""The switches that permit what is refused by default; each case of another group is their off."""

from support.conformance import Case, Group, Seen, chunks, get, head, post, posted, refused, served

HOST = "Host: a.example"
FOLDING = {"permit_obsolete_folding": True}
SPACES = {"strip_header_spaces": True}
METHODS = {"permit_unconventional_http_method": True}
VERSIONS = {"permit_unconventional_http_version": True}
CASEFOLD = {"casefold_http_method": True}
REFUSE = {"header_map": "refuse"}
DANGEROUS = {"header_map": "dangerous"}

FOLD = "`permit_obsolete_folding`, RFC 9112 5.2"
STRIP = "`strip_header_spaces`, RFC 9112 5.1"
METHOD = "`permit_unconventional_http_method`, RFC 9110 9.1"
VERSION = "`permit_unconventional_http_version`, RFC 9112 2.3"
FOLDED_METHOD = "`casefold_http_method`, RFC 9110 9.1"
MAP = "`header_map`"


def shows(value: str | None) -> Seen:
    """A GET with this X-A."""
    return Seen(fields={"x-a": value})


def version(text: str, seen: str = "1.1") -> tuple[bytes, Seen]:
    """A GET of another version, and how it is read."""
    return head(f"GET / {text}", HOST), Seen(version=seen)


def method(text: str, seen: str | None = None) -> tuple[bytes, Seen]:
    """A request with this method, and the method that the application sees."""
    return head(f"{text} / HTTP/1.1", HOST), Seen(method=seen or text)


def folded(name: str, *lines: str, seen: Seen) -> Case:
    """Folded fields that are permitted; each fold is read as three spaces."""
    return served(name, FOLD, get(*lines), seen, settings=FOLDING)


FOLDS = [
    folded("folding permitted: a fold", "X-A: b", " c", seen=shows("b   c")),
    folded("folding permitted: a tab", "X-A: b", "\tc", seen=shows("b   c")),
    folded("folding permitted: white space before a fold", "X-A: b\t", " c", seen=shows("b    c")),
    folded("folding permitted: two folds", "X-A: b", " c", " d", seen=shows("b   c   d")),
    folded("folding permitted: an empty first line", "X-A:", " b", seen=shows("b")),
    folded(
        "folding permitted: what looks like a field", "X-A: b", " X-B: c", seen=shows("b   X-B: c")
    ),
    folded("folding permitted: a plain field", "X-A: b", seen=shows("b")),
    served(
        "folding permitted: a folded length",
        FOLD,
        post("Content-Length:", " 5", body=b"12345"),
        posted("12345"),
        settings=FOLDING,
        split=True,
    ),
    served(
        "folding permitted: a folded coding",
        FOLD,
        post("Transfer-Encoding:", " chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
        posted("abc"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: two lengths in a fold",
        FOLD,
        post("Content-Length: 5", " 6", body=b"12345"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: a length and a coding, folded",
        FOLD,
        post("Content-Length:", " 5", "Transfer-Encoding:", " chunked", body=b"0\r\n\r\n"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: a folded host",
        FOLD,
        head("GET / HTTP/1.1", "Host: a", " b"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: before the first field",
        "RFC 9112 2.2",
        head("GET / HTTP/1.1", f" {HOST}"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: LF alone before a fold",
        "RFC 9112 2.2",
        get("X-A: b\n c"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: a NUL in a fold",
        "RFC 9110 5.5",
        get("X-A: b", " \0"),
        settings=FOLDING,
    ),
    refused(
        400,
        "folding permitted: a space before the colon",
        "RFC 9112 5.1",
        get("X-A : b"),
        settings=FOLDING,
    ),
]

STRIPPED = [
    served(
        "spaces stripped: a space", STRIP, get("X-A : b"), shows("b"), settings=SPACES, split=True
    ),
    served("spaces stripped: a tab", STRIP, get("X-A\t: b"), shows("b"), settings=SPACES),
    served("spaces stripped: several", STRIP, get("X-A \t : b"), shows("b"), settings=SPACES),
    served(
        "spaces stripped: a space in the value only",
        STRIP,
        get("X-A: b : c"),
        shows("b : c"),
        settings=SPACES,
    ),
    served("spaces stripped: an empty value", STRIP, get("X-A :"), shows(""), settings=SPACES),
    served(
        "spaces stripped: Host",
        STRIP,
        head("GET / HTTP/1.1", "Host : b.example"),
        Seen(host="b.example"),
        settings=SPACES,
    ),
    served(
        "spaces stripped: a length",
        STRIP,
        post("Content-Length : 5", body=b"12345"),
        posted("12345"),
        settings=SPACES,
    ),
    served(
        "spaces stripped: a coding",
        STRIP,
        post("Transfer-Encoding : chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
        posted("abc"),
        settings=SPACES,
    ),
    refused(400, "spaces stripped: in the name", STRIP, get("X A : b"), settings=SPACES),
    refused(400, "spaces stripped: no name", STRIP, get(" : b"), settings=SPACES),
    refused(400, "spaces stripped: a vertical tab", STRIP, get("X-A\v: b"), settings=SPACES),
    refused(400, "spaces stripped: two hosts", STRIP, get("Host : b.example"), settings=SPACES),
    refused(
        400,
        "spaces stripped: two lengths",
        STRIP,
        post("Content-Length : 5", "Content-Length: 6", body=b"12345"),
        settings=SPACES,
    ),
    refused(
        400,
        "spaces stripped: a length and a coding",
        STRIP,
        chunks(b"0\r\n\r\n", "Content-Length : 5"),
        settings=SPACES,
    ),
    refused(400, "spaces stripped: a fold", "RFC 9112 5.2", get("X-A : b", " c"), settings=SPACES),
    refused(
        400,
        "spaces stripped: LF before the colon",
        "RFC 9112 2.2",
        get("X-A\n: b"),
        settings=SPACES,
    ),
]

UNCONVENTIONAL = [
    *(
        served(f"methods permitted: {text}", METHOD, *method(text), settings=METHODS)
        for text in ("get", "GEt", "A", "AB", "ABCDEFGHIJKLMNOPQRSTU", "GE#T", "GET")
    ),
    served("methods permitted: head is not HEAD", METHOD, *method("head"), settings=METHODS),
    served(
        "methods permitted: connect is not CONNECT", METHOD, *method("connect"), settings=METHODS
    ),
    refused(400, "methods permitted: a delimiter", METHOD, method("GE(T")[0], settings=METHODS),
    refused(
        400, "methods permitted: a control character", METHOD, method("G\x01T")[0], settings=METHODS
    ),
    refused(
        400,
        "methods permitted: a letter beyond ASCII",
        METHOD,
        method("G\xcbT")[0],
        settings=METHODS,
    ),
    refused(400, "methods permitted: none", METHOD, method("")[0], settings=METHODS),
    *(
        served(f"versions permitted: {text}", VERSION, *version(text), settings=VERSIONS)
        for text in ("HTTP/1.1", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9")
    ),
    served(
        "versions permitted: HTTP/1.0",
        VERSION,
        *version("HTTP/1.0", "1.0"),
        settings=VERSIONS,
        closed=True,
    ),
    refused(400, "versions permitted: no host", VERSION, head("GET / HTTP/1.2"), settings=VERSIONS),
    refused(
        400,
        "versions permitted: the preface of HTTP/2",
        VERSION,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        settings=VERSIONS,
    ),
    *(
        refused(400, f"versions permitted: {text}", VERSION, version(text)[0], settings=VERSIONS)
        for text in ("HTTP/11.1", "HTTP/1.10", "HTTP/1", "http/1.1", "HTTP/1.x", "FTP/1.1")
    ),
]

FOLDED_METHODS = [
    served(
        "methods folded: get", FOLDED_METHOD, *method("get", "GET"), settings=CASEFOLD, split=True
    ),
    served("methods folded: GeT", FOLDED_METHOD, *method("GeT", "GET"), settings=CASEFOLD),
    served("methods folded: GET", FOLDED_METHOD, *method("GET"), settings=CASEFOLD),
    served(
        "methods folded: head is HEAD", FOLDED_METHOD, *method("head", "HEAD"), settings=CASEFOLD
    ),
    served(
        "methods folded: options for the whole server",
        FOLDED_METHOD,
        head("options * HTTP/1.1", HOST),
        Seen("OPTIONS", "*"),
        settings=CASEFOLD,
    ),
    refused(
        501,
        "methods folded: connect",
        FOLDED_METHOD,
        head("connect a.example:443 HTTP/1.1", HOST),
        settings=CASEFOLD,
    ),
    refused(
        400,
        "methods folded: two letters",
        "`permit_unconventional_http_method` off",
        method("ab")[0],
        settings=CASEFOLD,
    ),
    refused(
        400,
        "methods folded: a number sign",
        "`permit_unconventional_http_method` off",
        method("ge#t")[0],
        settings=CASEFOLD,
    ),
    refused(
        400, "methods folded: a delimiter", FOLDED_METHOD, method("ge(t")[0], settings=CASEFOLD
    ),
    served(
        "methods folded and permitted: a",
        FOLDED_METHOD,
        *method("a", "A"),
        settings={**METHODS, **CASEFOLD},
    ),
    served(
        "methods folded and permitted: ge#t",
        FOLDED_METHOD,
        *method("ge#t", "GE#T"),
        settings={**METHODS, **CASEFOLD},
    ),
]

UNDERSCORES = [
    refused(400, "underscores refused: a name", MAP, get("X_A: b"), settings=REFUSE, split=True),
    refused(400, "underscores refused: a length", MAP, get("Content_Length: 5"), settings=REFUSE),
    refused(400, "underscores refused: at the beginning", MAP, get("_: b"), settings=REFUSE),
    served("underscores refused: in a value", MAP, get("X-A: b_c"), shows("b_c"), settings=REFUSE),
    served("underscores refused: a hyphen", MAP, get("X-A: b"), shows("b"), settings=REFUSE),
    served("underscores kept: a name", MAP, get("X_A: b"), shows("b"), settings=DANGEROUS),
    served(
        "underscores kept: beside a hyphen",
        MAP,
        get("X_B: c", "X-A: b"),
        shows("b"),
        settings=DANGEROUS,
    ),
    served(
        "underscores kept: a coding is none",
        MAP,
        post("Transfer_Encoding: chunked", "Content-Length: 5", body=b"12345"),
        posted("12345"),
        settings=DANGEROUS,
    ),
    served("underscores kept: a length is none", MAP, get("Content_Length: 5"), settings=DANGEROUS),
]

GROUP = Group("Leniency", [*FOLDS, *STRIPPED, *UNCONVENTIONAL, *FOLDED_METHODS, *UNDERSCORES])
