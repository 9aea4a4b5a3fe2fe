"""The addresses of the site."""

from django.contrib import admin
from django.urls import include, path

from mysite.static import static_file

urlpatterns = [
    path("static/<path:path>", static_file),
    path("admin/", admin.site.urls),
    path("", include("guestbook.urls")),
]
