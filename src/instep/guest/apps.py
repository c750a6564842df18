"""The pages of guests, as Django's registry knows them."""

from __future__ import annotations

from django.apps import AppConfig


class GuestConfig(AppConfig):
    """Booking pages, and the pages behind a booking's own link."""

    name = "instep.guest"
    label = "guest"
