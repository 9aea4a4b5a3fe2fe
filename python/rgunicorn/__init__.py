"""rgunicorn: an application server for WSGI and ASGI, written in Rust.

``rgunicorn mysite.asgi:application --workers 3`` is the command; :func:`run` is the same from
Python. Importing the package imports the extension module and nothing else: a start is short.
"""

import os

from rgunicorn import _rgunicorn
from rgunicorn._rgunicorn import RequestTimeout, __version__, status

__all__ = ["RequestTimeout", "__version__", "run", "status"]


def run(app: str, **settings: object) -> int:
    """Serve ``app`` until the server is told to stop, and return its exit status.

    ``app`` is written as on the command line (``"mysite.asgi:application"``); ``settings`` are
    the keys of a config file (``bind="127.0.0.1:8000"``, ``workers=3``), hooks among them. A config
    file is read if it is named (``config="site.conf.py"``).

    The call returns in the calling process only. Workers, and with ``daemon=True`` the master,
    are children of it: they leave by :exc:`SystemExit` with their own status, so nothing after
    the call runs twice. Call it from the main thread, before any other thread has been started.
    """
    from rgunicorn._hook_names import HOOKS

    hooks = {name: settings.pop(name) for name in HOOKS.keys() & settings.keys()}
    caller = os.getpid()
    exit_status = _rgunicorn.run(app, hooks, **settings)
    if os.getpid() != caller:
        raise SystemExit(exit_status)
    return exit_status
