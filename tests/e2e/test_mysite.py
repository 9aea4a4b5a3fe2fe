"""The Django example, over real sockets, under both worker classes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import Serve
from support.django import ADMIN, MYSITE
from support.raw import build_request
from support.server import Server
from support.waiting import wait_until

NAMES = (f"guest {number}" for number in itertools.count())


@pytest.fixture(params=["wsgi", "asgi"])
def server(shared: Serve, variables: dict[str, str], request: pytest.FixtureRequest) -> Server:
    """The site under one of the worker classes."""
    app = f"mysite.{request.param}:application"
    workers: dict[str, object] = (
        {} if request.config.getoption("--server") == "uvicorn" else {"workers": 2}
    )
    if request.config.getoption("--server") == "rgunicorn":
        workers["loglevel"] = "debug"
    return shared(app, chdir=MYSITE, env=variables, **workers)


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=server.address.url, timeout=20) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A guest nobody else is."""
    return next(NAMES)


def token(page: httpx.Response) -> str:
    """The CSRF token of a form."""
    match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert match is not None
    return match[1]


def sign(browser: httpx.Client, name: str, text: str) -> httpx.Response:
    """Write into the guest book as a person does."""
    form = {"name": name, "text": text, "csrfmiddlewaretoken": token(browser.get("/"))}
    return browser.post("/", data=form, follow_redirects=True)


def latest(browser: httpx.Client) -> int:
    """The number of the latest entry."""
    match = re.search(r'data-after="(\d+)"', browser.get("/").text)
    assert match is not None
    return int(match[1])


def test_a_form_with_csrf_and_a_session(browser: httpx.Client, name: str) -> None:
    page = sign(browser, name, "hello & welcome")
    assert page.status_code == 200
    assert f"Thank you, {name}." in page.text
    assert "hello &amp; welcome" in page.text
    again = browser.get("/")
    assert "Thank you" not in again.text
    assert f'value="{name}"' in again.text, "the session remembers the name"


def test_the_session_counts_visits(browser: httpx.Client) -> None:
    numbers = [re.search(r"visit number (\d+)", browser.get("/").text)[1] for _ in range(3)]
    assert numbers == ["1", "2", "3"]


def test_a_form_without_its_token_is_refused(browser: httpx.Client) -> None:
    assert browser.post("/", data={"name": "x", "text": "y"}).status_code == 403


def test_an_incomplete_form_is_shown_again(browser: httpx.Client, name: str) -> None:
    page = sign(browser, name, "")
    assert page.status_code == 400
    assert "This field is required" in page.text


def test_pages_of_entries_and_one_entry(browser: httpx.Client, name: str) -> None:
    for number in range(11):
        sign(browser, name, f"entry number {number}")
    assert "entry number 10" in browser.get("/").text
    older = browser.get("/?page=2")
    assert "entry number 0" in older.text
    link = re.search(r'href="(/entries/\d+/)"', older.text)
    assert browser.get(link[1]).status_code == 200


