"""What the CRM should say about a booking and its person. Pure: booking, contact and configuration only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from attrs import evolve, field, frozen

from instep.core.booking import Booking, Host, Status
from instep.core.catalogue import Getter, Property, find, getter_of
from instep.core.composed import Source, zone
from instep.core.contact import Contact
from instep.core.crm_schema import Field, ObjectSchema, Schema
from instep.core.lookup import CrmUser, Record
from instep.core.mapping import (
    Row,
    convert,
    default_for,
    effective,
    fingerprint,
    is_blank,
    is_wire_moment,
    plain_text,
    room,
    wire_datetime,
    with_line,
)
from instep.core.picklists import agreeing, clash
from instep.core.profile import Profile, Twin
from instep.core.required_advice import advice
from instep.core.rules import Directory, SyncConfig, system_fields

#: how the note on a default begins: the log of what the field validation has to mend
VALIDATION_ERROR = "Field validation error"
#: the line that finds an activity again where the CRM lacks our external id field
REF_LINE = "Ref: "
#: the line that names a meeting's further guests
GUESTS_LINE = "Guests: "


@frozen
class Setting:
    """Everything of a connection that planning needs: configuration, schema, users, the present time."""

    profile: Profile
    config: SyncConfig
    schema: Schema
    directory: Directory
    now: datetime
    custom: dict[str, Property] = field(factory=dict)
    _columns: dict[tuple[str, str], Columns] = field(init=False, factory=dict, eq=False, repr=False)
    _reading: dict[str, tuple[str, ...]] = field(init=False, factory=dict, eq=False, repr=False)

    def columns(self, role: str, record_type: str = "") -> Columns:
        """The mapping of an object (or role) with all that a booking does not change, put together at first use.

        Lists offer what records of that type take.
        """
        found = self._columns.get((role, record_type))
        if found is None:
            found = self._columns[role, record_type] = _columns_of(self, role, record_type)
        return found

    def reading(self, object_name: str, make: Callable[[Setting, str], tuple[str, ...]]) -> tuple[str, ...]:
        """The fields of an object that are read, worked out by `make` at first use."""
        found = self._reading.get(object_name)
        if found is None:
            found = self._reading[object_name] = make(self, object_name)
        return found

    def target(self, object_name: str, field_name: str) -> Field | None:
        """The CRM field as described, or None when missing or hidden."""
        described = self.schema.get(object_name)
        return described.get(field_name) if described else None

    def has(self, object_name: str, field_name: str) -> bool:
        """Whether the CRM shows us that field."""
        return self.target(object_name, field_name) is not None


# a tuple is made in half the time of any other frozen value, and a plan makes one for each mapped field
class DesiredField(NamedTuple):
    """One field as it should be. `value` is a wire value, None where the source is blank.

    `target` is the CRM's field, None where it is missing or hidden.
    `refused` says why the source's value cannot be written; `stand_in` marks fallbacks and defaults, `default`
    the documented defaults alone.
    """

    field: str
    label: str
    value: Any
    rule: str
    source: str = ""
    source_value: str = ""
    note: str = ""
    refused: str = ""
    overwrite: bool = False
    stand_in: bool = False
    default: bool = False
    optional: bool = True
    target: Field | None = None


@frozen
class _Column:
    """One mapping row, what it takes, and what comes of it where the source is blank."""

    row: Row
    get: Getter
    target: Field | None
    rule: str
    blank: DesiredField
    #: characters of a text that the target takes as they are
    room: int = 0

    def plain(self, text: str) -> DesiredField:
        """The field for a text that needs no conversion."""
        name, label, _, rule, source, _, _, _, overwrite, _, _, optional, target = self.blank
        # past the constructor of the named tuple, which is a call of its own: most fields are made here
        return tuple.__new__(
            DesiredField,
            (name, label, text, rule, source, text, "", "", overwrite, False, False, optional, target),
        )


@frozen
class Columns:
    """The mapping of one object: its rows, and the required fields that are not ours to fill."""

    rows: tuple[_Column, ...] = ()
    required: tuple[Field, ...] = ()
    #: whether a list among them follows another field
    controlled: bool = False
    described: ObjectSchema | None = None


def wants_activity(booking: Booking) -> bool:
    """A request has no activity until it is scheduled; a declined one never gets any (rule E1)."""
    seen = {step.status for step in booking.timeline}
    requested = Status.REQUESTED in seen or booking.status is Status.REQUESTED
    held = {Status.SCHEDULED, Status.RESCHEDULED, Status.COMPLETED, Status.NO_SHOW}
    return not requested or bool((seen | {booking.status}) & held)


def host_user(setting: Setting, host: Host | None) -> CrmUser | None:
    """The CRM user of a host, matched by e-mail, or None."""
    return setting.directory.user(host.email) if host is not None else None


def fields_of(
    setting: Setting,
    role: str,
    contact: Contact | None,
    booking: Booking | None,
    record: Record | None = None,
) -> tuple[DesiredField, ...]:
    """The mapped fields of a person, a company or a case, then required fields that no row fills.

    Lists offer what the record's type has, or for a new one (`record` is None) the chosen type.
    """
    source = Source(contact, booking, _connected_host(setting, booking))
    return _rows(setting, role, source, booking, _record_type(setting, role, booking, record))


def _record_type(setting: Setting, role: str, booking: Booking | None, record: Record | None) -> str:
    """The id of the record type that decides what lists offer; empty for the usual one."""
    config = setting.config
    if record is not None:
        return str(record.get(setting.profile.record_type_field) or "")
    if not config.record_types and not config.calendars:
        return ""
    chosen, _ = chosen_record_type(setting, role, booking)
    described = setting.schema.get(setting.profile.object_of(role)) if chosen else None
    found = described.record_type(chosen) if described is not None else None
    return found.id if found is not None else ""


def company_name(setting: Setting, contact: Contact | None, booking: Booking | None) -> str:
    """What the company of a person is called, as the mapping says; empty where the person names none."""
    company = setting.profile.company
    if company is None or contact is None:
        return ""
    for column in setting.columns(company.name).rows:
        if column.target is not None and column.target.name == company.name_field:
            want = _filled(column, Source(contact, booking, _connected_host(setting, booking)), UTC)
            return "" if want.refused else str(want.value or "")
    target = setting.target(company.name, company.name_field)
    return str(convert(contact.company, target).value or "") if target is not None else ""


def activity_fields(
    setting: Setting,
    booking: Booking,
    contact: Contact | None,
    keyed: bool = True,
    record: Record | None = None,
) -> tuple[DesiredField, ...]:
    """The mapped fields of the activity and its times; owner and person are decided by the plan.

    `keyed` is False for a record that cannot take our id although the CRM has the field for it.
    """
    activity = setting.profile.activity
    source = Source(contact, booking, _connected_host(setting, booking))
    mapped = _rows(
        setting, activity.name, source, booking, _record_type(setting, activity.name, booking, record)
    )
    described = any(want.field == activity.body_field for want in mapped)
    if booking.guest.guests:
        mapped = _with_line(setting, mapped, f"{GUESTS_LINE}{', '.join(booking.guest.guests)}", "the guests")
    if not setting.has(activity.name, activity.key_field) or (described and not keyed):
        found_again = "the line that finds this record again"
        mapped = _with_line(setting, mapped, f"{REF_LINE}{booking.id}", found_again)
    times = (
        DesiredField(
            activity.start_field,
            "Start",
            wire_datetime(booking.start),
            "the booking's start",
            optional=False,
            target=setting.target(activity.name, activity.start_field),
        ),
        DesiredField(
            activity.end_field,
            "End",
            wire_datetime(booking.end),
            "the booking's end",
            optional=False,
            target=setting.target(activity.name, activity.end_field),
        ),
    )
    return (*mapped, *times, *_outcome(setting, booking))


def body_of(setting: Setting, record: Record) -> str:
    """What people read in an activity, as plain text."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.body_field)
    body = str(record.get(activity.body_field) or "")
    return plain_text(body) if target is not None and target.html else body


