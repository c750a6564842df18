"""OnceHub's events: their signature, and how one becomes a fact. Facts of bookings only.

Source: OnceHub 9.3 (the booking object) and 9.6 (webhooks). Parsed defensively: what OnceHub is known to
send in two shapes is taken in both; what cannot be a booking is refused by name.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from instep.core.booking import Kind, Status
from instep.core.errors import InputError
from instep.core.fold import Change, Form, Owner, Snapshot

SOURCE = "oncehub"
SIGNATURE_HEADER = "Oncehub-Signature"

#: An event is a few kB; one of more bytes than this is not one.
MAX_BYTES = 10_000_000
#: Ids longer than this cannot be written into the CRM's field for them.
MAX_ID = 255
MAX_DURATION = timedelta(days=14)
YEARS = range(1970, 2201)

_BOOKING_PREFIX = "booking."
_CONVERSATION_PREFIX = "conversation."
#: what OnceHub sends; the others happen to bookings made here
_KINDS = frozenset(Kind) - {Kind.APPROVED, Kind.DECLINED, Kind.NO_SHOW_UNDONE}

NOT_USED = "NOT_USED"
MALFORMED = "MALFORMED"
TOO_LARGE = "TOO_LARGE"


def verify(raw: bytes, header: str | None, secret: str, now: float, tolerance: int = 300) -> bool:
    """Whether OnceHub signed exactly these bytes with this secret, within `tolerance` seconds of `now`.

    `header` is `t=<unix seconds>,s=<hex>`; parts of other schemes beside these are ignored.
    """
    pairs = [part.strip().split("=", 1) for part in (header or "").split(",") if "=" in part]
    times = [value for name, value in pairs if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        return False
    if abs(now - int(times[0])) > tolerance:
        return False
    signed = times[0].encode() + b"." + raw
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    return any(
        hmac.compare_digest(wanted, value.encode(errors="replace")) for name, value in pairs if name == "s"
    )


def parse_envelope(raw: bytes) -> Snapshot:
    """The fact that an event tells. Raises `InputError` that names what is wrong with it."""
    return snapshot_of(read(raw))


def read(raw: bytes) -> dict[str, Any]:
    """An event as JSON that any database can hold. Raises `InputError`."""
    if len(raw) > MAX_BYTES:
        _refuse(f"The event is longer than {MAX_BYTES} bytes, the most that is read.", TOO_LARGE)
    try:
        document = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        _refuse(f"The event is not UTF-8 text (byte {error.start}).")
    except json.JSONDecodeError as error:
        _refuse(f"The event is not JSON: {error.msg} at character {error.pos + 1}.")
    except RecursionError:
        _refuse("The event is nested too deeply.")
    except ValueError:
        _refuse("The event holds a number that no system can keep.")
    if not isinstance(document, dict):
        _refuse("The event is not a JSON object.")
    _check_text(document)
    return document


def snapshot_of(document: Mapping[str, Any]) -> Snapshot:
    """The fact that an envelope tells. Raises `InputError`, coded NOT_USED for events of other objects."""
    kind = _kind(document)
    data = document.get("data")
    if not isinstance(data, Mapping):
        _refuse("data is missing or not an object.")
    created_at = _moment(document, "creation_time", "creation_time")
    start, duration = _times(data)
    calendar, calendar_name = _calendar(data)
    return Snapshot(
        source=SOURCE,
        envelope_id=_id(document, "id", "id"),
        booking_id=_id(data, "id", "data.id"),
        kind=kind,
        created_at=created_at,
        updated_at=_optional_moment(data, "last_updated_time") or created_at,
        status=_status(data),
        start=start,
        duration=duration,
        in_trash=data.get("in_trash") is True,
        booked_at=_optional_moment(data, "creation_time"),
        subject=_text(data, "subject"),
        time_zone=_text(data, "customer_timezone"),
        virtual_location=_join_url(data),
        physical_location=_text(data, "location_description"),
        rescheduled_from=_text(data, "rescheduled_booking_id"),
        change=_change(data),
        attendees=_addresses(data, "attendees"),
        form=_form(data),
        owner=_owner(data),
        host_address=_host_address(data),
        calendar=calendar,
        calendar_name=calendar_name,
        tracking_id=_text(data, "tracking_id"),
        manage_url=_text(data, "cancel_reschedule_url") or _text(data, "reschedule_url"),
        custom=_custom(data, "custom_fields"),
        utm=_utm(data),
        details=_details(data),
    )


def is_host_address(address: str) -> bool:
    """Whether a calendar's id is a person's address, and not one of a shared calendar."""
    local, at, domain = address.strip().lower().partition("@")
    return (
        bool(local and at)
        and "." in domain.strip(".")
        and len(address) <= 254
        and not any(ch.isspace() or ch in '"<>(),;:\\@' for ch in local + domain)
        and domain != "calendar.google.com"
        and not domain.endswith(".calendar.google.com")
    )


def _refuse(message: str, code: str = MALFORMED) -> NoReturn:
    raise InputError(message, code=code)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _check_text(document: dict[str, Any]) -> None:
    """Refuse what no database and no CRM takes as text: NUL, and halves of characters."""
    try:
        whole = json.dumps(document, ensure_ascii=False)
        whole.encode()
    except UnicodeEncodeError:
        _refuse("The event holds half of a character (a lone surrogate), which is not text.")
    except ValueError:
        _refuse("The event holds a number that no system can keep.")
    if "\\u0000" not in whole:
        return
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and "\0" in value:
            _refuse("The event holds a NUL character, which no system can keep as text.")


def _kind(document: Mapping[str, Any]) -> Kind:
    wire = document.get("type")
    if not isinstance(wire, str) or not wire:
        _refuse("type is missing.")
    if wire.startswith(_CONVERSATION_PREFIX):
        _refuse(f"Events of type {wire} are not used.", NOT_USED)
    name = wire.removeprefix(_BOOKING_PREFIX)
    if not wire.startswith(_BOOKING_PREFIX) or name not in {kind.value for kind in _KINDS}:
        _refuse(f"The event type “{wire[:80]}” is unknown.", NOT_USED)
    return Kind(name)


def _status(data: Mapping[str, Any]) -> Status:
    try:
        return Status(str(data.get("status")))
    except ValueError:
        _refuse(f"data.status is {_shown(data.get('status'))}, not one of {', '.join(Status)}.")


def _id(data: Mapping[str, Any], key: str, path: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        _refuse(f"{path} is missing.")
    if len(value) > MAX_ID:
        _refuse(f"{path} is longer than {MAX_ID} characters.")
    return value


def _times(data: Mapping[str, Any]) -> tuple[datetime, timedelta]:
    start = _moment(data, "starting_time", "data.starting_time")
    minutes = data.get("duration_minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        _refuse(f"data.duration_minutes is {_shown(minutes)}, not a number of minutes.")
    if not 0 < minutes <= MAX_DURATION.total_seconds() / 60:
        _refuse(f"data.duration_minutes is {_shown(minutes)}; a meeting lasts from 1 minute to 14 days.")
    return start, timedelta(minutes=minutes)


def _moment(data: Mapping[str, Any], key: str, path: str) -> datetime:
    value = data.get(key)
    if value is None:
        _refuse(f"{path} is missing.")
    try:
        at = datetime.fromisoformat(value)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        _refuse(f"{path} is {_shown(value)}, not a time in ISO 8601.")
    if at.year not in YEARS:
        _refuse(f"{path} is {_shown(value)}; years from {YEARS[0]} to {YEARS[-1]} are taken.")
    return at


def _optional_moment(data: Mapping[str, Any], key: str) -> datetime | None:
    return _moment(data, key, f"data.{key}") if data.get(key) not in (None, "") else None


def _shown(value: Any) -> str:
    return "missing" if value is None else f"“{str(value)[:60]}”"


def _text(data: Mapping[str, Any], key: str, path: str = "data") -> str | None:
    value = data.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        _refuse(f"{path}.{key} is not text.")
    return value


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = data.get(key)
    if value is not None and not isinstance(value, Mapping):
        _refuse(f"data.{key} is neither an object nor null.")
    return value


def _join_url(data: Mapping[str, Any]) -> str | None:
    part = _part(data, "virtual_conferencing")
    return None if part is None else _text(part, "join_url", "data.virtual_conferencing") or ""


def _host_address(data: Mapping[str, Any]) -> str | None:
    part = _part(data, "external_calendar")
    return None if part is None else _text(part, "id", "data.external_calendar")


def _change(data: Mapping[str, Any]) -> Change | None:
    """The cancel/reschedule block; older senders fill it with empty strings where they mean null."""
    part = _part(data, "cancel_reschedule_information") or {}
    path = "data.cancel_reschedule_information"
    change = Change(_text(part, "reason", path) or "", _text(part, "actioned_by", path) or "")
    return change if change != Change() or part.get("user_id") else None


def _form(data: Mapping[str, Any]) -> Form | None:
    part = _part(data, "form_submission")
    if part is None:
        return None
    path = "data.form_submission"
    form = Form(
        name=_text(part, "name", path) or "",
        email=(_text(part, "email", path) or "").strip(),
        phone=_text(part, "phone", path) or "",
        mobile_phone=_text(part, "mobile_phone", path) or "",
        company=_text(part, "company", path) or "",
        note=_text(part, "note", path) or "",
        guests=_addresses(part, "guests") or (),
        custom=_custom(part, "custom_fields") or {},
    )
    return None if form == Form() else form


def _addresses(data: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """A list of addresses, each a text or an object with `email`; anything else in it is passed over."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        _refuse(f"{key} is neither a list nor null.")
    found = (entry.get("email") if isinstance(entry, Mapping) else entry for entry in value)
    return tuple(address for address in found if isinstance(address, str) and address.strip())


