"""The hooks: what they are called, and what each is called with."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from rgunicorn import _rgunicorn

Hook = Callable[..., Any]

#: The arguments of every hook, and how many of them, the last ones, it may leave out.
HOOKS = _rgunicorn.hooks()

#: Hooks of gunicorn that there is no counterpart for.
ABSENT = frozenset(
    ("on_dirty_starting", "dirty_post_fork", "dirty_worker_init", "dirty_worker_exit")
)


class HookError(Exception):
    """Something that was given for a hook cannot be one; the text is for the operator."""


def accept(name: str, value: Any) -> Hook:
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


def _imported(name: str, place: str) -> Any:
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
    wanted, optional = HOOKS[name]
    least, most = len(wanted) - optional, len(wanted)
    try:
        taken = _arity(inspect.signature(hook).parameters.values())
    except (TypeError, ValueError):
        # A callable of C code that does not say what it takes.
        return hook
    if taken == most:
        return hook
    if least <= taken < most:
        return lambda *arguments: hook(*arguments[:taken])
    numbers = f"{least} to {most}" if optional else str(most)
    raise HookError(
        f"the hook `{name}` takes {taken} argument{'s' * (taken != 1)}, but is called with"
        f" {numbers} (write `def {name}({', '.join(wanted)})`)"
    )


def _arity(parameters: Iterable[inspect.Parameter]) -> int:
    """How many positional arguments there are, counted as gunicorn does."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
