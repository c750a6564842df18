"""The addresses of guests: a calendar's page, and the pages behind a booking's own link."""

from __future__ import annotations

from django.urls import path

from instep.guest import booking, manage, move

urlpatterns = [
    path("b/<slug:slug>", booking.book, name="book"),
    path("b/<slug:slug>/details", booking.details, name="book-details"),
    path("b/<slug:slug>/zone", booking.zone, name="book-zone"),
    path("b/<path:rest>", booking.astray),
    path("m/<str:token>", manage.manage, name="manage"),
    path("m/<str:token>/meeting.ics", manage.calendar_file, name="manage-file"),
    path("m/<str:token>/cancel", manage.cancel, name="manage-cancel"),
    path("m/<str:token>/time", move.times, name="manage-time"),
    path("m/<str:token>/time/confirm", move.confirm, name="manage-confirm"),
    path("m/<str:token>/zone", move.zone, name="manage-zone"),
    path("m/<path:rest>", manage.astray),
]
