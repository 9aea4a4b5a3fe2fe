"""Users and groups that every Linux has, and whether the tests may become them."""

from __future__ import annotations

import functools
import grp
import os
import pwd
import subprocess
import sys

import pytest

NOBODY = pwd.getpwnam("nobody")
OTHER_GROUP = grp.getgrnam("daemon")


@functools.cache
def is_readable_for_nobody() -> bool:
    """Whether a process of that user can run the interpreter and import the tests."""
    ran = subprocess.run(
        [sys.executable, "-c", "import json, rgunicorn"],
        user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[], cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return ran.returncode == 0


@pytest.fixture
def root() -> None:
    """Skip where the tests cannot change users."""
    if os.geteuid() != 0:
        pytest.skip("only root may change users")
    try:
        readable = is_readable_for_nobody()
    except OSError:
        readable = False
    if not readable:
        pytest.skip("the interpreter is in a directory that `nobody` may not enter")
