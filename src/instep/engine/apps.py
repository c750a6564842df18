"""The engine as a Django app: it owns the migration that lets a booking's transaction wake a drain."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Registered for its migrations; models stay with procrastinate."""

    name = "instep.engine"
    label = "engine"
