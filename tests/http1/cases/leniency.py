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
    folded("folding permitted: a plain field", "X-A: b", seen=shows("b")),
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
        "spaces stripped: a space in the value only",
        STRIP,
        get("X-A: b : c"),
        shows("b : c"),
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
    served(
        "versions permitted: HTTP/1.0",
        VERSION,
        *version("HTTP/1.0", "1.0"),
        settings=VERSIONS,
        closed=True,
    ),
]

FOLDED_METHODS = [
    served("methods folded: GET", FOLDED_METHOD, *method("GET"), settings=CASEFOLD),
    refused(
        400, "methods folded: a delimiter", FOLDED_METHOD, method("ge(t")[0], settings=CASEFOLD
    ),
]

UNDERSCORES = [
    served("underscores refused: in a value", MAP, get("X-A: b_c"), shows("b_c"), settings=REFUSE),
    served("underscores refused: a hyphen", MAP, get("X-A: b"), shows("b"), settings=REFUSE),
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
