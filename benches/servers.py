"""The servers of the benchmark: one command line each, all told to do the same work."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

PORT = 18080
BINARIES = Path(sys.executable).parent


@dataclass(frozen=True)
class Candidate:
    """One server as the benchmark starts it."""

    name: str
    interface: str
    package: str
    words: str

    def command(self, workers: int) -> list[str]:
        """The command line; a Python statement runs in this interpreter."""
        app = f"bench_{self.interface}:app"
        filled = self.words.format(port=PORT, workers=workers, app=app)
        if self.words.startswith("import "):
            return [sys.executable, "-c", filled]
        program, *rest = filled.split()
        return [str(BINARIES / program), *rest]

    @property
    def installed(self) -> bool:
        """Whether this environment has it."""
        if self.words.startswith("import "):
            return importlib.util.find_spec(self.package) is not None
        return (BINARIES / self.words.split()[0]).exists()

    @property
    def ours(self) -> bool:
        """Whether it is the server of this repository."""
        return self.package == "rgunicorn"


UVICORN = (
    "uvicorn {app} --host 127.0.0.1 --port {port} --workers {workers} "
    "--no-access-log --log-level warning --http httptools --loop "
)
GRANIAN = "granian {app} --host 127.0.0.1 --port {port} --workers {workers} --http 1 --no-log "
GUNICORN = "gunicorn {app} -b 127.0.0.1:{port} -w {workers} --no-control-socket "
RGUNICORN = "rgunicorn {app} -b 127.0.0.1:{port} -w {workers} "
UWSGI = " --master --processes {workers} --disable-logging --need-app --die-on-term -w {app} "

CANDIDATES = [
    Candidate("rgunicorn-sync", "wsgi", "rgunicorn", RGUNICORN + "-k sync"),
    Candidate(
        "fastwsgi", "wsgi", "fastwsgi",
        "import fastwsgi, bench_wsgi as b; "
        "fastwsgi.run(wsgi_app=b.app, host='127.0.0.1', port={port}, loglevel=0)",
    ),
    Candidate(
        "bjoern", "wsgi", "bjoern",
        "import bjoern, bench_wsgi as b; bjoern.run(b.app, '127.0.0.1', {port})",
    ),
    Candidate(
        "fastpysgi-wsgi", "wsgi", "fastpysgi",
        "import fastpysgi, bench_wsgi as b; "
        "fastpysgi.run(b.app, host='127.0.0.1', port={port})",
    ),
    Candidate(
        "granian-wsgi", "wsgi", "granian", GRANIAN + "--interface wsgi --blocking-threads 1"
    ),
    Candidate(
        "uwsgi-http", "wsgi", "uwsgi", "uwsgi --http 127.0.0.1:{port} --http-keepalive" + UWSGI
    ),
    Candidate(
        "gunicorn-gthread", "wsgi", "gunicorn",
        GUNICORN + "-k gthread --threads 4 --keep-alive 75",
    ),
    Candidate("gunicorn-sync", "wsgi", "gunicorn", GUNICORN + "-k sync"),
    Candidate("rgunicorn-asgi", "asgi", "rgunicorn", RGUNICORN + "-k asgi --loop asyncio"),
    Candidate("rgunicorn-asgi-uvloop", "asgi", "rgunicorn", RGUNICORN + "-k asgi --loop uvloop"),
    Candidate(
        "fastpysgi-asgi", "asgi", "fastpysgi",
        "import fastpysgi, bench_asgi as b; "
        "fastpysgi.run(b.app, host='127.0.0.1', port={port})",
    ),
    Candidate(
        "granian-asgi", "asgi", "granian",
        GRANIAN + "--interface asgi --loop uvloop --runtime-mode st",
    ),
    Candidate("uvicorn", "asgi", "uvicorn", UVICORN + "uvloop"),
    Candidate("uvicorn-asyncio", "asgi", "uvicorn", UVICORN + "asyncio"),
    Candidate("gunicorn-asgi", "asgi", "gunicorn", GUNICORN + "-k asgi --keep-alive 75"),
]  # fmt: skip


def chosen(names: str | None) -> list[Candidate]:
    """The installed servers, or those of a comma separated list."""
    if not names:
        return [each for each in CANDIDATES if each.installed]
    known = {each.name: each for each in CANDIDATES}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise SystemExit(f"unknown server `{unknown[0]}`: known are {', '.join(known)}")
    return [known[name] for name in names.split(",")]
