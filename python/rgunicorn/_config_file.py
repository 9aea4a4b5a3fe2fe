"""Config files: Python that is run, and what it leaves at its top level.

The file is run anew, from what is on the disk, for every reload. The modules that it imports from
the project, as opposed to installed packages, belong to that run: the next one imports them again.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType
from typing import Any

from rgunicorn._hook_names import ABSENT, HOOKS, Hook, HookError, accept, misspelled

#: The name that the module of a file has, as under gunicorn.
MODULE = "__config__"

PLAIN = (str, int, float, bool, list, tuple, dict, type(None))


class ConfigFileError(Exception):
    """There is no configuration to go by; the text is for the operator."""


@dataclass
class Evaluated:
    """What a config file says."""

    #: Names at the top level that are settings, or look as if they were meant to be.
    values: list[tuple[str, object]] = field(default_factory=list)
    hooks: dict[str, Hook] = field(default_factory=dict)
    #: The file's module and those of the project that it imported, by name.
    modules: dict[str, ModuleType] = field(default_factory=dict)


def evaluate(
    place: str, is_module: bool, settings: frozenset[str], earlier: frozenset[str]
) -> Evaluated:
    """Run the file ``place``, or import the module of that name.

    ``settings`` are the names of all settings, ``earlier`` the modules that earlier runs imported.
    """
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    before = dict(sys.modules)
    for name in earlier:
        sys.modules.pop(name, None)
    known = set(sys.modules)
    what = f"the config module `{place}`" if is_module else f"the config file `{place}`"
    try:
        module = _run_module(place) if is_module else _run_file(place, what)
        evaluated = _sort(vars(module), what, settings)
    except (ConfigFileError, HookError) as error:
        _restore(before)
        raise ConfigFileError(_with_name(str(error), what)) from None
    except BaseException as error:
        _restore(before)
        text = traceback.format_exception(type(error), error, _beyond_us(error.__traceback__))
        doing = _doing(error)
        raise ConfigFileError(f"{what} {doing}\n{''.join(text).rstrip()}") from None
    evaluated.modules = {
        name: imported
        for name, imported in sys.modules.items()
        if imported is module or (name not in known and _is_of_the_project(imported))
    }
    return evaluated


def accept_hooks(hooks: dict[str, Any]) -> dict[str, Hook]:
    """The hooks among the arguments of `rgunicorn.run()`."""
    try:
        return {name: accept(name, value) for name, value in hooks.items()}
    except HookError as error:
        raise ConfigFileError(str(error)) from None


def _run_file(place: str, what: str) -> ModuleType:
    path = os.path.abspath(place)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except FileNotFoundError:
        raise ConfigFileError(f"{what} does not exist (check `--config`)") from None
    except OSError as error:
        raise ConfigFileError(f"{what} cannot be read: {error.strerror}") from None
    loader = SourceFileLoader(MODULE, path)
    spec = importlib.util.spec_from_file_location(MODULE, path, loader=loader)
    if spec is None:
        raise ConfigFileError(f"{what} is not Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    # Not by way of the loader: bytecode that was kept may be older than the source by less than
    # the clock of the file system tells.
    exec(compile(source, path, "exec", dont_inherit=True), vars(module))
    return module


def _run_module(name: str) -> ModuleType:
    sys.modules.pop(name, None)
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        spec = None
    if spec is None or spec.loader is None:
        raise ConfigFileError(
            f"there is no config module `{name}` (check `--config`; modules are looked for in the"
            " directory that the command is started in, and on Python's search path)"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if isinstance(spec.loader, SourceFileLoader):
        path = spec.loader.get_filename(name)
        exec(compile(spec.loader.get_data(path), path, "exec", dont_inherit=True), vars(module))
    else:
        spec.loader.exec_module(module)
    return module


def _sort(names: dict[str, Any], what: str, settings: frozenset[str]) -> Evaluated:
    """Tell settings, hooks and what is the file's own business apart."""
    evaluated = Evaluated()
    for name, value in list(names.items()):
        if name in HOOKS:
            if value is not None:
                evaluated.hooks[name] = accept(name, value)
        elif name in settings:
            evaluated.values.append((name, _plain(value)))
        elif name.startswith("_") or name != name.lower():
            continue
        elif isinstance(value, PLAIN):
            evaluated.values.append((name, value))
        elif callable(value) and not isinstance(value, type):
            _check_function(name, value, what, str(names.get("__name__")))
    return evaluated


def _plain(value: object) -> object:
    """A class stands for its name; other sequences than lists and tuples are lists."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value


def _check_function(name: str, function: Any, what: str, module: str) -> None:
    """Refuse what was meant to be a hook, and would never be called."""
    if name in ABSENT:
        raise HookError(
            f"{what} has the hook `{name}`, which gunicorn has and rgunicorn has not (leave it out)"
        )
    meant = misspelled(name) if getattr(function, "__module__", None) == module else None
    if meant:
        raise HookError(
            f"{what} has a function `{name}`, which is no hook: did you mean `{meant}`?"
            " (if it is another function, begin its name with an underscore)"
        )


def _with_name(text: str, what: str) -> str:
    return text if what in text or "config module" in text else f"{text}, in {what}"


def _doing(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return "has a syntax error"
    if isinstance(error, SystemExit):
        return "called sys.exit()"
    return "raised an exception"


def _beyond_us(frames: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this module and of importing."""
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def _restore(modules: dict[str, ModuleType]) -> None:
    for name in set(sys.modules) - set(modules):
        if _is_of_the_project(sys.modules[name]) or name == MODULE:
            del sys.modules[name]
    sys.modules.update(modules)


def _is_of_the_project(module: object) -> bool:
    """Whether a module is neither the standard library's nor that of an installed package."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or getattr(module, "__name__", "").startswith("rgunicorn"):
        return False
    path = os.path.abspath(file)
    installed = not {"site-packages", "dist-packages"}.isdisjoint(path.split(os.sep))
    return not installed and not path.startswith(os.path.dirname(os.__file__) + os.sep)
