"""Names that are no applications, and factories that make some."""

from __future__ import annotations

from typing import Any

from apps.asgi_plain import app as asgi_application
from apps.wsgi_plain import app as application

number = 5
nothing = None


class Holder:
    """An application one attribute further down."""

    application = staticmethod(application)


class Callable3:
    """An ASGI application that is an object."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        await asgi_application(scope, receive, send)


class Callable2:
    """A WSGI application that is an object."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Serve."""
        return application(environ, start_response)


holder = Holder()
asgi_object = Callable3()
wsgi_object = Callable2()
asgi_function = asgi_application
wsgi_function = application


def factory(kind: str = "wsgi", *, times: int = 1) -> Any:
    """Make an application."""
    assert times in (1, 2)
    return {"wsgi": application, "asgi": asgi_application}[kind]


def broken_factory() -> Any:
    """Fail to make one."""
    raise RuntimeError("the factory is broken")


def empty_factory() -> Any:
    """Make nothing."""
    return None
