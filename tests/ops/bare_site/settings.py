from instep.ops.django_settings import *  # noqa: F403

ROOT_URLCONF = "bare_site.urls"
