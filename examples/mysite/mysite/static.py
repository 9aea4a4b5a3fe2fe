"""Static files, straight from where the packages have them: nothing to collect beforehand.

Enough for a small site, and the same under both worker classes. A large one lets a proxy in
front serve what `collectstatic` put together.
"""

import mimetypes
from datetime import datetime, timezone
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe


def _find(path: str) -> Path | None:
    found = finders.find(path)
    return Path(found) if found and Path(found).is_file() else None


def _last_modified(request: HttpRequest, path: str) -> datetime | None:
    found = _find(path)
    return datetime.fromtimestamp(int(found.stat().st_mtime), timezone.utc) if found else None


@require_safe
@condition(last_modified_func=_last_modified)
def static_file(request: HttpRequest, path: str) -> HttpResponse:
    """One file of the `static` folder of an installed application."""
    found = _find(path)
    if found is None:
        raise Http404(f"no static file {path}")
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": "public, max-age=300"}
    return HttpResponse(found.read_bytes(), content_type=kind, headers=headers)
