"""Static files: conditions, ranges and codings (RFC 9110 12.5.3, 13 and 14)."""

from __future__ import annotations

import re

import pytest
from support.raw import Response
from support.server import Server
from support.site import LARGE

pytestmark = pytest.mark.only("rgunicorn")

DATE = "Tue, 02 Jan 2024 03:04:05 GMT"
BEFORE = "Tue, 02 Jan 2024 03:04:04 GMT"
AFTER = "Tue, 02 Jan 2024 03:04:06 GMT"
#: The same moment in the two forms that are no longer sent (RFC 9110 5.6.7).
OLD_DATES = ["Tuesday, 02-Jan-24 03:04:05 GMT", "Tue Jan  2 03:04:05 2024"]


def etag(server: Server, path: str = "/static/digits", **headers: str) -> str:
    """The entity tag of a file, strong by its form."""
    tag = server.get(path, headers=headers).header("ETag")
    assert tag is not None
    assert re.fullmatch(r'"[!#-~]+"', tag), tag
    return tag


def ask(server: Server, headers: dict[str, str], method: str = "GET") -> Response:
    """Ask for the ten digits, their tag in place of TAG."""
    tag = etag(server)
    sent = {name: value.replace("TAG", tag) for name, value in headers.items()}
    return server.request(method, "/static/digits", headers=sent)


