"""`cfg`: the settings, by the names that gunicorn has for them."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Mapping
from typing import Any

from rgunicorn._hook_names import HOOKS, Hook
from rgunicorn.hooks._described import Described


class Setting:
    """One setting, as `cfg.settings` has it."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def get(self) -> Any:
        """The value."""
        return self.value

    def __repr__(self) -> str:
        return f"<Setting {self.name} = {self.value!r}>"


def unset(*_arguments: object) -> None:
    """What stands for a hook that nobody has set."""


class Config(Described):
    """Every setting as an attribute, every hook, and what follows from them."""

    _called = "cfg"
    settings: dict[str, Setting]
    #: The variables of the environment as the server found them.
    env_orig: dict[str, str]

    def __init__(
        self, values: Mapping[str, Any], hooks: Mapping[str, Hook], environ: Mapping[str, str]
    ) -> None:
        everything = {**dict.fromkeys(HOOKS, unset), **values, **hooks}
        settings = {name: Setting(name, value) for name, value in everything.items()}
        vars(self).update(settings=settings, env_orig=dict(environ), prog="rgunicorn")

    def __getattribute__(self, name: str) -> Any:
        """A setting, unless something else has its name."""
        try:
            return super().__getattribute__(name)
        except AttributeError:
            settings: dict[str, Setting] = vars(self)["settings"]
            if name in settings:
                return settings[name].value
            raise

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"the setting `{name}` cannot be changed while the server runs"
            " (set it at the top level of the config file)"
        )

    def set(self, name: str, value: object) -> None:
        """Refuse: settings are read once, before the server starts."""
        self.__setattr__(name, value)

    def __str__(self) -> str:
        width = max(map(len, self.settings))
        rows = sorted(self.settings.items())
        return "\n".join(f"{name:{width}} = {shown(setting.value)}" for name, setting in rows)

    @property
    def address(self) -> list[tuple[str, int] | str | int]:
        """What is bound: pairs of host and port, paths of unix sockets, numbers of descriptors."""
        return [parse_address(bind) for bind in self.settings["bind"].value]

    @property
    def env(self) -> dict[str, str]:
        """The variables that `raw_env` sets."""
        pairs = (pair.partition("=") for pair in self.settings["raw_env"].value)
        return {name: value for name, _, value in pairs}

    @property
    def worker_class_str(self) -> str:
        """The name of the worker class."""
        return str(self.settings["worker_class"].value)

    @property
    def proc_name(self) -> str:
        """The name of the processes: the setting, or else the application."""
        return str(self.settings["proc_name"].value or self.default_proc_name)

    @property
    def default_proc_name(self) -> str:
        """The name of the processes if nobody gives them one."""
        return str(self.settings["wsgi_app"].value or self.prog)

    @property
    def uid(self) -> int:
        """The number of the user that workers run as."""
        user = self.settings["user"].value
        if user is None:
            return os.geteuid()
        text = str(user)
        return int(text) if text.isdigit() else pwd.getpwnam(text).pw_uid

    @property
    def gid(self) -> int:
        """The number of the group that workers run as."""
        group = self.settings["group"].value
        if group is None:
            return os.getegid()
        text = str(group)
        return int(text) if text.isdigit() else grp.getgrnam(text).gr_gid

    user = uid
    group = gid

    @property
    def is_ssl(self) -> bool:
        """Whether connections are encrypted."""
        return False

    @property
    def threads(self) -> int:
        """How many threads of a worker call the application."""
        return 1

    def _public(self) -> list[str]:
        return sorted({*super()._public(), *self.settings})


def shown(value: object) -> str:
    """A value as gunicorn prints it: hooks by their names."""
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return f"<{getattr(value, '__qualname__', value)}()>"
    return str(value)


def parse_address(bind: str) -> tuple[str, int] | str | int:
    """What a setting `bind` stands for, as gunicorn has it."""
    for scheme in ("uwsgi://", "http://", "tcp://"):
        bind = bind.removeprefix(scheme)
    if bind.startswith("fd://"):
        return int(bind.removeprefix("fd://"))
    if bind.startswith("unix:"):
        return bind.removeprefix("unix:").removeprefix("//")
    host, _, port = bind.rpartition(":")
    return host.strip("[]").lower(), int(port)
