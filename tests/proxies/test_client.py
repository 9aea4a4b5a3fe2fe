"""Who the client is behind a proxy: the same for both interfaces and for the access log.

The tests are the proxy: they connect from 127.0.0.1 and write what a proxy would write.
"""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from conftest import Serve
from support.raw import Response, build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

Fields = list[tuple[str, str]]

#: An address range that no test connects from.
ELSEWHERE = "192.0.2.0/24"
FULL: Fields = [
    ("X-Forwarded-For", "198.51.100.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "example.com"),
    ("X-Forwarded-Port", "8443"),
    ("Forwarded", "for=203.0.113.9;proto=https;host=example.org"),
    ("SCRIPT_NAME", "/app"),
]


@pytest.fixture(params=["wsgi", "asgi"])
def behind(request: pytest.FixtureRequest) -> str:
    """The application of one of the interfaces; both give the same answers."""
    return f"apps.{request.param}_behind:app"


def ask(server: Server, fields: Fields, target: str = "/app/x") -> dict[str, Any]:
    """What the application sees of a request with these header fields."""
    with server.connect() as client:
        _, port = client.sock.getsockname()[:2] if server.address.port else ("", 0)
        seen = client.get(target, headers=fields).json()
    assert isinstance(seen, dict)
    return {**seen, "own port": str(port)}


def client_of(seen: dict[str, Any]) -> tuple[str, str]:
    """Address and port; a port that is not known is 0 in a scope, and not in an environ."""
    return seen["client"], "" if seen["port"] == "0" else seen["port"]


def bare(server: Server) -> tuple[list[str], str]:
    """Where the server listens, as name and port."""
    return [server.address.host, str(server.address.port)], "http"


# Whom to believe.


@pytest.mark.parametrize("mode", ["auto", "on", "off", "x-forwarded", "forwarded"])
@pytest.mark.parametrize("allowed", [ELSEWHERE, "", "127.0.0.2", "::1"])
def test_fields_of_a_peer_that_is_not_trusted_change_nothing(
    shared: Serve, behind: str, mode: str, allowed: str
) -> None:
    server = shared(behind, proxy_headers=mode, forwarded_allow_ips=allowed)
    seen = ask(server, FULL)
    assert client_of(seen) == ("127.0.0.1", seen["own port"])
    assert (seen["server"], seen["scheme"]) == bare(server)
    assert (seen["root"], seen["path"]) == ("", "/app/x")
    assert seen["headers"]["x-forwarded-for"] == "198.51.100.7"
    assert "script-name" not in seen["headers"]
    assert "script_name" not in seen["headers"]


@pytest.mark.parametrize("allowed", ["*", "127.0.0.0/8", "10.0.0.1,127.0.0.1", "::ffff:127.0.0.1"])
def test_trusted_peers_are_addresses_networks_or_everybody(
    shared: Serve, behind: str, allowed: str
) -> None:
    server = shared(behind, proxy_headers="on", forwarded_allow_ips=allowed)
    assert client_of(ask(server, FULL)) == ("198.51.100.7", "")


def test_the_loopback_is_trusted_unless_the_variable_says_otherwise(
    serve: Serve, behind: str
) -> None:
    assert ask(serve(behind), FULL)["scheme"] == "https"
    server = serve(behind, env={"FORWARDED_ALLOW_IPS": "192.0.2.1"})
    assert ask(server, FULL)["scheme"] == "http"


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_peer_on_a_unix_socket_is_always_trusted(
    serve: Serve, behind: str, short_directory: str, mode: str
) -> None:
    bind = f"unix:{short_directory}/site.sock"
    server = serve(
        behind,
        bind=bind,
        proxy_headers=mode,
        forwarded_allow_ips="",
        forwarder_headers="SCRIPT_NAME",
    )
    seen = ask(server, FULL)
    told = mode == "on" or "asgi" in behind
    assert client_of(seen) == (("198.51.100.7", "") if told else ("", ""))
    assert (seen["scheme"], seen["root"]) == ("https", "/app")
    if mode == "on":
        assert seen["server"] == ["example.com", "8443"]
    # Without a proxy's word, a unix socket has no client; what WSGI has to have comes from Host.
    seen = ask(server, [("Host", "site.test"), ("X-Forwarded-Proto", "https")])
    assert client_of(seen) == ("", "")
    if "wsgi" in behind:
        assert seen["server"] == ["site.test", "443"]


def test_a_peer_of_ipv6_is_trusted_by_its_own_address(serve: Serve, behind: str) -> None:
    for allowed, expected in [("::1", "2001:db8::7"), ("fd00::/8,127.0.0.1", "::1")]:
        server = serve(behind, bind="[::1]:0", proxy_headers="on", forwarded_allow_ips=allowed)
        seen = ask(server, [("X-Forwarded-For", "2001:db8::7")])
        assert (seen["client"], seen["server"]) == (expected, ["::1", str(server.address.port)])


def test_an_ipv4_peer_of_a_socket_for_both_is_what_it_is(serve: Serve, behind: str) -> None:
    server = serve(behind, bind="[::]:0", proxy_headers="on", forwarded_allow_ips="127.0.0.1")
    with socket.create_connection(("127.0.0.1", server.address.port), timeout=10) as sock:
        sock.sendall(build_request("GET", "/", headers=[*FULL[1:4], ("Connection", "close")]))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
        port = str(sock.getsockname()[1])
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (seen["client"], seen["port"], seen["scheme"]) == ("127.0.0.1", port, "https")


# What to believe.


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("on", ("198.51.100.7", "https", ["example.com", "8443"])),
        ("x-forwarded", ("198.51.100.7", "https", ["example.com", "8443"])),
        ("forwarded", ("203.0.113.9", "https", ["example.org", "443"])),
        ("off", ("127.0.0.1", "https", None)),
    ],
)
def test_the_mode_says_which_fields_are_believed(
    shared: Serve, behind: str, mode: str, expected: tuple[str, str, list[str] | None]
) -> None:
    server = shared(behind, proxy_headers=mode)
    seen = ask(server, FULL)
    address, scheme, name = expected
    assert (seen["client"], seen["scheme"]) == (address, scheme)
    assert seen["server"] == (name or bare(server)[0])
    assert seen["headers"]["host"] == "localhost", "Host is never changed"


