"""The extension module: what the Rust side offers to the package."""

from typing import Final

__all__ = ["RequestTimeout", "__version__", "hooks", "main", "run", "status"]

__version__: Final[str]

class RequestTimeout(BaseException):
    """The request has taken longer than ``request_timeout``.

    Raised in a WSGI application, in the thread that works on the request, at whatever it does at
    the moment. It is no :exc:`Exception`, so that what catches all of those does not keep it.
    Where the application lets it pass, the request is answered 504, or its connection closed if
    the response has begun.
    """

def hooks() -> dict[str, tuple[tuple[str, ...], int]]:
    """Name every hook with its arguments, and how many of them, the last ones, it may leave out."""

def main(argv: list[str]) -> int:
    """Run the whole command and return the exit status; ``argv[0]`` is the program's name.

    It returns in the master and in every worker: the caller hands the status to ``sys.exit``.
    """

def run(app: str, hooks: dict[str, object] | None = None, **settings: object) -> int:
    """Serve ``app`` with settings named as in a config file; returns as :func:`main` does.

    ``hooks`` are functions by the names of hooks, or where they are: ``"package.module.function"``.
    """

def status() -> list[dict[str, object]]:
    """Describe every worker of this arbiter, called inside a worker.

    A worker is a dict of ``pid``, ``age``, ``state``, ``requests``, ``in_flight``,
    ``connections`` and ``heartbeat_age``. Outside of a worker the list is empty.
    """
