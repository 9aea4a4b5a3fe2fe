"""Connections that begin with a PROXY header: whose they are, who is believed, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.frontends import CLIENT, SITE, proxy_v1, proxy_v2, proxy_v2_raw
from support.raw import Connection, build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

GET = build_request("GET", "/?x=1")
#: Both classes show what a proxy tells by header fields only if they are asked to.
AUTO = {"proxy_protocol": "auto"}
HEADERS = {"text": proxy_v1(), "binary": proxy_v2()}


@pytest.fixture
def server(shared: Serve, behind: str) -> Server:
    """A server that reads headers of both versions from this machine."""
    return shared(behind, **AUTO)


@pytest.fixture(params=sorted(HEADERS))
def header(request: pytest.FixtureRequest) -> bytes:
    """A header of each version."""
    return HEADERS[request.param]


def told(client: Connection) -> dict[str, Any]:
    """What the application sees of the client."""
    answer: dict[str, Any] = client.read_response().json()
    return answer


def assert_named(answer: dict[str, Any]) -> None:
    """Assert that the client is the one that the headers name."""
    assert (answer["client"], answer["port"]) == (CLIENT[0], str(CLIENT[1]))
    assert answer["server"] == [SITE[0], str(SITE[1])]


def test_the_client_is_the_one_that_the_header_names(server: Server, header: bytes) -> None:
    with server.connect() as client:
        client.send(header + GET)
        assert_named(told(client))


def test_addresses_of_version_6_are_named_too(server: Server) -> None:
    for build in (proxy_v1, proxy_v2):
        with server.connect() as client:
            client.send(build(("2001:db8::1", 7), ("2001:db8::2", 8)) + GET)
            answer = told(client)
            assert (answer["client"], answer["port"]) == ("2001:db8::1", "7")
            assert answer["server"] == ["2001:db8::2", "8"]


def test_every_request_of_the_connection_is_that_clients(server: Server, header: bytes) -> None:
    with server.connect() as client:
        client.send(header + GET * 3)
        for _ in range(3):
            assert_named(told(client))
        client.send(GET)
        assert_named(told(client))
        client.send(header + GET)
        assert client.read_response().status == 400
        assert client.closed_by_server()


def test_header_and_request_may_come_byte_by_byte(server: Server, header: bytes) -> None:
    with server.connect() as client:
        client.send_slowly(header + GET)
        assert_named(told(client))


def test_a_body_behind_the_header_arrives_whole(server: Server, header: bytes) -> None:
    body = bytes(range(256)) * 4096
    with server.connect() as client:
        client.send(header + build_request("POST", "/digest", body=body))
        assert client.read_response().json()["size"] == len(body)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        proxy_v2_raw(0x20, 0),
        proxy_v2_raw(0x20, 0x11, bytes(12)),
        proxy_v2_raw(0x21, 0, b"ignored"),
        proxy_v2_raw(0x21, 0x31, bytes(216)),
        b"",
    ],
    ids=["unknown", "unknown with more", "local", "local with more", "unspec", "unix", "none"],
)
def test_the_real_ends_stay_where_none_are_named(server: Server, header: bytes) -> None:
    with server.connect() as client:
        client.send(header + GET)
        answer = told(client)
        host, port = client.sock.getsockname()
        assert (answer["client"], answer["port"]) == (host, str(port))
        assert answer["server"] == [server.address.host, str(server.address.port)]


def test_a_balancer_that_ended_tls_tells_the_scheme(server: Server) -> None:
    tls = (0x20, b"\x01\0\0\0\0" + b"\x21\0\x07TLSv1.3")
    unique = (0x05, b"id")
    for tlvs, scheme in (((unique, tls), "https"), ((unique,), "http")):
        with server.connect() as client:
            client.send(proxy_v2(CLIENT, SITE, *tlvs) + GET)
            assert told(client)["scheme"] == scheme


MALFORMED: dict[str, bytes] = {
    "protocol": b"PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
    "lower case": b"PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
    "two spaces": b"PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
    "space at the end": b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
    "other family": b"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
    "leading zero": b"PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n",
    "port with a sign": b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n",
    "port too large": b"PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n",
    "three words": b"PROXY TCP4 192.0.2.1\r\n",
    "bare line feed": b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n",
    "line without an end": b"PROXY UNKNOWN " + b"x" * 100,
    "version 1 in binary": proxy_v2_raw(0x11, 0x11, bytes(12)),
    "command": proxy_v2_raw(0x22, 0x11, bytes(12)),
    "family": proxy_v2_raw(0x21, 0x41, bytes(12)),
    "transport": proxy_v2_raw(0x21, 0x13, bytes(12)),
    "too short": proxy_v2_raw(0x21, 0x11, bytes(11)),
    "too long": proxy_v2_raw(0x21, 0x11, bytes(5000)),
    "tlv beyond the end": proxy_v2_raw(0x21, 0x11, bytes(12) + b"\x04\0\x09x"),
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_header_is_refused_and_nothing_behind_it_is_read(
    server: Server, header: bytes
) -> None:
    with server.connect() as client:
        client.send(header + GET)
        answer = client.read_response()
        assert answer.status == 400
        assert answer.header("Connection") == "close"
        assert "PROXY header" in answer.text
        client.half_close()
        assert client.closed_by_server()


@pytest.mark.parametrize("length", [1, 6, 20, 30])
def test_a_header_that_breaks_off_is_no_request(server: Server, header: bytes, length: int) -> None:
    with server.connect() as client:
        client.send(header[:length])
        client.half_close()
        assert client.read_to_close() == b""


def test_a_peer_that_is_not_believed_is_forbidden(
    shared: Serve, behind: str, header: bytes
) -> None:
    server = shared(behind, **AUTO, proxy_allow_ips="192.0.2.0/24")
    with server.connect() as client:
        client.send(header + GET)
        assert client.read_response().status == 403
        client.half_close()
        assert client.closed_by_server()
    with server.connect() as client:
        client.send(GET)
        assert told(client)["client"] == "127.0.0.1"


def test_a_peer_on_a_unix_socket_is_believed(
    serve: Serve, behind: str, header: bytes, short_directory: str
) -> None:
    bind = f"unix:{short_directory}/site.sock"
    server = serve(behind, **AUTO, bind=bind, proxy_allow_ips="")
    with server.connect() as client:
        client.send(header + GET)
        assert_named(told(client))


@pytest.mark.parametrize(
    ("mode", "wanted", "other"),
    [("v1", proxy_v1(), proxy_v2()), ("v2", proxy_v2(), proxy_v1()), ("off", b"", proxy_v1())],
)
def test_only_the_version_that_is_asked_for_is_read(
    shared: Serve, behind: str, mode: str, wanted: bytes, other: bytes
) -> None:
    server = shared(behind, proxy_protocol=mode)
    with server.connect() as client:
        client.send(wanted + GET)
        assert told(client)["client"] == (CLIENT[0] if wanted else "127.0.0.1")
    with server.connect() as client:
        client.send(other + GET)
        assert client.read_response().status == 400


@pytest.mark.parametrize(
    ("sent", "answer"), [(b"", b""), (proxy_v1()[:20], b"HTTP/1.1 408 "), (proxy_v1(), b"")]
)
def test_header_and_head_share_one_timeout(
    shared: Serve, behind: str, sent: bytes, answer: bytes
) -> None:
    server = shared(behind, **AUTO, header_timeout="300ms")
    with server.connect() as client:
        client.send(sent)
        assert client.read_to_close()[:13] == answer


def test_what_the_client_itself_sends_in_header_fields_is_not_believed(
    server: Server, header: bytes
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with server.connect() as client:
        client.send(header + build_request("GET", "/", headers=forged))
        answer = told(client)
        assert_named(answer)
        assert answer["scheme"] == "http"


def test_a_proxy_behind_the_balancer_is_believed_if_it_is_trusted(
    shared: Serve, behind: str, header: bytes
) -> None:
    server = shared(behind, **AUTO, proxy_headers="on", forwarded_allow_ips=CLIENT[0])
    told_by_proxy = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    request = build_request("GET", "/", headers=told_by_proxy)
    for sent, wanted in ((header, ["203.0.113.9", "https"]), (b"", ["127.0.0.1", "http"])):
        with server.connect() as client:
            client.send(sent + request)
            answer = told(client)
            assert [answer["client"], answer["scheme"]] == wanted


def test_header_fields_of_a_client_that_is_not_named_are_not_believed(
    shared: Serve, behind: str
) -> None:
    server = shared(behind, **AUTO, proxy_headers="on", forwarded_allow_ips="127.0.0.1")
    request = build_request("GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
    for header, client in (
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (proxy_v2_raw(0x21, 0), "127.0.0.1"),
        (proxy_v2_raw(0x21, 0x31, bytes(216)), "127.0.0.1"),
        # The balancer's own connection, and one without a header, are those of a trusted peer.
        (proxy_v2_raw(0x20, 0), "203.0.113.9"),
        (b"", "203.0.113.9"),
    ):
        with server.connect() as connection:
            connection.send(header + request)
            assert told(connection)["client"] == client


def test_the_access_log_names_the_client_of_the_header(
    serve: Serve, behind: str, header: bytes
) -> None:
    server = serve(behind, **AUTO, accesslog="-", access_log_format="%(h)s %(r)s")
    with server.connect() as client:
        client.send(header + GET)
        assert_named(told(client))
    line = f"{CLIENT[0]} GET /?x=1 HTTP/1.1\n"
    server.wait_until(lambda: server.output_path.read_text() == line)


def test_wsgi_has_gunicorns_variables(shared: Serve) -> None:
    server = shared("apps.wsgi_environ:app", **AUTO)

    def variables(header: bytes) -> dict[str, str]:
        with server.connect() as client:
            client.send(header + GET)
            plain = told(client)["plain"]
            return {key[6:]: value for key, value in plain.items() if key.startswith("PROXY_")}

    ends = {"ADDR": SITE[0], "PORT": str(SITE[1])}
    assert variables(proxy_v1()) == {"PROTOCOL": "TCP4", **ends}
    assert variables(proxy_v2()) == {"PROTOCOL": "TCP4", **ends}
    assert variables(b"PROXY UNKNOWN\r\n") == {"PROTOCOL": "UNKNOWN"}
    assert variables(proxy_v2_raw(0x20, 0)) == {"PROTOCOL": "LOCAL"}
    assert variables(b"") == {}