def test_auto_is_what_the_users_of_gunicorn_and_of_uvicorn_expect(
    shared: Serve, behind: str
) -> None:
    server = shared(behind)
    seen = ask(server, FULL)
    expected = ("198.51.100.7", "") if "asgi" in behind else ("127.0.0.1", seen["own port"])
    assert client_of(seen) == expected
    assert (seen["server"], seen["scheme"]) == (bare(server)[0], "https")


def test_the_switch_without_a_mode_is_on_and_its_negation_off(serve: Serve, behind: str) -> None:
    assert ask(serve(behind, proxy_headers=True), FULL)["client"] == "198.51.100.7"
    assert ask(serve(behind, no_proxy_headers=True), FULL)["client"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("X-Forwarded-For", "6.6.6.6, 198.51.100.7, 10.0.0.1")], ("198.51.100.7", "")),
        (
            [("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7")],
            ("198.51.100.7", ""),
        ),
        ([("X-Forwarded-For", "198.51.100.7:4711")], ("198.51.100.7", "4711")),
        ([("X-Forwarded-For", "[2001:db8::1]:4711")], ("2001:db8::1", "4711")),
        ([("X-Forwarded-For", "2001:db8::1, 10.0.0.2")], ("2001:db8::1", "")),
        ([("X-Forwarded-For", "::ffff:198.51.100.7")], ("198.51.100.7", "")),
        ([("X-Forwarded-For", "6.6.6.6, unknown, 10.0.0.1")], ("10.0.0.1", "")),
        ([("Forwarded", 'for="[2001:db8::1]:4711"')], ("2001:db8::1", "4711")),
        (
            [("Forwarded", "for=6.6.6.6, For=198.51.100.7;by=_x, for=10.0.0.1")],
            ("198.51.100.7", ""),
        ),
        ([("Forwarded", 'for="6.6.6.6'), ("Forwarded", "for=198.51.100.7")], ("198.51.100.7", "")),
        ([("Forwarded", 'for="6.6.6.6, for=198.51.100.7')], ("198.51.100.7", "")),
        ([("Forwarded", "for=_hidden, for=10.0.0.1")], ("10.0.0.1", "")),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_trusted(
    shared: Serve, behind: str, fields: Fields, expected: tuple[str, str]
) -> None:
    server = shared(behind, proxy_headers="on", forwarded_allow_ips="127.0.0.1,10.0.0.0/8")
    assert client_of(ask(server, fields)) == expected


