"""A site of static files, and around it what must not be served."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LARGE = 5_000_001
#: When every file was changed: Tue, 02 Jan 2024 03:04:05 GMT.
CHANGED = 1_704_164_645


def fill(site: Path) -> None:
    """Make the files, and what must not be served."""
    public = site / "public"
    (public / "css").mkdir(parents=True)
    (public / "empty").mkdir()
    (public / "docs").mkdir()
    (public / "old").mkdir()
    (site / "secret.txt").write_text("secret")
    (public / "index.html").write_text("<title>home</title>")
    (public / "docs" / "index.html").write_text("<title>docs</title>")
    (public / "css" / "site.css").write_text("body { color: black }\n" * 50)
    (public / "css" / "site.css.br").write_bytes(b"brotli")
    (public / "css" / "site.css.gz").write_bytes(b"gzip...")
    (public / "script.js").write_text("let a = 1;")
    (public / "script.js.gz").write_bytes(b"gz")
    (public / "picture.png").write_bytes(b"\x89PNG")
    (public / "picture.png.gz").write_bytes(b"never")
    (public / "digits").write_bytes(b"0123456789")
    (public / "nothing.txt").write_bytes(b"")
    large = bytes(range(256)) * (LARGE // 256) + b"!" * (LARGE % 256)
    (public / "large.bin").write_bytes(large)
    (public / "with space.txt").write_text("space")
    (public / "b\u00fccher.txt").write_text("B\u00fccher")
    (public / "per%cent.txt").write_text("percent")
    (public / "back\\slash.txt").write_text("backslash")
    (public / ".hidden").write_text("hidden")
    (public / "forbidden.txt").write_text("forbidden")
    (public / "forbidden.txt").chmod(0)
    (public / "old" / "file.txt").write_text("mounted elsewhere")
    (site / "deeper").mkdir()
    (site / "deeper" / "file.txt").write_text("the longer prefix")
    (public / "out.txt").symlink_to("../secret.txt")
    (public / "absolute.txt").symlink_to(site / "secret.txt")
    (public / "up").symlink_to("..")
    (public / "root").symlink_to("/")
    (public / "loop").symlink_to("loop")
    (public / "inside.txt").symlink_to("css/site.css")
    (public / "device").symlink_to("/dev/zero")
    os.mkfifo(public / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(public / "socket"))
    (site / "linked").symlink_to("public")
    for path in public.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (CHANGED, CHANGED))
