"""Pages: the ORM, forms, the session, files, and one async view."""

import asyncio

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from guestbook.files import file_response
from guestbook.forms import DocumentForm, EntryForm
from guestbook.models import Document, Entry


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The entries, page by page, and the form for a new one."""
    visits = request.session["visits"] = request.session.get("visits", 0) + 1
    form = EntryForm(request.POST or None, initial={"name": request.session.get("name", "")})
    if request.method == "POST" and form.is_valid():
        form.save()
        request.session["name"] = form.cleaned_data["name"]
        messages.success(request, f"Thank you, {form.cleaned_data['name']}.")
        return redirect("home")
    page = Paginator(Entry.objects.all(), 10).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "visits": visits}
    return render(request, "guestbook/home.html", context, status=400 if form.errors else 200)


@require_GET
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry."""
    return render(request, "guestbook/entry.html", {"entry": get_object_or_404(Entry, pk=pk)})


@require_http_methods(["GET", "POST"])
def documents(request: HttpRequest) -> HttpResponse:
    """The files guests left, and the form to leave one."""
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        document = form.save()
        messages.success(request, f"“{document.title}” has arrived.")
        return redirect("documents")
    context = {"form": form, "documents": Document.objects.all()}
    return render(request, "guestbook/documents.html", context)


@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """A file as it was left."""
    return file_response(request, get_object_or_404(Document, pk=pk).file)


async def about(request: HttpRequest) -> HttpResponse:
    """Counts, asked for at the same time by an async view."""
    days = Entry.objects.annotate(day=TruncDate("written")).values("day").order_by("-day")

    async def by_day() -> list[dict]:
        return [row async for row in days.annotate(entries=Count("id"))[:7]]

    entries, files, recent = await asyncio.gather(
        Entry.objects.acount(), Document.objects.acount(), by_day()
    )
    context = {"entries": entries, "documents": files, "recent": recent}
    return await asyncio.to_thread(render, request, "guestbook/about.html", context)


def boom(request: HttpRequest) -> HttpResponse:
    """A fault, to see what the visitor and the log are told of it."""
    raise RuntimeError("on purpose")
