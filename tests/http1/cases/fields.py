"""Header fields: names, values, and the ends of their lines."""

from support.conformance import Case, Group, Seen, get, head, refused, served

NAME = "RFC 9110 5.1"
VALUE = "RFC 9110 5.5"
COLON = "RFC 9112 5.1"
SYNTAX = "RFC 9112 5"
FOLDING = "RFC 9112 5.2"
LINE_END = "RFC 9112 2.2"
FIRST = "RFC 9112 2.2"

#: What separates words in the grammar, and so is in no name; a colon ends the name.
DELIMITERS = '"(),/;<=>?@[\\]{}'
#: Neither visible nor white space. CR and LF are tried as line ends.
CONTROLS = {
    "NUL": "\0",
    "SOH": "\x01",
    "BEL": "\x07",
    "BS": "\b",
    "VT": "\v",
    "FF": "\f",
    "SO": "\x0e",
    "ESC": "\x1b",
    "US": "\x1f",
    "DEL": "\x7f",
}


def shows(**fields: str | None) -> Seen:
    """A GET with these fields, as it has to be seen."""
    return Seen(fields={name.replace("_", "-"): value for name, value in fields.items()})


NAMES = [
    served("a name in any case", NAME, get("x-A: b"), shows(x_a="b"), split=True),
    served(
        "every mark that a name may have, but the underscore",
        "RFC 9110 5.6.2",
        get("x!#$%&'*+-.^`|~9: b"),
        Seen(fields={"x!#$%&'*+-.^`|~9": "b"}),
    ),
    served("a name of one letter", NAME, get("X: b"), shows(x="b")),
    served("a name of digits", NAME, get("42: b"), Seen(fields={"42": "b"})),
    served(
        "a name with an underscore is dropped", "`header_map` drop", get("X_A: b"), shows(x_a=None)
    ),
    served(
        "a name with an underscore beside the same with a hyphen",
        "`header_map` drop",
        get("X-A: b", "X_A: c"),
        shows(x_a="b"),
    ),
    served(
        "a length with an underscore is none",
        "`header_map` drop",
        get("Content_Length: 5"),
        shows(content_length=None),
    ),
    refused(400, "no name", SYNTAX, get(": b")),
    refused(400, "no colon", SYNTAX, get("no colon")),
    refused(400, "no colon in one word", SYNTAX, get("word")),
    refused(400, "a request line among the fields", SYNTAX, get("GET /x HTTP/1.1")),
    refused(400, "a space in the name", NAME, get("X A: b")),
    refused(400, "a tab in the name", NAME, get("X\tA: b")),
    refused(400, "a space before the colon", COLON, get("X-A : b"), split=True),
    refused(400, "a tab before the colon", COLON, get("X-A\t: b")),
    refused(400, "several spaces before the colon", COLON, get("X-A   : b")),
    refused(400, "a space before the colon of Host", COLON, head("GET / HTTP/1.1", "Host : a")),
    refused(400, "a letter beyond ASCII in the name", NAME, get("X-\xc3\xa4: b")),
    *(
        refused(400, f"the delimiter {mark} in a name", NAME, get(f"X{mark}A: b"))
        for mark in DELIMITERS
    ),
    *(
        refused(400, f"{name} in a name", NAME, get(f"X{control}A: b"))
        for name, control in CONTROLS.items()
    ),
]

VALUES = [
    served("white space around a value", VALUE, get("X-A: \t b \t "), shows(x_a="b")),
    served("no white space before a value", SYNTAX, get("X-A:b"), shows(x_a="b")),
    served("white space in a value", VALUE, get("X-A: b \t c"), shows(x_a="b \t c")),
    served("an empty value", VALUE, get("X-A:"), shows(x_a="")),
    served("a value of white space", VALUE, get("X-A: \t "), shows(x_a="")),
    served("colons in a value", SYNTAX, get("X-A: b:c: d"), shows(x_a="b:c: d")),
    served("octets beyond ASCII in a value", VALUE, get("X-A: \x80\xff"), shows(x_a="\x80\xff")),
    served("quotes in a value", VALUE, get('X-A: "b\\"c'), shows(x_a='"b\\"c')),
    served("a repeated field", "RFC 9110 5.3", get("X-A: b", "X-B: c", "x-a: d"), shows(x_a="b,d")),
    served(
        "a repeated field of the same value",
        "RFC 9110 5.3",
        get("X-A: b", "X-A: b"),
        shows(x_a="b,b"),
    ),
    served("what looks like a chunk in a value", VALUE, get("X-A: 0"), shows(x_a="0")),
    *(
        refused(400, f"{name} in a value", VALUE, get(f"X-A: b{control}c"))
        for name, control in CONTROLS.items()
    ),
    refused(400, "NUL alone as a value", VALUE, get("X-A: \0")),
    refused(400, "a vertical tab before a value", VALUE, get("X-A: \vb")),
    refused(400, "a form feed behind a value", VALUE, get("X-A: b\f")),
]

LINES = [
    refused(400, "a folded field", FOLDING, get("X-A: b", " c"), split=True),
    refused(400, "a field folded by a tab", FOLDING, get("X-A: b", "\tc")),
    refused(400, "a field folded behind an empty value", FOLDING, get("X-A:", " b")),
    refused(400, "a fold that looks like a field", FOLDING, get("X-A: b", " X-B: c")),
    refused(400, "a line of a space", FOLDING, get("X-A: b", " ")),
    refused(400, "a line of a tab before the end", FOLDING, get("\t")),
    refused(
        400, "a space before the first field", FIRST, head("GET / HTTP/1.1", " Host: a.example")
    ),
    refused(
        400, "a tab before the first field", FIRST, head("GET / HTTP/1.1", "\tHost: a.example")
    ),
    refused(400, "a space before a later field", FOLDING, get(" X-A: b")),
    refused(400, "CR in a value", LINE_END, get("X-A: b\rc")),
    refused(400, "CR in a name", LINE_END, get("X\rA: b")),
    refused(400, "CR at the end of a value", LINE_END, get("X-A: b\r")),
    refused(400, "CR alone between two fields", LINE_END, get("X-A: b\rX-B: c")),
    refused(400, "LF alone between two fields", LINE_END, get("X-A: b\nX-B: c"), split=True),
    refused(400, "LF CR between two fields", LINE_END, get("X-A: b\n\rX-B: c")),
    refused(
        400, "LF alone after the last field", LINE_END, get("X-A: b").replace(b"b\r\n", b"b\n")
    ),
    refused(400, "LF alone for the empty line", LINE_END, get()[:-2] + b"\n"),
    refused(400, "LF alone everywhere", LINE_END, get().replace(b"\r\n", b"\n")),
    refused(400, "CR alone everywhere", LINE_END, get().replace(b"\r\n", b"\r") + b"\r\n\r\n"),
    refused(400, "CR CR LF for the empty line", LINE_END, get()[:-2] + b"\r\r\n\r\n"),
    refused(400, "LF LF at the end", LINE_END, get()[:-4] + b"\n\n"),
    Case("fields that break off", "RFC 9112 8", get()[:-2], (), closed=True, ends=True),
    Case("a field that breaks off", "RFC 9112 8", get()[:-4], (), closed=True, ends=True),
    refused(400, "CR LF LF at the end", LINE_END, get()[:-2] + b"\n"),
]

GROUP = Group("Fields", [*NAMES, *VALUES, *LINES])
