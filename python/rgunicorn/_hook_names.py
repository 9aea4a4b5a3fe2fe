"""The hooks: what they are called, and what each is called with."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

Hook = Callable[..., Any]

#: The names of the arguments of every hook, as in gunicorn.
HOOKS = {
    "on_starting": ("server",),
    "on_reload": ("server",),
    "when_ready": ("server",),
    "pre_fork": ("server", "worker"),
    "post_fork": ("server", "worker"),
    "post_worker_init": ("worker",),
    "worker_int": ("worker",),
    "worker_abort": ("worker",),
    "pre_exec": ("server",),
    "pre_request": ("worker", "req"),
    "post_request": ("worker", "req", "environ", "resp"),
    "child_exit": ("server", "worker"),
    "worker_exit": ("server", "worker"),
    "nworkers_changed": ("server", "new_value", "old_value"),
    "on_exit": ("server",),
    "ssl_context": ("config", "default_ssl_context_factory"),
}

#: Hooks that may leave out their last arguments, and how many they take at least.
SHORTEST = {"post_request": 2}

#: Hooks of gunicorn that there is no counterpart for.
ABSENT = frozenset(
    ("on_dirty_starting", "dirty_post_fork", "dirty_worker_init", "dirty_worker_exit")
)


class HookError(Exception):
    """Something that was given for a hook cannot be one; the text is for the operator."""


def accept(name: str, value: object) -> Hook:
    """The hook that ``value`` stands for: a callable, or ``"package.module.function"``."""
    hook = _imported(name, value) if isinstance(value, str) else value
    if not callable(hook):
        raise HookError(
            f"the hook `{name}` is {value!r}, which cannot be called"
            " (write a function, or its place as in `package.module.function`)"
        )
    return _with_all_arguments(name, hook)


def misspelled(name: str) -> str | None:
    """The hook that a function with almost its name was meant to be."""
    close = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
    return close[0] if close and name not in HOOKS else None


def _imported(name: str, place: str) -> object:
    module, _, function = place.rpartition(".")
    if not module:
        raise HookError(
            f"the hook `{name}` is '{place}', which names no function in a module"
            " (write it as in `package.module.function`)"
        )
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise HookError(
            f"the hook `{name}` is '{place}', and there is no module `{error.name}`"
            " (check the name, or set `pythonpath` in the environment as PYTHONPATH)"
        ) from None
    except AttributeError:
        raise HookError(
            f"the hook `{name}` is '{place}', and the module `{module}` has no `{function}`"
        ) from None


def _with_all_arguments(name: str, hook: Hook) -> Hook:
    """The hook, taking every argument there is, whether or not it wants the last ones."""
    wanted = HOOKS[name]
    try:
        taken = _arity(inspect.signature(hook).parameters.values())
    except (TypeError, ValueError):
        # A callable of C code that does not say what it takes.
        return hook
    if taken == len(wanted):
        return hook
    if SHORTEST.get(name, len(wanted)) <= taken < len(wanted):
        return lambda *arguments: hook(*arguments[:taken])
    least = SHORTEST.get(name, len(wanted))
    numbers = f"{least} to {len(wanted)}" if least < len(wanted) else str(len(wanted))
    raise HookError(
        f"the hook `{name}` takes {taken} argument{'s' * (taken != 1)}, but is called with"
        f" {numbers} (write `def {name}({', '.join(wanted)})`)"
    )


def _arity(parameters: Iterable[inspect.Parameter]) -> int:
    """How many positional arguments there are, counted as gunicorn does."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
