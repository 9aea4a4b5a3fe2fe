"""What is kept in the database."""

from django.db import models
from django.utils import timezone


class Entry(models.Model):
    """What a guest wrote."""

    name = models.CharField(max_length=80)
    text = models.TextField(max_length=1000)
    written = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.name}: {self.text[:40]}"


class Document(models.Model):
    """A file a guest left."""

    title = models.CharField(max_length=80)
    file = models.FileField(upload_to="documents/")
    uploaded = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title
