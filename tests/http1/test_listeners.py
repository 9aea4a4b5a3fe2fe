"""Where a server listens: several addresses, unix sockets, IPv6."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.address import Address
from support.raw import Connection


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


def test_port_0_takes_a_free_port_and_names_it(serve: Serve, plain: str) -> None:
    server = serve(plain, bind="127.0.0.1:0")
    assert server.address.port > 0
    assert server.get("/").text == "hello"


def test_a_unix_socket_is_served_and_removed_at_the_end(
    serve: Serve, plain: str, short_directory: str
) -> None:
    path = Path(short_directory) / "site.sock"
    server = serve(plain, bind=f"unix:{path}")
    assert server.address == Address(path=str(path))
    assert server.get("/").text == "hello"
    server.stop()
    assert not path.exists()


@pytest.mark.differs("uvicorn", "leaves the file to the next start")
def test_a_stale_unix_socket_is_taken_over(serve: Serve, plain: str, short_directory: str) -> None:
    path = f"{short_directory}/site.sock"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(path)
    assert serve(plain, bind=f"unix:{path}").get("/").text == "hello"


@needs_ipv6
def test_ipv6_is_served(serve: Serve, plain: str) -> None:
    server = serve(plain, bind="[::1]:0")
    assert server.address.host == "::1"
    assert server.get("/").text == "hello"


@pytest.mark.only("rgunicorn", "gunicorn")
@pytest.mark.differs("gunicorn", "a worker that boots does not hear TERM")
def test_every_address_of_several_is_served(serve: Serve, plain: str, short_directory: str) -> None:
    binds = ["127.0.0.1:0", "127.0.0.1:0", f"unix:{short_directory}/site.sock"]
    if has_ipv6():
        binds.append("[::1]:0")
    server = serve(plain, bind=binds, workers=2)
    addresses = server.addresses
    assert len(addresses) == len(set(addresses)) == len(binds)
    for address in addresses:
        with Connection(address) as client:
            assert client.get("/").text == "hello"


@pytest.mark.only("rgunicorn", "gunicorn")
def test_the_environment_may_name_the_port(serve: Serve, plain: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = serve(plain, bind=None, env={"PORT": str(port)})
    assert server.address == Address(host="0.0.0.0", port=port)
    with Connection(Address("127.0.0.1", port)) as client:
        assert client.get("/").text == "hello"


@pytest.mark.only("rgunicorn", "gunicorn")
def test_workers_share_the_listeners(serve: Serve, plain: str, quiet: dict[str, Any]) -> None:
    server = serve(plain, workers=2, **quiet)
    for _ in range(20):
        assert server.get("/").text == "hello"
    assert len(server.worker_pids()) == 2
