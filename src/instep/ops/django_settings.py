"""Django's settings, read once per process from Instep's own (`instep.ops.settings`).

Used with DJANGO_SETTINGS_MODULE=instep.ops.django_settings; `instep.ops.boot` sets it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from instep.ops.database import django_database
from instep.ops.mail import mail_settings
from instep.ops.settings import load

INSTEP = load()
PACKAGE = Path(__file__).resolve().parents[1]

SECRET_KEY, *SECRET_KEY_FALLBACKS = INSTEP.django_secrets()
DEBUG = False

_public_host = urlsplit(INSTEP.public_url).hostname
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([_public_host] if _public_host else [])]
CSRF_TRUSTED_ORIGINS = [INSTEP.public_url] if INSTEP.public_url else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # Only for its migrations: the engine's own migration runs after the schema of the job queue.
    "procrastinate.contrib.django",
    "instep.store",
    "instep.engine",
    "instep.web",
    "instep.guest",
    # After our own pages, whose templates take the place of its templates.
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "instep.ops.request_log.RequestLogMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "instep.web.signin.SignInRequiredMiddleware",
    "instep.web.rights.AdministratorsOnly",
    "instep.web.zone.ZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "instep.web.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "instep.web.shell.shell",
            ],
        },
    },
]

DATABASES = {"default": django_database(INSTEP.dsn)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "store.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/signin"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/signin"

# Signing in is allauth's (docs/decisions/0006-signing-in.md): its rate limits, and later its second factors.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGOUT_REDIRECT_URL
# Counted in the memory of the web process, of which `instep web` has one with many threads. With Django's 300
# entries, as many callers would make it forget the tries of all others.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# Wrong codes of the second factor count as failed sign-ins of their person.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "welcome": "20/m/ip",
    # forms of guests, who may all sit in one office
    "guest": "30/10m/ip",
    # records that unsigned links name: few enough that nobody can try ids in turn or use up an org's API calls
    "named_record_of_visitor": "30/10m/key",
    "named_record": "2000/h/key",
}
ACCOUNT_FORMS = {
    "change_password": "instep.web.profile.PasswordForm",
    "reauthenticate": "instep.web.profile.ConfirmForm",
}
MFA_ADAPTER = "instep.web.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "instep.web.second_factor.CodeForm",
    "reauthenticate": "instep.web.second_factor.ConfirmCodeForm",
    "activate_totp": "instep.web.second_factor.ActivateForm",
}
# One period before and after: phones' clocks differ, and people need some seconds to type.
MFA_TOTP_TOLERANCE = 1
# Addresses are given by an administrator; nobody registers with somebody else's.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# The proxy in front of us says who the caller is; without one the connection itself does.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if INSTEP.is_https else 0

# --- what browsers are told ---

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        # the icons inside Pico's style sheet
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = INSTEP.is_https
CSRF_COOKIE_SECURE = INSTEP.is_https
SECURE_HSTS_SECONDS = 31_536_000 if INSTEP.is_https else 0
# TLS ends at the proxy in front of us, which must set this header and strip a stranger's.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if INSTEP.is_https else None

# instep.ops.front answers 413 before Django looks; Django's own limit would answer 400.
DATA_UPLOAD_MAX_MEMORY_SIZE = INSTEP.max_body
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# --- mail: INSTEP_SMTP_URL and INSTEP_MAIL_FROM ---

globals().update(mail_settings(INSTEP.smtp_url.get_secret_value(), INSTEP.mail_from))

# --- language, time, files ---

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [str(PACKAGE / "locale")]

STATIC_URL = "/static/"
# Served from the packages themselves: there is no collect step that could be forgotten.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
# Their addresses change with their content.
STORAGES = {"staticfiles": {"BACKEND": "instep.web.static_files.VersionedStaticFiles"}}
WHITENOISE_MAX_AGE = 30 * 24 * 3600

# instep.ops.logs configures logging for the whole process before Django starts.
LOGGING_CONFIG = None
