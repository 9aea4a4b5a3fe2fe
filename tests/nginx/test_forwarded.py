"""Who the client is, as nginx says it and as clients try to forge it."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.examples import example
from support.nginx import Nginx, StartNginx, upstream
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

#: What a client could send to be taken for somebody else.
FORGED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "666",
    "Forwarded": "for=192.0.2.66;proto=https;host=evil.example",
    "X_Forwarded_For": "192.0.2.66",
    "Script_Name": "/evil",
    "Remote_User": "root",
}

APPENDING = """
upstream site {{ server {server}; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://site;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto {scheme};
        {more}
    }}
}}
"""


def ask(proxy: Nginx, **headers: str) -> dict[str, Any]:
    """What the application sees of a request."""
    answer = proxy.get("/who", headers=headers)
    assert answer.status == 200, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


def appending(nginx: StartNginx, server: Server, scheme: str = "https", more: str = "") -> Nginx:
    """A proxy that adds to X-Forwarded-For, as most do; its clients come over `scheme`."""
    proxy = nginx()
    text = APPENDING.format(server=upstream(server), port=proxy.ports[0], scheme=scheme, more=more)
    return proxy.start(text)


def test_the_example_says_who_the_client_is(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server, proxy = serve(behind, bind=bind, proxy_headers=True), nginx()
    proxy.start(example("http.conf", proxy, server))
    seen = ask(proxy, Host="site.example")
    assert seen["client"] == "127.0.0.1"
    assert seen["scheme"] == "http"
    assert seen["server"] == ["site.example", str(proxy.ports[0])]
    assert seen["headers"]["host"] == "site.example"


def test_the_example_lets_nobody_forge_it(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server, proxy = serve(behind, bind=bind, proxy_headers=True), nginx()
    proxy.start(example("http.conf", proxy, server))
    honest, forged = ask(proxy), ask(proxy, **FORGED)
    for name in ("client", "scheme", "server", "root", "path", "user"):
        assert forged[name] == honest[name], name
    assert "192.0.2.66" not in str(forged["headers"])


def test_a_proxy_that_appends_is_believed_up_to_its_own_entry(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server = serve(behind, proxy_headers=True, forwarded_allow_ips="127.0.0.1")
    proxy = appending(nginx, server)
    seen = ask(proxy, **{"X-Forwarded-For": "192.0.2.66, 198.51.100.7"})
    # nginx has added 127.0.0.1, a proxy that is trusted too, so the next one to the left counts.
    assert seen["client"] == "198.51.100.7"
    assert seen["scheme"] == "https"


def test_nobody_is_believed_when_nobody_is_trusted(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server = serve(behind, proxy_headers=True, forwarded_allow_ips="192.0.2.1")
    seen = ask(appending(nginx, server), **FORGED)
    assert seen["client"] == "127.0.0.1"
    assert seen["scheme"] == "http"
    assert seen["server"][0] != "evil.example"


def test_by_default_wsgi_takes_the_scheme_as_gunicorn_does(nginx: StartNginx, serve: Serve) -> None:
    server = serve("apps.wsgi_behind:app")
    seen = ask(appending(nginx, server), **{"X-Forwarded-For": "198.51.100.7"})
    assert seen["scheme"] == "https"
    assert seen["client"] == "127.0.0.1"


def test_by_default_asgi_takes_scheme_and_client_as_uvicorn_does(
    nginx: StartNginx, serve: Serve
) -> None:
    server = serve("apps.asgi_behind:app")
    seen = ask(appending(nginx, server), **{"X-Forwarded-For": "198.51.100.7"})
    assert seen["scheme"] == "https"
    assert seen["client"] == "198.51.100.7"


def test_the_access_log_names_the_same_client(nginx: StartNginx, serve: Serve, behind: str) -> None:
    server = serve(
        behind, proxy_headers=True, accesslog="access.log", access_log_format="%(h)s %(U)s"
    )
    ask(appending(nginx, server), **{"X-Forwarded-For": "198.51.100.7"})
    path = server.directory / "access.log"
    server.wait_until(lambda: path.exists() and "198.51.100.7 /who" in path.read_text())


def test_the_standard_field_says_the_same(nginx: StartNginx, serve: Serve, behind: str) -> None:
    server = serve(behind, proxy_headers="forwarded")
    forwarded = (
        "proxy_set_header Forwarded 'for=\"[2001:db8::7]:4711\";proto=https;host=site.example';"
    )
    seen = ask(appending(nginx, server, more=forwarded))
    assert seen["client"] == "2001:db8::7"
    assert seen["scheme"] == "https"
    assert seen["server"][0] == "site.example"


def test_a_host_that_a_proxy_forwards_does_not_become_the_host_field(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server = serve(behind, proxy_headers=True)
    more = "proxy_set_header X-Forwarded-Host outside.example;"
    seen = ask(appending(nginx, server, more=more), Host="inside.example")
    assert seen["headers"]["host"] == "inside.example"
    assert seen["server"][0] == "outside.example"


# Prefixes.


@pytest.mark.parametrize("strips", ["/", ""], ids=["stripping", "not stripping"])
def test_a_root_path_suits_proxies_that_strip_the_prefix_and_that_do_not(
    nginx: StartNginx, serve: Serve, behind: str, strips: str
) -> None:
    server, proxy = serve(behind, root_path="/app"), nginx()
    proxy.start(
        f"server {{ listen 127.0.0.1:{proxy.ports[0]};"
        f" location /app/ {{ proxy_pass http://{upstream(server)}{strips}; }} }}"
    )
    seen = proxy.get("/app/who").json()
    assert (seen["root"], seen["path"]) == ("/app", "/who")


def test_a_trusted_proxy_may_name_the_prefix(nginx: StartNginx, serve: Serve, behind: str) -> None:
    server, proxy = serve(behind, forwarder_headers="SCRIPT_NAME"), nginx()
    proxy.start(prefixed(proxy, server, "proxy_set_header SCRIPT_NAME /app;"))
    seen = proxy.get("/app/who").json()
    assert (seen["root"], seen["path"]) == ("/app", "/who")


def test_by_default_no_client_can_name_a_prefix_through_a_careless_proxy(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server, proxy = serve(behind, bind=bind), nginx()
    # Unlike nginx left alone, most proxies pass names with underscores on.
    proxy.start(f"underscores_in_headers on; {prefixed(proxy, server, '')}")
    forged = {"SCRIPT_NAME": "/app", "Path_Info": "/admin", "Remote_User": "root"}
    seen = proxy.get("/app/who", headers=forged).json()
    assert (seen["root"], seen["path"], seen["user"]) == ("", "/app/who", None)
    assert not {"script-name", "script_name", "path-info", "remote-user"} & set(seen["headers"])


def prefixed(proxy: Nginx, server: Server, more: str) -> str:
    """A proxy that passes on what is below a prefix, with the prefix."""
    return (
        f"server {{ listen 127.0.0.1:{proxy.ports[0]}; location /app/ {{"
        f" {more} proxy_pass http://{upstream(server)}; }} }}"
    )
