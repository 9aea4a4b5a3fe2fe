"""Raises while it is imported."""

raise RuntimeError("broken while importing")