@pytest.mark.parametrize(
    "value", ["unknown", "_hidden", "a b", "1.2.3", "[::1", '"', "é", ",,", ""]
)
@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_what_is_no_address_leaves_the_proxy_as_the_client(
    shared: Serve, behind: str, name: str, value: str
) -> None:
    server = shared(behind, proxy_headers="on")
    seen = ask(server, [(name, f"for={value}" if name == "Forwarded" else value)])
    assert client_of(seen) == ("127.0.0.1", seen["own port"])


def test_an_unknown_port_is_0_in_a_scope_and_missing_in_an_environ(
    shared: Serve, behind: str
) -> None:
    server = shared(behind, proxy_headers="on")
    assert ask(server, FULL)["port"] == ("0" if "asgi" in behind else "")


# The scheme.


@pytest.mark.parametrize("mode", ["auto", "off"])
@pytest.mark.parametrize(
    ("fields", "scheme"),
    [
        ([("X-Forwarded-Protocol", "ssl")], "https"),
        ([("X-Forwarded-Ssl", "on")], "https"),
        ([("X-Forwarded-Ssl", "off")], "http"),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "on")], "https"),
        ([("X-Forwarded-Proto", "http")], "http"),
        ([], "http"),
    ],
)
def test_scheme_headers_hold_whatever_the_mode(
    shared: Serve, behind: str, mode: str, fields: Fields, scheme: str
) -> None:
    assert ask(shared(behind, proxy_headers=mode), fields)["scheme"] == scheme


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")],
        [("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")],
        [("X-Forwarded-Proto", "http"), ("X-Forwarded-Protocol", "ssl")],
    ],
)
def test_schemes_that_contradict_each_other_are_refused(
    shared: Serve, behind: str, fields: Fields
) -> None:
    server = shared(behind)
    with server.connect() as client:
        answer = client.get("/", headers=fields)
        assert (answer.status, answer.header("Connection")) == (400, "close")
        assert client.closed_by_server()
    untrusted = shared(behind, forwarded_allow_ips=ELSEWHERE)
    assert ask(untrusted, fields)["scheme"] == "http"


def test_scheme_headers_of_ones_own_replace_the_usual_ones(serve: Serve, behind: str) -> None:
    env = {"RGUNICORN_SECURE_SCHEME_HEADERS": "FRONT-TLS=yes"}
    server = serve(behind, proxy_headers="off", env=env)
    assert ask(server, [("Front-Tls", "yes")])["scheme"] == "https"
    assert ask(server, [("Front-Tls", "Yes")])["scheme"] == "http"
    assert ask(server, [("X-Forwarded-Proto", "https")])["scheme"] == "http"


# One connection, several clients.


def test_each_request_of_a_connection_has_its_own_client(shared: Serve, behind: str) -> None:
    server = shared(behind, proxy_headers="on", forwarder_headers="SCRIPT_NAME", keepalive=30)
    with server.connect() as client:
        own = str(client.sock.getsockname()[1])

        def asked(fields: Fields) -> dict[str, Any]:
            return client.get("/a/x", headers=fields).json()

        for _ in range(3):
            for address in ("198.51.100.1", "198.51.100.2", "198.51.100.2", "198.51.100.2"):
                seen = asked([("X-Forwarded-For", address), ("X-Forwarded-Proto", "https")])
                assert (seen["client"], seen["scheme"]) == (address, "https")
            for _ in range(3):
                seen = asked([])
                assert (client_of(seen), seen["scheme"]) == (("127.0.0.1", own), "http")
                assert (seen["server"], seen["root"]) == (bare(server)[0], "")
            for _ in range(3):
                seen = asked([("X-Forwarded-Host", "a.test"), ("SCRIPT_NAME", "/a")])
                assert (seen["server"], seen["root"]) == (["a.test", "80"], "/a")


