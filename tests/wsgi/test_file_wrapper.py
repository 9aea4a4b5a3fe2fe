"""PEP 3333, `wsgi.file_wrapper`: files leave by themselves, as if they were read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from conftest import Serve
from support.processes import descriptors
from support.raw import Connection, CutError, build_request
from support.server import Server

LARGE = 6_000_001

Target = Callable[..., str]


@pytest.fixture(scope="module")
def content() -> bytes:
    """What is in the file."""
    return bytes(range(256)) * (LARGE // 256) + b"!" * (LARGE % 256)


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    """A file of several megabytes."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


@pytest.fixture
def target(path: Path) -> Target:
    """The target that asks for the file."""
    return lambda **parts: f"/?{urlencode({'path': path, **parts})}"


@pytest.fixture(params=["sendfile", "no-sendfile"])
def server(request: pytest.FixtureRequest, shared: Serve) -> Server:
    """The application, with the kernel moving files and without."""
    return shared("apps.wsgi_files:app", **{request.param: True})


@pytest.mark.parametrize(
    "opened", ["buffered", "raw", "random", "proxy", "named", "memory", "gzip"]
)
def test_a_large_file_arrives_whole_and_the_connection_goes_on(
    server: Server, target: Target, content: bytes, opened: str
) -> None:
    with server.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", target(open=opened)) + build_request("GET", "/"))
        assert client.read_response().body == content
        assert client.read_response().body == b"no file"


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("opened", ["buffered", "raw", "random", "proxy"])
def test_a_real_file_is_sent_with_its_length(server: Server, target: Target, opened: str) -> None:
    response = server.get(target(open=opened))
    assert (response.framing, len(response.body)) == ("length", LARGE)


@pytest.mark.parametrize("opened", ["buffered", "raw", "random", "proxy", "memory"])
def test_it_is_sent_from_where_it_stands(
    server: Server, target: Target, content: bytes, opened: str
) -> None:
    assert server.get(target(open=opened, read=1000)).body == content[1000:]


def test_a_file_that_was_read_and_wound_back_is_sent_from_there(
    server: Server, target: Target, content: bytes
) -> None:
    assert server.get(target(read=1_000_000, seek=10)).body == content[10:]
    assert server.get(target(seek=LARGE)).body == b""
    assert server.get(target(seek=LARGE + 10)).body == b""


def test_a_range_is_a_seek_and_a_length(server: Server, target: Target, content: bytes) -> None:
    with server.connect() as client:
        for seek, length in [(0, 1), (5_000_000, 900_000), (LARGE - 3, 3), (0, 0)]:
            body = client.get(target(seek=seek, length=length)).body
            assert body == content[seek : seek + length]


def test_a_length_beyond_the_end_of_the_file_ends_the_connection(
    server: Server, target: Target
) -> None:
    server.expect("shorter than its Content-Length|fewer|too short")
    with server.connect() as client, pytest.raises(CutError):
        client.get(target(length=LARGE + 1))


def test_what_was_written_before_comes_before_the_file(
    server: Server, target: Target, content: bytes
) -> None:
    response = server.get(target(write="before"))
    assert (response.framing, response.body) == ("chunked", b"before" + content)
    assert server.get(target(write="before"), version="HTTP/1.0").body == b"before" + content


def test_objects_that_are_no_files_are_read(server: Server, target: Target, content: bytes) -> None:
    assert server.get(target(open="pipe")).body == content[:4000]
    assert server.get(target(open="upper")).body == content.upper()
    assert b"\nPid:" in server.get(target(open="proc")).body


@pytest.mark.parametrize("opened", ["text", "closed"])
def test_what_cannot_be_read_as_bytes_is_an_error(
    server: Server, target: Target, opened: str
) -> None:
    server.expect("Error handling request")
    assert server.get(target(open=opened)).status == 500


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body_send_none(server: Server, target: Target, status: str) -> None:
    with server.connect() as client:
        assert client.get(target(status=status)).body == b""
        assert client.request("HEAD", target()).body == b""
        assert client.get("/").body == b"no file"


@pytest.mark.parametrize("opened", ["buffered", "raw", "memory"])
def test_close_is_called_once(server: Server, target: Target, opened: str) -> None:
    name = f"{opened}-{server.pid}-{os.urandom(4).hex()}"
    for method in ("GET", "HEAD"):
        server.request(method, target(open=opened, note=name + method))
        server.wait_log(f"note: closed {name}{method}$")
        server.get("/")
        assert server.log_lines(f"closed {name}{method}$") == 1


def test_a_file_may_be_removed_at_once(server: Server, target: Target, content: bytes) -> None:
    assert server.get(target(remove=1)).body == content


@pytest.mark.only("rgunicorn")
def test_the_worker_is_free_while_a_slow_client_reads(
    server: Server, target: Target, content: bytes
) -> None:
    with server.connect(receive_buffer=4096) as slow:
        slow.send(build_request("GET", target()))
        assert slow.read_head().status == 200
        for _ in range(10):
            assert server.get("/").body == b"no file"
        assert slow.read_exactly(LARGE) == content


@pytest.mark.only("rgunicorn")
def test_a_file_that_is_cut_meanwhile_ends_the_connection(
    server: Server, target: Target, path: Path
) -> None:
    server.expect("too short while it was sent")
    with server.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", target()))
        assert client.read_head().status == 200
        os.truncate(path, 1000)
        assert len(client.read_to_close()) < LARGE
    server.wait_log("bytes too short while it was sent")


@pytest.mark.only("rgunicorn")
def test_the_access_log_counts_what_was_sent_when_it_is_known(serve: Serve, target: Target) -> None:
    log = {"accesslog": "-", "access_log_format": "%(B)s %(q)s"}
    server = serve("apps.wsgi_files:app", **log)

    def logged(mark: str) -> list[int]:
        lines = server.output_path.read_text().splitlines()
        return [int(line.split()[0]) for line in lines if mark in line]

    server.get(target(length=100))
    with server.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", target(length=LARGE)))
        assert client.read_head().status == 200
        server.wait_until(lambda: logged("length=100"))
        assert logged("length=100") == [100]
        assert logged(f"length={LARGE}") == []
        assert len(client.read_exactly(1_000_000)) == 1_000_000
        client.reset()
    server.wait_until(lambda: logged(f"length={LARGE}"))
    (count,) = logged(f"length={LARGE}")
    assert 1_000_000 <= count < LARGE


@pytest.mark.only("rgunicorn")
def test_clients_that_leave_in_the_middle_leave_no_descriptor(
    server: Server, target: Target
) -> None:
    (worker,) = server.worker_pids()
    server.get("/")
    server.wait_until(lambda: descriptors(worker) < 40)
    before = descriptors(worker)
    clients: list[Connection] = []
    for number in range(60):
        clients.append(server.connect(receive_buffer=4096))
        # The application has given the signal its deadly default; the worker survives.
        clients[-1].send(build_request("GET", target(sigpipe=1)))
        if number % 3:
            clients[-1].read_head()
        if number % 2:
            clients[-1].reset()
    server.hang_up()
    server.wait_until(lambda: descriptors(worker) <= before)
    assert server.worker_pids() == {worker}