def _outcome(setting: Setting, booking: Booking) -> tuple[DesiredField, ...]:
    """How the meeting stands, in the CRM's own words; a word that its list does not have is left out."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.outcome_field) if activity.outcome_field else None
    said = activity.outcomes.get(booking.status)
    if target is None or said is None:
        return ()
    done = convert(said, target)
    rule = "the booking's status"
    return (DesiredField(target.name, target.label, done.value, rule, refused=done.refused, target=target),)


def _connected_host(setting: Setting, booking: Booking | None) -> bool:
    return booking is not None and host_user(setting, booking.host) is not None


def chosen_record_type(setting: Setting, role: str, booking: Booking | None) -> tuple[str, bool]:
    """The record type that new records get, as it was chosen, and whether the booking's calendar chose it."""
    config = setting.config
    own = config.calendar(booking.calendar).record_types.get(role, "") if booking and config.calendars else ""
    return own or config.record_types.get(role, ""), bool(own)


def _columns_of(setting: Setting, role: str, record_type: str = "") -> Columns:
    person = next((p for p in setting.profile.persons if p.role == role), None)
    twin = person.twin if person else None
    object_name = person.name if person else role
    described = setting.schema.get(object_name)
    if described is None:
        return Columns()
    described = described.for_record_type(record_type)
    rows = setting.config.rows.get(twin.of if twin else role, ())
    if twin is not None:
        rows = tuple(evolve(row, field=twin.field_name(row.field)) for row in rows)
        described = _as_person(described, twin, setting.schema.get(twin.of))
    rows = effective(rows, described)
    own = system_fields(setting.profile, object_name)
    columns = tuple(_column(setting, row, described) for row in rows)
    return Columns(
        columns,
        tuple(target for target in described.required() if target.name not in own),
        any(column.target is not None and column.target.controller for column in columns),
        described,
    )


