"""Static files: no name, however it is written, and no link leads out of the directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import Serve
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

OUTSIDE = [
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/%2E%2E/secret.txt",
    "/static/.%2e/secret.txt",
    "/static/%2e./secret.txt",
    "/static/..%2fsecret.txt",
    "/static/..%2Fsecret.txt",
    "/static/%2e%2e%2fsecret.txt",
    "/static/%252e%252e/secret.txt",
    "/static/..%252fsecret.txt",
    "/static/css/../../secret.txt",
    "/static/css/../digits",
    "/static/./digits",
    "/static/%2e/digits",
    "/static/css/..",
    "/static/..",
    "/static/../",
    "/static/..\\secret.txt",
    "/static/..%5csecret.txt",
    "/static/%5c..%5csecret.txt",
    "/static/\\..\\secret.txt",
    "/static/..%c0%afsecret.txt",
    "/static/%c0%ae%c0%ae/secret.txt",
    "/static/%u002e%u002e/secret.txt",
    "/static/..;/secret.txt",
    "/static/.../secret.txt",
    "/static//etc/passwd",
    "/static///etc/passwd",
    "/static/%2fetc/passwd",
    "/static/%2Fetc%2Fpasswd",
    "/static/C:/Windows/win.ini",
    "/static/digits%00",
    "/static/digits%00.css",
    "/static/%00",
    "/static/digits%",
    "/static/digits%2",
    "/static/digits%zz",
    "/static/digits%20",
    "/static/digits.",
    "/static/DIGITS",
    "/static/digits::$DATA",
    "/static/css%2fsite.css",
    "/static/out.txt",
    "/static/absolute.txt",
    "/static/up/secret.txt",
    "/static/up/public/digits",
    "/static/root/etc/passwd",
    "/static/loop",
    "/static/loop/a",
    "/static/device",
    "/static/pipe",
    "/static/socket",
    "/static/none",
    "/static/" + "a" * 300,
    "/static/" + "a/" * 1500,
    "/static/old/../digits",
    "/static/old/digits",
    "/linked/../secret.txt",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_there_is_no_such_file(static: Server, path: str) -> None:
    response = static.get(path)
    assert (response.status, response.body) == (404, b"404 Not Found: there is no such file\n")


def test_links_that_lead_out_are_named_in_the_log(static: Server) -> None:
    for name in ("out.txt", "absolute.txt"):
        static.get(f"/static/{name}")
        static.wait_log(f"WARNING. `{name}` is not served: a symbolic link leads out of")


def test_files_come_and_go(serve: Serve, tmp_path: Path, plain: str) -> None:
    public = tmp_path / "public"
    public.mkdir()
    server = serve(plain, static_path=[f"/static={public}"])
    assert server.get("/static/a").status == 404
    (public / "a").write_text("one")
    assert server.get("/static/a").text == "one"
    (public / "a").write_text("other")
    assert server.get("/static/a").text == "other"
    os.remove(public / "a")
    assert server.get("/static/a").status == 404
    assert server.get("/").text == "hello"


def test_a_directory_that_is_replaced_is_found_again(
    serve: Serve, tmp_path: Path, plain: str
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("one")
    server = serve(plain, static_path=[f"/static={current}"])
    assert server.get("/static/name").text == "one"
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(current)
    server.wait_until(lambda: server.get("/static/name").text == "two")
    shutil.rmtree(tmp_path / "two")
    server.wait_until(lambda: server.get("/static/name").status == 404)