def test_pipelined_requests_have_their_own_clients(shared: Serve, behind: str) -> None:
    server = shared(behind, proxy_headers="on", keepalive=30)
    addresses = [f"198.51.100.{number}" for number in (1, 2, 2, 3, 1)]
    with server.connect() as client:
        requests = [
            build_request("GET", "/", headers=[("X-Forwarded-For", address)])
            for address in addresses
        ]
        client.send(b"".join(requests))
        assert [client.read_response().json()["client"] for _ in addresses] == addresses


def test_the_access_log_names_the_same_client(serve: Serve, behind: str) -> None:
    server = serve(
        behind,
        proxy_headers="on",
        keepalive=30,
        accesslog="-",
        access_log_format="%(h)s %({REMOTE_ADDR}e)s",
    )
    sent: list[Fields] = [
        [("X-Forwarded-For", "198.51.100.1")],
        [("Forwarded", 'for="[2001:db8::1]"')],
        [],
        [("X-Forwarded-For", "6.6.6.6, 198.51.100.2")],
    ]
    with server.connect() as client:
        clients = [client.get("/", headers=fields).json()["client"] for fields in sent]
    assert clients == ["198.51.100.1", "2001:db8::1", "127.0.0.1", "198.51.100.2"]
    server.wait_until(lambda: server.output_path.read_text().count("\n") == len(sent))
    assert server.output_path.read_text().splitlines() == [f"{one} {one}" for one in clients]


# Where the application is mounted.


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/app/x", "/x"),
        ("/app", ""),
        ("/app/", "/"),
        ("/x", "/x"),
        ("/apple", "/apple"),
        ("/%61pp/x", "/x"),
    ],
)
def test_root_path_works_whether_or_not_the_proxy_cuts_it_off(
    shared: Serve, behind: str, target: str, path: str
) -> None:
    seen = ask(shared(behind, root_path="/app/"), [], target)
    assert (seen["root"], seen["path"]) == ("/app", path)


def test_the_variable_script_name_is_the_default_of_root_path(serve: Serve, behind: str) -> None:
    env = {"SCRIPT_NAME": "/app"}
    seen = ask(serve(behind, env=env), [], "/app/x")
    assert (seen["root"], seen["path"]) == ("/app", "/x")
    seen = ask(serve(behind, env=env, root_path="/other"), [], "/app/x")
    assert (seen["root"], seen["path"]) == ("/other", "/app/x")


@pytest.mark.parametrize(
    ("value", "root", "path"),
    [
        ("/app", "/app", "/x"),
        ("/app/", "/app", "/x"),
        ("/", "", "/app/x"),
        ("app", "/base", "/app/x"),
    ],
)
def test_a_trusted_proxy_tells_where_the_application_is_mounted(
    shared: Serve, behind: str, value: str, root: str, path: str
) -> None:
    server = shared(behind, root_path="/base", forwarder_headers="SCRIPT_NAME")
    seen = ask(server, [("SCRIPT_NAME", "/evil"), ("Script_Name", value)], "/app/x")
    assert (seen["root"], seen["path"]) == (root, path)