def _as_person(described: ObjectSchema, twin: Twin, other: ObjectSchema | None) -> ObjectSchema:
    """An object as its records that are people take it: what their other side requires is required of them.

    The describe cannot say so, for the same field is not there at all on the object's other records.
    """
    needed = {twin.field_name(target.name) for target in (other.required() if other else ())}
    fields = {name: evolve(target, nillable=name not in needed) for name, target in described.fields.items()}
    return evolve(described, fields=fields)


def _column(setting: Setting, row: Row, described: ObjectSchema) -> _Column:
    prop = find(row.source, setting.custom) if row.source else None
    rule = f"mapping: {prop.label if prop else row.source}"
    target = described.get(row.field)
    if target is None:
        missing = (
            f"{setting.profile.label} has no field {row.field} on {described.name}, or hides it "
            "from the connected user. Install the fields or grant them."
        )
        nothing = DesiredField(row.field, row.field, None, rule, row.source, refused=missing)
        return _Column(row, getter_of(row.source), None, rule, nothing)
    blank = DesiredField(
        target.name,
        target.label,
        None,
        rule,
        row.source,
        overwrite=row.overwrite,
        optional=not target.required,
        target=target,
    )
    return _Column(row, getter_of(row.source), target, rule, blank, room(target))


def _rows(
    setting: Setting, role: str, source: Source, booking: Booking | None, record_type: str
) -> tuple[DesiredField, ...]:
    columns = setting.columns(role, record_type)
    host_zone = zone(booking.host.time_zone if booking and booking.host else "")
    done = [_filled(column, source, host_zone) for column in columns.rows]
    if columns.controlled:
        done = [_controlled(want, done) for want in done]
    filled = {d.field for d in done if not is_blank(d.value)} if columns.required else set()
    for target in columns.required:
        if target.name in filled:
            continue
        default = default_for(target, setting.now)
        refused, rule = "", "default for a required field without value or fallback"
        if default.refused:
            cure = advice(columns.described, (target.name,), setting.profile, new=True)
            refused, rule = f"{target.label} is required, and nothing fills it. {cure}", "a required field"
        blank = DesiredField(
            target.name,
            target.label,
            default.value,
            rule,
            note=f"{VALIDATION_ERROR}: nothing fills this required field",
            refused=refused,
            stand_in=True,
            default=True,
            optional=False,
            target=target,
        )
        done = [d for d in done if d.field != target.name] + [blank]
    return tuple(done)


