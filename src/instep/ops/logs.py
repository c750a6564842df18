"""Logs: one line per event, JSON for machines or text for people, without secrets and personal data.

Every line carries the id chain (booking → drain → request) that is bound with `structlog.contextvars`.
"""

from __future__ import annotations

import logging
import logging.config
import os
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import structlog

from instep.core.redaction import HIDDEN, without_tokens

Format = Literal["auto", "console", "json"]

_PROCESS = os.environ.get("INSTEP_PROCESS")

#: Parts of key names whose values are never written: secrets, and what tells who a person is.
_SECRET_KEYS = re.compile(
    r"token|secret|password|passwd|authorization|cookie|signature|api[_-]?key|private[_-]?key|session[_-]?id"
    r"|assertion|code_verifier|credential",
    re.IGNORECASE,
)
_PERSONAL_KEYS = re.compile(
    r"e-?mail|phone|mobile|^fax$|(first|last|full|middle|given|family|display|guest|host|contact|customer)_?name"
    r"|^name$|^subject$|^description$|address|^body$|^payload$",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"(?<![\w.:/-])\+\d[\d\s().-]{6,18}\d(?![\w-])")
_BEARER = re.compile(r"\b(Bearer|Basic|OAuth)\s+[\w.~+/!=-]{6,}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^/\s:@]*:)[^/\s@]+@")
#: the signed part of a guest's link: who has it may cancel the meeting
_GUEST_LINK = re.compile(r"((?:/|%2F)m(?:/|%2F))[\w-]+(?::|%3A)[\w-]+", re.IGNORECASE)
_ASSIGNED_SECRET = re.compile(
    r"((?:access_token|refresh_token|client_secret|code|code_verifier|assertion|password|secret|sig|signature"
    r"|soSigned|client_assertion|api_?key|hapikey|id_token)[\"']?\s*(?:=|:|%3D|%3A)\s*[\"']?)"
    r"[^\s&\"',}]+?(?=%26|[\s&\"',}]|$)",
    re.IGNORECASE,
)


def hide(text: str) -> str:
    """A text without e-mail addresses, international phone numbers, tokens and passwords."""
    text = without_tokens(text)
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _GUEST_LINK.sub(rf"\1{HIDDEN}", text)
    text = _ASSIGNED_SECRET.sub(rf"\1{HIDDEN}", text)
    return _PHONE.sub(HIDDEN, _EMAIL.sub(HIDDEN, text))


#: Lines repeat their words (hosts, paths, ids of a drain), and looking through one for secrets takes long.
_hide_word = lru_cache(maxsize=4096)(hide)
_LONGEST_WORD = 80


def _hide_value(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _hide_word(value) if len(value) <= _LONGEST_WORD else hide(value)
    if depth > 6:
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _hide_item(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hide_value(item, depth + 1) for item in value]
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if value is None or isinstance(value, bool | int | float):
        return value
    return hide(str(value))


@lru_cache(maxsize=1024)
def _is_kept_from_logs(key: str) -> bool:
    return bool(_SECRET_KEYS.search(key) or _PERSONAL_KEYS.search(key))


def _hide_item(key: str, value: Any, depth: int = 0) -> Any:
    # A count or a switch named after a secret ("tokens": 3) tells nothing.
    if _is_kept_from_logs(key) and value is not None and not isinstance(value, bool | int | float):
        return HIDDEN
    return _hide_value(value, depth)


def redact(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """structlog processor: the last one before rendering, so that tracebacks are cleaned too."""
    return {
        key: value if key in ("level", "timestamp", "logger") else _hide_item(key, value)
        for key, value in event.items()
    }


def _add_process(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Name the supervisor's child that speaks, where there is a supervisor."""
    if _PROCESS:
        event["process"] = _PROCESS
    return event


def _reduce_request(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Of the request that Django's lines carry its method and path: a query holds what people searched for."""
    request = event.get("request")
    if request is not None and not isinstance(request, str):
        # what is left free here is the place of the request's id
        del event["request"]
        event["http_method"] = getattr(request, "method", None)
        event["path"] = getattr(request, "path", None)
    return event


def chosen_format(form: Format) -> Literal["console", "json"]:
    """Text for people at a terminal, JSON for everything else, unless it was said."""
    if form == "auto":
        return "console" if sys.stderr.isatty() else "json"
    return form


def configure(form: Format = "auto", level: str = "info") -> None:
    """Send all logs of this process, the libraries' included, to stderr. `auto`: text on a terminal."""
    form = chosen_format(form)
    shared: list[Any] = [
        _add_process,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), _reduce_request, *shared],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"instep": formatter},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "instep",
                    "stream": "ext://sys.stderr",
                }
            },
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                **{
                    name: {"level": "WARNING"} for name in ("asyncio", "httpcore2", "httpx2", "procrastinate")
                },
                # Where a template finds no variable, its debug line holds all the others: whole guests and bookings.
                "django.template": {"level": "INFO"},
                # Every scanner on the network causes these, with a traceback each; the answer is a plain 400.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
            },
        }
    )
