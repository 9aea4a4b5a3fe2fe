"""Classes that are none that can serve."""

from __future__ import annotations


class Nothing:
    """It lacks everything."""
