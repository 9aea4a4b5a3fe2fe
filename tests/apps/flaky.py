"""WSGI: cannot be imported while a file says so."""

from __future__ import annotations

import os
import time
from pathlib import Path

from apps.notes import note
from apps.wsgi_plain import app

__all__ = ["app"]

if Path("broken").exists():
    note("boot fails")
    os._exit(1)
if Path("slow").exists():
    note("boot is slow")
    time.sleep(30)
