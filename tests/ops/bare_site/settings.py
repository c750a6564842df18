"""Instep's own settings without its pages: what is tried here is the server."""

from instep.ops.django_settings import *  # noqa: F403
from instep.ops.django_settings import MIDDLEWARE as OWN_MIDDLEWARE

ROOT_URLCONF = "bare_site.urls"
MIDDLEWARE = [name for name in OWN_MIDDLEWARE if not name.startswith("instep.web.")]
