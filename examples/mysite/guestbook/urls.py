"""The addresses of the application."""

from django.urls import path

from guestbook import live, views

urlpatterns = [
    path("", views.home, name="home"),
    path("entries/<int:pk>/", views.entry, name="entry"),
    path("documents/", views.documents, name="documents"),
    path("documents/<int:pk>/", views.download, name="download"),
    path("about/", views.about, name="about"),
    path("boom/", views.boom, name="boom"),
    path("numbers/", live.numbers, name="numbers"),
    path("poll/", live.poll, name="poll"),
    path("events/", live.events, name="events"),
]
