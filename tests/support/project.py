"""The project that is deployed: a file that a test writes again for every release."""

from __future__ import annotations

from pathlib import Path

#: Ways in which a release is broken, and what the log must say of each.
BREAKS = {
    "syntax error": ("def broken(:\n", r"SyntaxError"),
    "exception": (
        "raise RuntimeError('release on purpose broken')\n",
        r"release on purpose broken",
    ),
    "missing module": (
        "import no_such_module_anywhere\n",
        r"No module named 'no_such_module_anywhere'",
    ),
    "SystemExit": ("raise SystemExit(0)\n", r"SystemExit"),
}


class Project:
    """A directory with a module that is served, in one version after the other."""

    def __init__(self, directory: Path, interface: str) -> None:
        self.directory = directory
        self.interface = interface
        directory.mkdir(exist_ok=True)
        self.release("1")

    @property
    def app(self) -> str:
        """What the server is told to serve."""
        return f"project_{self.interface}:app"

    @property
    def module(self) -> Path:
        """The file of the application."""
        return self.directory / f"project_{self.interface}.py"

    def release(self, version: str, before: str = "", **options: str) -> None:
        """Write a version that works, once the statements `before` have."""
        words = "".join(f", {name}={value!r}" for name, value in options.items())
        self._write(
            f"{before}from apps.deployed_{self.interface} import release\n\n"
            f"app = release({version!r}{words})\n"
        )

    def break_by(self, how: str) -> str:
        """Write one that cannot be imported; the pattern of the line that must be in the log."""
        text, pattern = BREAKS[how]
        self._write(text)
        return pattern

    def remove(self) -> None:
        """Take the module away."""
        self.module.unlink()

    def _write(self, text: str) -> None:
        # As deploys do it: nobody reads half a file.
        draft = self.module.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.module)