def _custom(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        _refuse(f"{key} is neither a list nor null.")
    pairs = [entry for entry in value if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)]
    return {entry["name"]: _custom_value(entry.get("value")) for entry in pairs if entry["name"].strip()}


def _custom_value(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_scalar(part) for part in value if part is not None)
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _owner(data: Mapping[str, Any]) -> Owner | None:
    """The owner comes as an id or as the user object."""
    value = data.get("owner")
    if isinstance(value, str) and value.strip():
        return Owner(id=value.strip())
    if not isinstance(value, Mapping) or not value:
        return None
    name = " ".join(part for key in ("first_name", "last_name") if (part := _text(value, key, "data.owner")))
    address = (_text(value, "email", "data.owner") or "").strip()
    owner = Owner(
        id=(_text(value, "id", "data.owner") or "").strip(),
        email=address if is_host_address(address) else "",
        name=name.strip(),
        time_zone=_text(value, "timezone", "data.owner") or "",
    )
    return owner if owner.id or owner.email else None


def _calendar(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Id and name of the booking calendar, or of the booking page in accounts that have pages instead.

    A page without a public name has at least the label that its owner gave it.
    """
    for key in ("booking_calendar", "booking_page"):
        value = data.get(key)
        if isinstance(value, str) and value.strip():
            return value, None
        if isinstance(value, Mapping) and isinstance(value.get("id"), str):
            where = f"data.{key}"
            return value["id"], _text(value, "name", where) or _text(value, "label", where)
    return None, None


#: objects that come expanded or as a bare id → what of them is kept, and under which name
_DETAILS = {
    "booking_page": {"label": "page_label", "category": "page_category", "url": "page_link"},
    "master_page": {"label": "master_label", "name": "master_name", "url": "master_link"},
    "event_type": {
        "name": "type_name",
        "category": "type_category",
        "description": "type_description",
        "price": "type_price",
        "currency": "type_currency",
    },
    "payment_information": {"amount_charged": "payment_amount", "currency": "payment_currency"},
}


def _details(data: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What a mapping may use beyond the booking's own parts; nothing is refused for it."""
    found: dict[str, str] = {}
    for key, wanted in _DETAILS.items():
        part = data.get(key)
        if isinstance(part, Mapping):
            found |= {name: _scalar(part[said]) for said, name in wanted.items() if said in part}
    if isinstance(data.get("cancel_url"), str):
        found["cancel_link"] = data["cancel_url"]
    return {name: value for name, value in found.items() if value} or None


def _utm(data: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The source tracking of the booking link, keys as `utm_source`."""
    part = _part(data, "utm_params")
    if part is None:
        return None
    said = {key if key.startswith("utm_") else f"utm_{key}": value for key, value in part.items()}
    return {key: value for key, value in said.items() if isinstance(value, str) and value}
