"""The models in the admin."""

from django.contrib import admin

from guestbook.models import Document, Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    list_display = ["name", "text", "written"]
    search_fields = ["name", "text"]
    date_hierarchy = "written"


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):
    list_display = ["title", "file", "uploaded"]
