"""The chunks of a body: sizes, extensions, and the ends of their lines."""

from support.conformance import Case, Group, chunks, posted, refused, served

CHUNK = "RFC 9112 7.1"
SIZE = "RFC 9112 7.1 (chunk-size)"
EXTENSION = "RFC 9112 7.1.1"
WHITE_SPACE = "RFC 9112 7.1.1, RFC 9110 5.6.3"
OVERFLOW = "RFC 9112 7.1 (no overflow)"
LINE_END = "RFC 9112 2.2"
LAST = b"0\r\n\r\n"


def good(name: str, clause: str, body: bytes, whole: str = "abc", **how: bool) -> Case:
    """Chunks that make a body."""
    return served(name, clause, chunks(body), posted(whole), **how)


def bad(name: str, clause: str, body: bytes, **how: bool) -> Case:
    """Chunks that are refused."""
    return refused(400, name, clause, chunks(body), **how)


def extended(extension: bytes) -> bytes:
    """A chunk with this text between its size and the end of the line."""
    return b"3" + extension + b"\r\nabc\r\n" + LAST


GOOD = [
    good("one chunk", CHUNK, b"3\r\nabc\r\n" + LAST, split=True),
    good("several chunks", CHUNK, b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n" + LAST, split=True),
    good("no chunk but the last", CHUNK, LAST, ""),
    good("a size in upper case", SIZE, b"A\r\n0123456789\r\n" + LAST, "0123456789"),
    good("a size in lower case", SIZE, b"a\r\n0123456789\r\n" + LAST, "0123456789"),
    good("a size with leading zeros", SIZE, b"0003\r\nabc\r\n" + LAST),
    good("a last chunk of several zeros", SIZE, b"3\r\nabc\r\n000\r\n\r\n"),
    good("data that looks like the end", CHUNK, b"5\r\n0\r\n\r\n\r\n" + LAST, "0\r\n\r\n"),
    good("data of line ends", CHUNK, b"2\r\n\r\n\r\n" + LAST, "\r\n"),
    good("a large chunk", CHUNK, b"4e20\r\n" + b"x" * 20_000 + b"\r\n" + LAST, "x" * 20_000),
    good("many chunks", CHUNK, b"1\r\nx\r\n" * 2_000 + LAST, "x" * 2_000),
    good("an extension", EXTENSION, extended(b";a"), split=True),
    good("an extension with a value", EXTENSION, extended(b";a=b")),
    good("an extension with a quoted value", EXTENSION, extended(b';a="b c"')),
    good("a semicolon in a quoted value", EXTENSION, extended(b';a="b;c"')),
    good("an escaped quote in a quoted value", EXTENSION, extended(b';a="b\\"c"')),
    good("an empty quoted value", EXTENSION, extended(b';a=""')),
    good("octets beyond ASCII in a quoted value", EXTENSION, extended(b';a="\xc3\xa4"')),
    good("several extensions", EXTENSION, extended(b";a;b=c;d")),
    good("an extension of the last chunk", EXTENSION, b"3\r\nabc\r\n0;a=b\r\n\r\n"),
    good("white space before the semicolon", WHITE_SPACE, extended(b" \t;a")),
    good("white space behind the semicolon", WHITE_SPACE, extended(b"; a")),
    good("white space around the equals sign", WHITE_SPACE, extended(b";a = b")),
]

SIZES = [
    bad("no size", SIZE, b"\r\nabc\r\n" + LAST),
    bad("an extension without a size", SIZE, b";a\r\nabc\r\n" + LAST),
    bad("a size of other letters", SIZE, b"g\r\nabc\r\n" + LAST),
    bad("a size and another letter", SIZE, b"3g\r\nabc\r\n" + LAST),
    bad("a size with a plus", SIZE, b"+3\r\nabc\r\n" + LAST),
    bad("a size with a minus", SIZE, b"-3\r\nabc\r\n" + LAST),
    bad("a size with a prefix", SIZE, b"0x3\r\nabc\r\n" + LAST),
    bad("a size with a suffix", SIZE, b"3h\r\nabc\r\n" + LAST),
    bad("a size with an underscore", SIZE, b"0_3\r\nabc\r\n" + LAST),
    bad("a size with a fraction", SIZE, b"3.0\r\nabc\r\n" + LAST),
    bad("a size in quotes", SIZE, b'"3"\r\nabc\r\n' + LAST),
    bad("a space before the size", SIZE, b" 3\r\nabc\r\n" + LAST),
    bad("a tab before the size", SIZE, b"\t3\r\nabc\r\n" + LAST),
    bad("a space in the size", SIZE, b"0 3\r\nabc\r\n" + LAST),
    bad("a space behind the size", SIZE, b"3 \r\nabc\r\n" + LAST),
    bad("a tab behind the size", SIZE, b"3\t\r\nabc\r\n" + LAST),
    bad("a NUL before the size", SIZE, b"\x003\r\nabc\r\n" + LAST),
    bad("a NUL behind the size", SIZE, b"3\0\r\nabc\r\n" + LAST),
    bad("a vertical tab behind the size", SIZE, b"3\v\r\nabc\r\n" + LAST),
    bad("a comma behind the size", SIZE, b"3,a\r\nabc\r\n" + LAST),
    bad("a size of 17 digits", OVERFLOW, b"fffffffffffffffff\r\nabc\r\n" + LAST),
    bad("2^64 + 3 as the size", OVERFLOW, b"10000000000000003\r\nabc\r\n" + LAST),
    bad("2^64 - 1 as the size of a short chunk", CHUNK, b"f" * 16 + b"\r\nabc\r\n", ends=True),
    bad("a size larger than the data", CHUNK, b"5\r\nabc\r\n" + LAST),
    bad("a size smaller than the data", CHUNK, b"2\r\nabc\r\n" + LAST),
    bad("a second size that is none", SIZE, b"3\r\nabc\r\nx\r\n" + LAST),
    bad("an empty line between two chunks", SIZE, b"3\r\nabc\r\n\r\n" + LAST),
    bad("data behind the last chunk", CHUNK, b"0\r\nabc\r\n\r\n"),
]

LINES = [
    bad("LF alone behind the size", LINE_END, b"3\nabc\r\n" + LAST),
    bad("CR alone behind the size", LINE_END, b"3\rabc\r\n" + LAST),
    bad("LF CR behind the size", LINE_END, b"3\n\rabc\r\n" + LAST),
    bad("CR CR LF behind the size", LINE_END, b"3\r\r\nabc\r\n" + LAST),
    bad("LF alone behind the data", CHUNK, b"3\r\nabc\n" + LAST),
    bad("CR alone behind the data", CHUNK, b"3\r\nabc\r" + LAST),
    bad("nothing behind the data", CHUNK, b"3\r\nabc" + LAST),
    bad("CR CR LF behind the data", CHUNK, b"3\r\nabc\r\r\n" + LAST),
    bad("LF CR behind the data", CHUNK, b"3\r\nabc\n\r" + LAST),
    bad("a space behind the data", CHUNK, b"3\r\nabc \r\n" + LAST),
    bad("LF alone behind the last size", LINE_END, b"3\r\nabc\r\n0\n\r\n"),
    bad("LF alone at the end", LINE_END, b"3\r\nabc\r\n0\r\n\n"),
    bad("CR alone at the end", LINE_END, b"3\r\nabc\r\n0\r\n\rx"),
    bad("LF alone everywhere in the chunks", LINE_END, b"3\nabc\n0\n\n"),
    bad("no last chunk", "RFC 9112 8", b"3\r\nabc\r\n", ends=True),
    bad("no end behind the last size", "RFC 9112 8", b"3\r\nabc\r\n0\r\n", ends=True),
    bad("no end of the data", "RFC 9112 8", b"3\r\nab", ends=True),
    bad("no end of the size", "RFC 9112 8", b"3", ends=True),
    bad("no body where chunks are announced", "RFC 9112 8", b"", ends=True),
]

EXTENSIONS = [
    bad("a semicolon alone", EXTENSION, extended(b";")),
    bad("two semicolons", EXTENSION, extended(b";;a")),
    bad("a semicolon at the end", EXTENSION, extended(b";a;")),
    bad("an extension without a name", EXTENSION, extended(b";=b")),
    bad("an equals sign without a value", EXTENSION, extended(b";a=")),
    bad("two values", EXTENSION, extended(b";a=b=c")),
    bad("two words", EXTENSION, extended(b";a b")),
    bad("a quoted value that does not end", EXTENSION, extended(b';a="b')),
    bad("a quoted value that ends in an escape", EXTENSION, extended(b';a="b\\"')),
    bad("a word behind a quoted value", EXTENSION, extended(b';a="b"c')),
    bad("a quoted name", EXTENSION, extended(b';"a"=b')),
    bad("a control character in an extension", EXTENSION, extended(b";a\x01")),
    bad("a NUL in an extension", EXTENSION, extended(b";a\0b")),
    bad("a NUL in a quoted value", EXTENSION, extended(b';a="\0"')),
    bad("DEL in a quoted value", EXTENSION, extended(b';a="\x7f"')),
    bad("an octet beyond ASCII in an extension's name", EXTENSION, extended(b";\xc3\xa4")),
    bad("LF in an extension", LINE_END, extended(b";a\nb")),
    bad("LF alone behind an extension", LINE_END, b"3;a\nabc\r\n" + LAST),
    bad("CR in an extension", LINE_END, extended(b";a\rb")),
    bad("LF in a quoted value", LINE_END, extended(b';a="\n"')),
    bad("CR LF in a quoted value", LINE_END, extended(b';a="\r\n"')),
    bad("an extension of 20,000 octets", f"{EXTENSION} (bounded)", extended(b";" + b"a" * 20_000)),
    bad("an endless size line", f"{EXTENSION} (bounded)", b"0" * 20_000 + b"3\r\nabc\r\n" + LAST),
]

GROUP = Group("Chunks", [*GOOD, *SIZES, *LINES, *EXTENSIONS])