# Conditions.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "W/TAG"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x", W/TAG'}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": "x"}, 200),
        ({"If-None-Match": ""}, 200),
        ({"If-Modified-Since": DATE}, 304),
        ({"If-Modified-Since": AFTER}, 304),
        ({"If-Modified-Since": BEFORE}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        *(({"If-Modified-Since": date}, 304) for date in OLD_DATES),
        # 13.1.3: ignored beside If-None-Match.
        ({"If-None-Match": '"x"', "If-Modified-Since": AFTER}, 200),
        ({"If-None-Match": "TAG", "If-Modified-Since": BEFORE}, 304),
        ({"If-Match": "TAG"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"x", TAG'}, 200),
        # 13.1.1: compared strongly.
        ({"If-Match": "W/TAG"}, 412),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": ""}, 412),
        ({"If-Unmodified-Since": DATE}, 200),
        ({"If-Unmodified-Since": AFTER}, 200),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        # 13.1.4: ignored beside If-Match.
        ({"If-Match": "TAG", "If-Unmodified-Since": BEFORE}, 200),
        # 13.2.2: If-Match and If-Unmodified-Since come first.
        ({"If-Match": '"x"', "If-None-Match": "TAG"}, 412),
        ({"If-Unmodified-Since": BEFORE, "If-Modified-Since": AFTER}, 412),
        ({"If-Match": "TAG", "If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "TAG", "Range": "bytes=0-1"}, 304),
        ({"If-Match": '"x"', "Range": "bytes=0-1"}, 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_are_weighed_in_their_order(
    static: Server, method: str, headers: dict[str, str], status: int
) -> None:
    assert ask(static, headers, method).status == status


def test_a_304_has_the_fields_that_caches_want_and_no_others(static: Server) -> None:
    tag = etag(static, "/static/css/site.css")
    with static.connect() as client:
        response = client.get("/static/css/site.css", headers={"If-None-Match": tag})
        assert (response.status, response.body) == (304, b"")
        assert response.header("ETag") == tag
        assert response.header("Vary") == "Accept-Encoding"
        assert response.header("Date") is not None
        for name in ("Content-Type", "Content-Length", "Last-Modified", "Content-Encoding"):
            assert response.header(name) is None
        assert client.get("/static/digits").status == 200


# Ranges.


@pytest.mark.parametrize(
    ("value", "body", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99999999999999999999999999", b"89", "bytes 8-9/10"),
        ("bytes=0-9", b"0123456789", "bytes 0-9/10"),
        ("BYTES=1-1", b"1", "bytes 1-1/10"),
        ("bytes=3-4,50-60", b"34", "bytes 3-4/10"),
    ],
)
def test_one_range(static: Server, value: str, body: bytes, content_range: str) -> None:
    response = ask(static, {"Range": value})
    assert (response.status, response.body) == (206, body)
    assert response.header("Content-Range") == content_range
    assert response.header("Content-Type") == "application/octet-stream"
    assert response.header("ETag") == etag(static)


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=99-100", "bytes=-0", "bytes=10-11,-0"])
def test_a_range_that_the_file_does_not_have(static: Server, value: str) -> None:
    response = ask(static, {"Range": value})
    assert (response.status, response.header("Content-Range")) == (416, "bytes */10")


@pytest.mark.parametrize(
    "value",
    [
        "bytes=4-2",
        "bytes=a-b",
        "bytes=-",
        "bytes=",
        "lines=0-1",
        "0-1",
        "bytes=0-4,2-6",
        "bytes=" + ",".join(["0-0"] * 2),
        "bytes=" + ",".join(f"{n % 10}-{n % 10}" for n in range(500)),
        "bytes=" + ",".join(["0-"] * 500),
    ],
)
def test_ranges_that_are_malformed_or_unreasonable_are_ignored(static: Server, value: str) -> None:
    response = ask(static, {"Range": value})
    assert (response.status, response.body) == (200, b"0123456789")


def test_head_knows_no_ranges(static: Server) -> None:
    response = ask(static, {"Range": "bytes=0-1"}, "HEAD")
    assert (response.status, response.header("Content-Length")) == (200, "10")


def test_an_empty_file_has_no_ranges(static: Server) -> None:
    path = "/static/nothing.txt"
    assert static.get(path, headers={"Range": "bytes=0-"}).status == 416
    assert static.get(path, headers={"Range": "bytes=-1"}).status == 200


def parts_of(response: Response) -> list[tuple[str, str, bytes]]:
    """The parts of a multipart body: type, range and bytes of each."""
    kind = str(response.header("Content-Type"))
    match = re.fullmatch(r"multipart/byteranges; boundary=(\w{16,70})", kind)
    assert match is not None, kind
    mark = b"--" + match[1].encode()
    first, *parts, last = response.body.split(mark)
    assert (first, last) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, _, body = part.partition(b"\r\n\r\n")
        fields = dict(line.split(": ") for line in head.decode().strip().split("\r\n"))
        assert body.endswith(b"\r\n")
        found.append((fields["Content-Type"], fields["Content-Range"], body[:-2]))
    return found


def test_several_ranges_come_in_one_body_in_the_order_asked_for(static: Server) -> None:
    response = ask(static, {"Range": "bytes=7-,0-1, 3-3, 80-90"})
    kind = "application/octet-stream"
    assert response.status == 206
    assert response.header("Content-Range") is None
    assert parts_of(response) == [
        (kind, "bytes 7-9/10", b"789"),
        (kind, "bytes 0-1/10", b"01"),
        (kind, "bytes 3-3/10", b"3"),
    ]


def test_large_ranges_and_then_the_next_request(static: Server) -> None:
    whole = static.get("/static/large.bin").body
    value = f"bytes=100000-3000000,0-9,4000000-{LARGE}"
    with static.connect(receive_buffer=4096) as client:
        response = client.get("/static/large.bin", headers={"Range": value})
        assert client.get("/app").body == b"the application"
    bodies = [body for _, _, body in parts_of(response)]
    assert bodies == [whole[100000:3000001], whole[0:10], whole[4000000:]]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("TAG", 206),
        ("W/TAG", 200),
        ('"x"', 200),
        ("TAG, TAG", 200),
        ("*", 200),
        (DATE, 206),
        (BEFORE, 200),
        (AFTER, 200),
        ("yesterday", 200),
        ("", 200),
    ],
)
def test_only_the_same_file_is_continued(static: Server, condition: str, status: int) -> None:
    response = ask(static, {"Range": "bytes=2-4", "If-Range": condition})
    assert response.status == status
    assert response.body == (b"234" if status == 206 else b"0123456789")


# Codings.


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip", "gzip", b"gzip..."),
        ("x-gzip", "gzip", b"gzip..."),
        ("br;q=0.5, gzip;q=0.8", "gzip", b"gzip..."),
        ("br;q=0, gzip;q=0.1", "gzip", b"gzip..."),
        ("*", "br", b"brotli"),
        ("*;q=0.5, br;q=0", "gzip", b"gzip..."),
        ("identity;q=0.5, br;q=0.4, gzip;q=0.6", "gzip", b"gzip..."),
        ("identity;q=0, *", "br", b"brotli"),
        ("identity;q=0, gzip;q=0.1", "gzip", b"gzip..."),
    ],
)
def test_a_file_that_lies_there_compressed_is_sent_so(
    static: Server, accepted: str, coding: str, body: bytes
) -> None:
    response = static.get("/static/css/site.css", headers={"Accept-Encoding": accepted})
    assert (response.header("Content-Encoding"), response.body) == (coding, body)
    assert response.header("Content-Type") == "text/css; charset=utf-8"
    assert response.header("Vary") == "Accept-Encoding"
    assert response.header("Content-Length") == str(len(body))


@pytest.mark.parametrize(
    "accepted",
    [
        None,
        "",
        "identity",
        "deflate",
        "gzip;q=0, br;q=0",
        "*;q=0",
        "identity;q=0",
        "gzip;q=0.5, identity",
    ],
)
def test_without_consent_the_original_is_sent(static: Server, accepted: str | None) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    response = static.get("/static/css/site.css", headers=headers)
    assert response.header("Content-Encoding") is None
    assert response.body.startswith(b"body {")
    assert response.header("Vary") == "Accept-Encoding"


def test_only_what_lies_there_is_sent(static: Server) -> None:
    every = {"Accept-Encoding": "br, gzip"}
    assert static.get("/static/script.js", headers=every).header("Content-Encoding") == "gzip"
    assert static.get("/static/digits", headers=every).header("Content-Encoding") is None
    picture = static.get("/static/picture.png", headers=every)
    assert (picture.header("Content-Encoding"), picture.header("Vary")) == (None, None)
    direct = static.get("/static/script.js.gz", headers=every)
    assert (direct.header("Content-Encoding"), direct.body) == (None, b"gz")


def test_each_coding_has_a_tag_of_its_own(static: Server) -> None:
    path = "/static/css/site.css"
    codings = ("identity", "gzip", "br")
    tags = [etag(static, path, **{"Accept-Encoding": coding}) for coding in codings]
    assert len(set(tags)) == 3
    for coding, tag in zip(codings, tags, strict=True):
        for other in codings:
            headers = {"Accept-Encoding": other, "If-None-Match": tag}
            status = static.get(path, headers=headers).status
            assert status == (304 if coding == other else 200)


def test_ranges_are_those_of_the_form_that_is_sent(static: Server) -> None:
    headers = {"Accept-Encoding": "br", "Range": "bytes=1-3"}
    response = static.get("/static/css/site.css", headers=headers)
    assert (response.status, response.body) == (206, b"rot")
    assert response.header("Content-Encoding") == "br"
    assert response.header("Content-Range") == "bytes 1-3/6"
