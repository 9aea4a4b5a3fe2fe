"""Objects that say what they have when they are asked for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING


class Described:
    """An object whose attributes are listed when there is none of a name."""

    #: What the object is called in hooks.
    _called = "object"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Only asked for what is not there."""
            if name.startswith("_"):
                raise AttributeError(f"`{self._called}` has no attribute `{name}`")
            there = ", ".join(self._public())
            raise AttributeError(
                f"`{self._called}` has no attribute `{name}` (it has: {there})",
                name=name,
                obj=self,
            )

    def _public(self) -> list[str]:
        """The names that there are."""
        return sorted(name for name in {*dir(type(self)), *vars(self)} if name[0] != "_")
