"""`log`: gunicorn's logger, writing to the error log of the server."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from logging.handlers import WatchedFileHandler
from typing import TYPE_CHECKING, Any

from rgunicorn.hooks._described import Described

if TYPE_CHECKING:
    from rgunicorn.hooks._config import Config

#: Writes a record of this level to the error log.
Write = Callable[[int, str], None]

LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}


class _ErrorLogHandler(logging.Handler):
    """Hands records to the server, which writes time, process and level before them."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(record.levelno, self.format(record))
        except Exception:
            self.handleError(record)


class _Atoms(dict[str, Any]):
    """Values for a format of access lines: what there is not is a dash."""

    def __missing__(self, name: str) -> Any:
        return self.get(name.lower(), "-") if name.startswith("{") else "-"


class Log(Described):
    """The loggers `error_log` and `access_log`, and a method for each level of the first."""

    _called = "log"
    LOG_LEVELS = LEVELS

    def __init__(self, cfg: Config, write: Write) -> None:
        self.cfg = cfg
        self.loglevel = LEVELS.get(str(cfg.loglevel).lower(), logging.INFO)
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")
        self._error_handler = _ours(_ErrorLogHandler(write))
        self._access_handler = _ours(_access_handler(cfg.accesslog)) if cfg.accesslog else None

    def _install(self) -> None:
        """Let the loggers write where this configuration wants it."""
        _exchange(self.error_log, self._error_handler)
        _exchange(self.access_log, self._access_handler)
        self.error_log.setLevel(self.loglevel)
        self.access_log.setLevel(logging.INFO)

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at DEBUG."""
        self.error_log.debug(msg, *args, **kwargs)

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at INFO."""
        self.error_log.info(msg, *args, **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at WARNING."""
        self.error_log.warning(msg, *args, **kwargs)

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at ERROR."""
        self.error_log.error(msg, *args, **kwargs)

    def critical(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at CRITICAL."""
        self.error_log.critical(msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at ERROR, with the traceback of the exception that is being handled."""
        self.error_log.exception(msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at a level, given by its number or name."""
        level = LEVELS.get(lvl.lower(), logging.INFO) if isinstance(lvl, str) else lvl
        self.error_log.log(level, msg, *args, **kwargs)

    @property
    def access_log_enabled(self) -> bool:
        """Whether requests are logged."""
        return bool(self.cfg.accesslog)

    def access(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> None:
        """Write a line to the access log, beside those that the server writes by itself."""
        if self.access_log_enabled:
            atoms = _Atoms(self.atoms(resp, req, environ, request_time))
            self.access_log.info(self.cfg.access_log_format, atoms)

    def atoms(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        """The values that the format of access lines is made of."""
        micros = request_time // timedelta(microseconds=1)
        line = (environ.get(key) for key in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL"))
        atoms: dict[str, Any] = {
            "h": environ.get("REMOTE_ADDR", "-"),
            "l": "-",
            "u": "-",
            "t": self.now(),
            "r": " ".join(str(part) for part in line),
            "s": str(resp.status).split(maxsplit=1)[0],
            "m": environ.get("REQUEST_METHOD"),
            "U": environ.get("PATH_INFO"),
            "q": environ.get("QUERY_STRING"),
            "H": environ.get("SERVER_PROTOCOL"),
            "b": str(resp.sent) if resp.sent else "-",
            "B": resp.sent,
            "f": environ.get("HTTP_REFERER", "-"),
            "a": environ.get("HTTP_USER_AGENT", "-"),
            "T": micros // 1_000_000,
            "M": micros // 1_000,
            "D": micros,
            "L": f"{micros / 1_000_000:.6f}",
            "p": f"<{os.getpid()}>",
        }
        atoms.update(_named("i", req.headers))
        atoms.update(_named("o", resp.headers))
        atoms.update(_named("e", environ.items()))
        return atoms

    def now(self) -> str:
        """The time in the common log format."""
        return time.strftime("[%d/%b/%Y:%H:%M:%S %z]")

    def reopen_files(self) -> None:
        """Nothing to do: the server opens its logs anew, and the access log here is watched."""

    def close_on_exec(self) -> None:
        """Nothing to do: no log is inherited by what is executed."""


def _named(kind: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {f"{{{name.lower()}}}{kind}": value for name, value in pairs}


def _ours(handler: logging.Handler) -> logging.Handler:
    handler._rgunicorn = True  # type: ignore[attr-defined]
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def _exchange(logger: logging.Logger, handler: logging.Handler | None) -> None:
    """Make it the logger's handler in place of the one of another configuration."""
    for old in [old for old in logger.handlers if getattr(old, "_rgunicorn", False)]:
        logger.removeHandler(old)
    if handler is not None:
        logger.addHandler(handler)
    logger.propagate = False


def _access_handler(accesslog: str) -> logging.Handler:
    if accesslog == "-":
        return logging.StreamHandler(sys.stdout)
    return WatchedFileHandler(accesslog, delay=True)
