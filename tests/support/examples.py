"""The example configurations of nginx, with the addresses of a test in place of theirs."""

from __future__ import annotations

from support.commands import EXAMPLES
from support.nginx import Nginx, upstream
from support.server import Server

FOLDER = EXAMPLES / "nginx"

#: As Debian's nginx ships it, in short; written here because a package may not have brought it.
UWSGI_PARAMS = """\
uwsgi_param QUERY_STRING $query_string;
uwsgi_param REQUEST_METHOD $request_method;
uwsgi_param CONTENT_TYPE $content_type;
uwsgi_param CONTENT_LENGTH $content_length;
uwsgi_param REQUEST_URI $request_uri;
uwsgi_param PATH_INFO $document_uri;
uwsgi_param DOCUMENT_ROOT $document_root;
uwsgi_param SERVER_PROTOCOL $server_protocol;
uwsgi_param REQUEST_SCHEME $scheme;
uwsgi_param HTTPS $https if_not_empty;
uwsgi_param REMOTE_ADDR $remote_addr;
uwsgi_param REMOTE_PORT $remote_port;
uwsgi_param SERVER_PORT $server_port;
uwsgi_param SERVER_NAME $server_name;
"""


def example(name: str, proxy: Nginx, server: Server, *more: tuple[str, str]) -> str:
    """An example for this server; `more` are further pieces of it and what a test puts there."""
    text = (FOLDER / name).read_text()
    addresses = {
        "http.conf": "unix:/run/site/site.sock",
        "uwsgi.conf": "unix:/run/site/site.uwsgi",
        "proxy_protocol.conf": "127.0.0.1:8000",
    }
    (proxy.directory / "uwsgi_params").write_text(UWSGI_PARAMS)
    changes = [
        ("listen 80;", f"listen 127.0.0.1:{proxy.ports[0]};"),
        (f" {addresses[name]}", f" {upstream(server)}"),
        *more,
    ]
    if name == "http.conf":
        changes.append(("include rgunicorn_", f"include {FOLDER}/rgunicorn_"))
    for old, new in changes:
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        assert old in code, f"{name} has no `{old}` any more"
        text = code.replace(old, new)
    return text