def test_a_path_that_is_not_below_the_script_name_of_the_proxy_is_refused(
    shared: Serve, behind: str
) -> None:
    server = shared(behind, forwarder_headers="SCRIPT_NAME")
    for target in ("/x", "/apple", "/"):
        assert server.get(target, headers={"SCRIPT_NAME": "/app"}).status == 400, target
    untrusted = shared(behind, forwarder_headers="SCRIPT_NAME", forwarded_allow_ips=ELSEWHERE)
    assert ask(untrusted, [("SCRIPT_NAME", "/app")], "/x")["path"] == "/x"


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_client_behind_a_proxy_that_passes_underscores_on_mounts_nothing(
    serve: Serve, behind: str, mode: str
) -> None:
    server = serve(behind, proxy_headers=mode)
    for _ in range(3):
        seen = ask(server, [("SCRIPT_NAME", "/app"), ("PATH_INFO", "/secret")])
        assert (seen["root"], seen["path"]) == ("", "/app/x")
        assert set(seen["headers"]) == {"host"}
    assert server.log_lines(r"\[WARNING\] .*SCRIPT_NAME.*--forwarder-headers SCRIPT_NAME") == 1


def test_of_a_peer_that_is_not_trusted_the_log_does_not_warn(serve: Serve, behind: str) -> None:
    server = serve(behind, forwarded_allow_ips=ELSEWHERE)
    ask(server, [("SCRIPT_NAME", "/app")])
    server.stop()
    assert server.log_lines("SCRIPT_NAME") == 0


# Names with an underscore.

FORGED: Fields = [
    ("X_Forwarded_For", "6.6.6.6"),
    ("X_Forwarded-For", "6.6.6.6"),
    ("X-Forwarded_Proto", "https"),
    ("REMOTE_USER", "root"),
    ("Remote_Addr", "6.6.6.6"),
    ("Content_Length", "3"),
    ("_", "x"),
]


@pytest.mark.parametrize("allowed", [ELSEWHERE, "127.0.0.1"])
def test_a_name_with_an_underscore_forges_nothing(shared: Serve, behind: str, allowed: str) -> None:
    server = shared(behind, proxy_headers="on", forwarded_allow_ips=allowed)
    seen = ask(server, FORGED)
    assert client_of(seen) == ("127.0.0.1", seen["own port"])
    assert (seen["scheme"], seen["user"], seen["length"]) == ("http", None, None)
    assert set(seen["headers"]) == {"host"}
    genuine = ask(server, [*FORGED, ("X-Forwarded-For", "198.51.100.7")])
    assert genuine["headers"] == {"host": "localhost", "x-forwarded-for": "198.51.100.7"}


def test_a_name_that_is_let_pass_is_no_other_field(shared: Serve, behind: str) -> None:
    server = shared(behind, header_map="dangerous", forwarded_allow_ips=ELSEWHERE)
    seen = ask(server, [("Content_Length", "3"), ("X_Forwarded_Proto", "https")])
    assert (seen["length"], seen["scheme"]) == (None, "http")
    assert "3" in seen["headers"].values()


def test_forwarder_headers_are_kept_from_trusted_peers_only(shared: Serve, behind: str) -> None:
    key = "remote-user" if "wsgi" in behind else "remote_user"
    for allowed, user in [("127.0.0.1", "alice"), (ELSEWHERE, None)]:
        server = shared(behind, forwarder_headers="REMOTE_USER", forwarded_allow_ips=allowed)
        seen = ask(server, [("REMOTE_USER", "alice"), ("SCRIPT_NAME", "/app"), ("A_B", "c")])
        assert (seen["headers"].get(key), seen["user"], seen["root"]) == (user, None, "")
        assert {"script-name", "script_name", "a-b", "a_b"}.isdisjoint(seen["headers"])


def test_a_trusted_peer_may_send_names_that_others_are_refused_for(
    shared: Serve, behind: str
) -> None:
    def status(answer: Response) -> int:
        return answer.status

    fields = {"SCRIPT_NAME": "/app"}
    trusted = shared(behind, header_map="refuse", forwarder_headers="SCRIPT_NAME")
    assert status(trusted.get("/app", headers=fields)) == 200
    assert status(trusted.get("/", headers={"REMOTE_USER": "x"})) == 400
    untrusted = shared(
        behind,
        header_map="refuse",
        forwarder_headers="SCRIPT_NAME",
        forwarded_allow_ips=ELSEWHERE,
    )
    assert status(untrusted.get("/app", headers=fields)) == 400