@pytest.mark.parametrize("size", [10, 100_000, 8_000_000])
def test_upload_and_download(browser: httpx.Client, name: str, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"end"
    page = browser.get("/documents/")
    form = {"title": name, "csrfmiddlewaretoken": token(page)}
    files = {"file": ("data file.bin", content, "application/octet-stream")}
    page = browser.post("/documents/", data=form, files=files, follow_redirects=True)
    assert f"{name}” has arrived" in page.text
    link = re.search(rf'href="(/documents/\d+/)">{name}<', page.text)
    download = browser.get(link[1])
    assert download.content == content
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["Content-Length"] == str(len(content))


def test_a_stream_is_delivered_line_by_line(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/numbers/?count=3&pause=0.3"))
        assert client.read_head().status == 200
        for number in range(3):
            assert client.read_chunk() == b"%d\n" % number
            assert client.silent(0.1), "the next is not made yet"
        assert client.read_chunk() == b""


def test_a_long_stream_arrives_whole(browser: httpx.Client) -> None:
    lines = browser.get("/numbers/?count=3000&pause=0").text.splitlines()
    assert lines == [str(number) for number in range(3000)]


def test_an_async_view(browser: httpx.Client) -> None:
    page = browser.get("/about/")
    assert page.status_code == 200
    assert re.search(r"\d+ entr(y|ies) and \d+ document", page.text)


def test_a_long_poll_is_answered_when_someone_writes(
    server: Server, browser: httpx.Client, name: str
) -> None:
    # A connection each: one that is kept would wait for the worker that has the poll.
    browser.headers["Connection"] = "close"
    sign(browser, name, "before")
    after = latest(browser)
    waiting = server.get_in_background(f"/poll/?after={after}&wait=15")
    if server.kind.name == "rgunicorn":
        # Until a worker has taken it up, that worker may take the next connection as well.
        server.wait_log(rf"GET /poll/\?after={after}&wait=15")
    sign(browser, name, "what the poll waits for")
    (entry,) = waiting.result(20).json()["entries"]
    assert entry["text"] == "what the poll waits for"
    assert entry["id"] > after


def test_a_long_poll_ends_with_nothing_after_its_time(browser: httpx.Client) -> None:
    answer = browser.get(f"/poll/?after={latest(browser) + 1000}&wait=0.3")
    assert answer.json() == {"entries": []}


def test_server_sent_events_show_what_is_written(
    server: Server, browser: httpx.Client, name: str
) -> None:
    browser.headers["Connection"] = "close"
    after = latest(browser)
    with server.connect() as client:
        client.send(build_request("GET", f"/events/?after={after}"))
        assert client.read_head().header("Content-Type") == "text/event-stream"
        first = client.read_chunk()
        if first.startswith(b"retry"):
            assert client.read_chunk() == b"", "sync answers and lets the browser ask again"
            return
        sign(browser, name, "an event")
        event = client.read_chunk().decode()
    assert event.startswith("id: ")
    assert "an event" in event
    assert browser.get("/").status_code == 200


def test_missing_pages_and_faults_are_plain_pages(server: Server, browser: httpx.Client) -> None:
    assert browser.get("/nothing/").status_code == 404
    page = browser.get("/boom/")
    assert page.status_code == 500
    assert "on purpose" not in page.text
    server.wait_log("RuntimeError: on purpose")


def test_a_foreign_host_is_refused(browser: httpx.Client) -> None:
    assert browser.get("/", headers={"Host": "evil.test"}).status_code == 400


def test_the_admin_and_its_static_files(browser: httpx.Client, name: str) -> None:
    login = browser.get("/admin/", follow_redirects=True)
    styles = re.findall(r'href="(/static/[^"]+\.css)"', login.text)
    assert styles
    for style in styles:
        sheet = browser.get(style)
        assert (sheet.status_code, sheet.headers["Content-Type"]) == (200, "text/css")
    form = {"username": ADMIN[0], "password": ADMIN[1], "csrfmiddlewaretoken": token(login)}
    index = browser.post(str(login.url), data={**form, "next": "/admin/"}, follow_redirects=True)
    assert "Site administration" in index.text
    add = browser.get("/admin/guestbook/entry/add/")
    entry = {
        "name": name,
        "text": "from the admin",
        "written_0": "2026-01-31",
        "written_1": "12:00:00",
        "csrfmiddlewaretoken": token(add),
    }
    saved = browser.post("/admin/guestbook/entry/add/", data=entry, follow_redirects=True)
    assert "was added successfully" in saved.text
    assert name in browser.get(f"/admin/guestbook/entry/?q={name}").text


def test_a_static_file_is_not_sent_again(browser: httpx.Client) -> None:
    first = browser.get("/static/guestbook/site.css")
    headers = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert browser.get("/static/guestbook/site.css", headers=headers).status_code == 304
    assert browser.head("/static/guestbook/site.css").status_code == 200
    assert browser.get("/static/../settings.py").status_code == 404


def test_many_visitors_at_once(server: Server) -> None:
    replies = [server.get_in_background("/about/") for _ in range(30)]
    assert {reply.result(20).status for reply in replies} == {200}


@pytest.mark.only("rgunicorn")
def test_the_shell_commands_of_the_readme_work(variables: dict[str, str], tmp_path: Path) -> None:
    readme = (MYSITE / "README.md").read_text()
    assert "rgunicorn mysite.asgi:application --workers 3" in readme
    assert "rgunicorn mysite.wsgi --workers 3" in readme


def test_a_visitor_that_leaves_its_events_is_no_error(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/events/"))
        client.read_head()
        client.reset()
    wait_until(lambda: server.get("/about/").status == 200)
