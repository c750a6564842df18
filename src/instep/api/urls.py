"""Addresses for machines: health and the webhooks of sources."""

from __future__ import annotations

from django.urls import path

from instep.api.health import alive, ready
from instep.api.webhooks import oncehub

urlpatterns = [
    path("healthz", alive, name="healthz"),
    path("readyz", ready, name="readyz"),
    path("webhooks/oncehub/<str:endpoint_id>", oncehub, name="webhook-oncehub"),
]