def _controlled(want: DesiredField, fields: list[DesiredField]) -> DesiredField:
    """A dependent list's value, refused where it does not go with the value of the field that it follows."""
    target = want.target
    if target is None or not target.controller or is_blank(want.value):
        return want
    leading = next((f for f in fields if f.field == target.controller and f.target is not None), None)
    if leading is None or leading.target is None:
        return want
    why = clash(target, want.value, leading.target, leading.value)
    if not why:
        return want
    other = agreeing(target, want.source_value, leading.target, leading.value)
    return want._replace(value=other) if other else want._replace(value=None, refused=why)


def _filled(column: _Column, source: Source, where: tzinfo) -> DesiredField:
    """One row's field for this source; `where` is the zone for dates of a moment."""
    target, blank = column.target, column.blank
    if target is None:
        return blank
    row, raw = column.row, column.get(source)
    if type(raw) is str and raw.isprintable() and 0 < len(text := raw.strip()) <= column.room:
        # most values are such: they go as they are
        return column.plain(text)
    if is_blank(raw) and row.fallback is None:
        return blank
    if is_wire_moment(raw, target):
        return column.plain(wire_datetime(raw))
    source_value = fingerprint(raw)
    as_it_is = (
        0 < len(source_value) <= column.room
        and source_value.isprintable()
        # people read a moment in their own words
        and not isinstance(raw, datetime)
    )
    if as_it_is:
        value, note, refused = source_value, "", ""
    else:
        done = convert(raw, target, where)
        value, note, refused = done.value, done.note, done.refused
    if row.fallback is not None and (is_blank(value) or refused):
        return _fallback(column, target, row.fallback, source_value, refused, where)
    return _field(column, target, value, source_value, note, refused)


def _field(
    column: _Column, target: Field, value: Any, source_value: str, note: str = "", refused: str = ""
) -> DesiredField:
    row = column.row
    return DesiredField(
        target.name,
        target.label,
        value,
        column.rule,
        row.source,
        source_value,
        note,
        refused,
        row.overwrite,
        False,
        False,
        column.blank.optional,
        target,
    )


def _fallback(
    column: _Column, target: Field, fallback: str, source_value: str, refused: str, where: tzinfo
) -> DesiredField:
    """A row's fallback, in place of a source that is empty or was `refused`."""
    spare = convert(fallback, target, where)
    return DesiredField(
        target.name,
        target.label,
        spare.value,
        f"fallback ({refused or 'the source is empty'})",
        column.row.source,
        source_value,
        spare.note,
        spare.refused,
        column.row.overwrite,
        stand_in=True,
        optional=column.blank.optional,
        target=target,
    )


def _with_line(
    setting: Setting, fields: tuple[DesiredField, ...], line: str, what: str
) -> tuple[DesiredField, ...]:
    """Carry one more line in the activity's description, whether a row fills that or not."""
    described = setting.schema.get(setting.profile.activity.name)
    target = described.get(setting.profile.activity.body_field) if described else None
    if target is None:
        return fields
    old = next((d for d in fields if d.field == target.name), None)
    if old is None or is_blank(old.value):
        text = convert(line, target).value
    else:
        text = with_line(str(old.value), line, target)
    new = DesiredField(
        target.name,
        target.label,
        text,
        f"{old.rule} and {what}" if old else what,
        source=old.source if old else "",
        optional=False,
        target=target,
    )
    return (*(d for d in fields if d.field != target.name), new)
