"""A database and files of its own for the Django example."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from support.commands import EXAMPLES, environment
from support.waiting import wait_until

MYSITE = EXAMPLES / "mysite"
ADMIN = ("admin", "correct horse")


def site_environment(directory: Path) -> dict[str, str]:
    """The variables that point the example at a directory."""
    return {
        "MYSITE_DATABASE": str(directory / "db.sqlite3"),
        "MYSITE_MEDIA": str(directory / "media"),
    }


MAKE = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_superuser({name!r}, password={password!r})
"""


def prepare_site(directory: Path, shared: Path) -> dict[str, str]:
    """Give a directory a database with an administrator, and return the variables of the site.

    The first to come makes the database in the `shared` directory; everyone copies it.
    """
    original = shared / "mysite.sqlite3"
    try:
        (shared / "mysite.claim").open("x").close()
    except FileExistsError:
        wait_until(original.exists, within=60, what="the database another process makes")
    else:
        _make_database(shared / "mysite.new")
        (shared / "mysite.new").rename(original)
    shutil.copy(original, directory / "db.sqlite3")
    return site_environment(directory)


def _make_database(path: Path) -> None:
    name, password = ADMIN
    variables = {"MYSITE_DATABASE": str(path), "DJANGO_SETTINGS_MODULE": "mysite.settings"}
    subprocess.run(
        [sys.executable, "-c", MAKE.format(name=name, password=password)],
        cwd=MYSITE,
        env=environment(variables),
        check=True,
        timeout=60,
    )
