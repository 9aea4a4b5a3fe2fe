"""A database and files of its own for the Django example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.commands import EXAMPLES, environment

MYSITE = EXAMPLES / "mysite"
ADMIN = ("admin", "correct horse")


def site_environment(directory: Path) -> dict[str, str]:
    """The variables that point the example at a directory."""
    return {
        "MYSITE_DATABASE": str(directory / "db.sqlite3"),
        "MYSITE_MEDIA": str(directory / "media"),
    }


def prepare_site(directory: Path) -> dict[str, str]:
    """Make the tables and an administrator, and return the variables of the site."""
    variables = site_environment(directory)
    name, password = ADMIN
    account = {
        "DJANGO_SUPERUSER_USERNAME": name,
        "DJANGO_SUPERUSER_PASSWORD": password,
        "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
    }
    for command in (["migrate", "-v", "0"], ["createsuperuser", "--noinput", "-v", "0"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=MYSITE,
            env=environment({**variables, **account}),
            check=True,
            timeout=60,
        )
    return variables
