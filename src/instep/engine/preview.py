"""The plan of one booking without writing, a real or an invented one: what would be read, matched and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, frozen

from instep.core.booking import Booking, Guest, Kind, Status, Transition, status_detail
from instep.core.contact import Contact, contact_of, identity_email, merge, stamped, tidy_email
from instep.core.desired import DesiredField, activity_fields, fields_of
from instep.core.errors import InputError, InstepError
from instep.core.fold import stamp
from instep.core.mapping import Row
from instep.core.receipt import Cost, plan_document
from instep.core.work import Link, Work
from instep.engine.batch import hosts_of, preview
from instep.engine.drain import load, remembered
from instep.engine.lane import Lane, open_lane, record_url_of, the_connection, with_links
from instep.store import (
    connection_queries,
    contact_queries,
    convert,
    item_queries,
    lane_queries,
    plan_queries,
    queries,
)

#: the ids that an invented booking and a person whom nobody knows would get; nothing is ever written with them
INVENTED_BOOKING, INVENTED_CONTACT = "BKNG-INVENTED", "CTC-INVENTED"


@frozen
class Invented:
    """A booking that nobody made. `host_key` is a host's key or None; `start` is aware."""

    name: str
    email: str
    start: datetime
    minutes: int = 30
    company: str = ""
    subject: str = ""
    calendar_key: int | None = None
    host_key: int | None = None


def plan_booking(account_id: int, booking_key: int, connection: str = "") -> dict[str, Any]:
    """The plan document of a booking on a connection by its public id; without one on the oldest one.

    Raises `InputError` when nothing is connected, and the CRM's own errors when it cannot be read.
    """
    lane = open_lane(account_id, _connection(account_id, connection))
    return _plan(lane, _work(lane, booking_key))


@frozen
class RowsTried:
    """What rows would do: their values of one object, and the whole plan or why the CRM could not be read."""

    fields: tuple[DesiredField, ...]
    document: dict[str, Any] | None
    error: InstepError | None = None


def try_rows(
    account_id: int, booking_key: int, connection: str, name: str, rows: tuple[Row, ...]
) -> RowsTried:
    """The plan of a booking as if an object had these rows. Nothing is kept, nothing is written.

    Raises `InputError` when nothing is connected.
    """
    lane = open_lane(account_id, _connection(account_id, connection), hurried=True)
    lane.config = evolve(lane.config, rows={**lane.config.rows, name: rows})
    # what the booking's next change would write, fixed values included
    work = evolve(_work(lane, booking_key), settled=False)
    setting = lane.setting(hosts_of([work]))
    if name == lane.vendor.profile.activity.name and work.booking is not None:
        fields = activity_fields(setting, work.booking, work.contact)
    else:
        fields = fields_of(setting, name, work.contact, work.booking)
    try:
        return RowsTried(fields, _plan(lane, work))
    except InstepError as error:
        return RowsTried(fields, None, error)


def plan_contact(account_id: int, contact_key: int, connection: str = "") -> dict[str, Any]:
    """The plan document of a contact alone, as an edit of it would be written; otherwise as `plan_booking`."""
    lane = open_lane(account_id, _connection(account_id, connection))
    contact = queries.load_contacts(account_id, [contact_key])[contact_key]
    marks = contact_queries.marks_of(account_id, [contact_key]).get(contact_key, ())
    known = next((mark.link for mark in marks if mark.connection_key == lane.id), {})
    link = Link(known.get("person_object", ""), known.get("person_id", ""))
    return _plan(lane, Work(f"contact:{contact.id}", contact, None, link))


def plan_invented(account_id: int, invented: Invented, now: datetime, connection: str = "") -> dict[str, Any]:
    """The plan document of a booking that is made up for it; nothing is kept here, nothing is written there.

    A guest whose address is known here is that contact, as in a real booking.
    """
    lane = open_lane(account_id, _connection(account_id, connection))
    return _plan(lane, _invented_work(account_id, invented, now))


def _connection(account_id: int, public_id: str) -> dict[str, Any]:
    if not public_id:
        return the_connection(account_id)
    for row in lane_queries.connections(account_id):
        if row["public_id"] == public_id:
            return row
    if gone := connection_queries.connection_by_public_id(account_id, public_id):
        raise InputError(
            f"{gone['name'] or gone['org_id']} is disconnected, so that nothing can be looked up there.",
            code="NOT_CONNECTED",
            cure="Connect it again.",
        )
    raise InputError(
        f"There is no connection {public_id}.",
        code="NO_SUCH_CONNECTION",
        cure="It may have been disconnected.",
    )


def _plan(lane: Lane, work: Work) -> dict[str, Any]:
    works = [work]
    hosts = hosts_of(works)
    setting = lane.setting(hosts)
    before = len(lane.crm.calls)
    batch, cost = preview(
        lane.crm,
        setting,
        works,
        remembered(lane, works),
        lane.unknown_hosts(setting, hosts),
        lane.recall,
    )
    looked = lane.crm.calls[before:]
    lane_queries.count_calls(lane.account_id, lane.id, len(looked), 0)
    spent = Cost(len(looked), sum(call.ms for call in looked))
    document = plan_document(batch.items[0], Cost(cost), spent, schema=setting.schema)
    return with_links(document, record_url_of(lane.account_id, lane.id))


def _work(lane: Lane, booking_key: int) -> Work:
    row = item_queries.item_of(lane.account_id, lane.id, "booking", booking_key)
    if row is not None:
        return load(lane, [row]).works[0]
    booking = queries.load_bookings(lane.account_id, [booking_key])[booking_key]
    contact_key = item_queries.contact_of_booking(lane.account_id, booking_key)
    contacts = queries.load_contacts(lane.account_id, [contact_key] if contact_key else [])
    contact = contacts.get(contact_key) if contact_key else None
    return Work(f"booking:{booking.id}", contact, booking, Link())


# --- an invented booking ---


def _invented_work(account_id: int, invented: Invented, now: datetime) -> Work:
    """The item that a booking of these values would be, a moment after it was made."""
    contact = _invented_contact(account_id, invented, now)
    host = plan_queries.host_by_key(account_id, invented.host_key) if invented.host_key else None
    key = invented.calendar_key
    calendar_id, calendar = plan_queries.calendar_of(account_id, key) if key else ("", "")
    start = invented.start.astimezone(UTC)
    made = Transition(Kind.SCHEDULED, now, Status.SCHEDULED, by="customer", start=start, host=host)
    booking = Booking(
        id=INVENTED_BOOKING,
        source="instep",
        status=Status.SCHEDULED,
        status_detail=status_detail(Kind.SCHEDULED, Status.SCHEDULED, "customer"),
        subject=invented.subject or calendar or "Meeting",
        start=start,
        end=start + timedelta(minutes=invented.minutes),
        contact_id=contact.id,
        booked_at=now,
        updated_at=now,
        actioned_by="customer",
        host=host,
        guest=Guest(name=invented.name, email=invented.email, company=invented.company),
        calendar=calendar_id,
        calendar_name=calendar,
        timeline=(made,),
    )
    return Work(f"booking:{booking.id}", contact, booking, Link())


def _invented_contact(account_id: int, invented: Invented, now: datetime) -> Contact:
    """Who the guest would be: the contact that the address leads to, with what was said now, or a new one."""
    said = {"name": invented.name, "email": tidy_email(invented.email), "company": invented.company}
    key = identity_email(invented.email)
    known = plan_queries.contact_known_by(account_id, key) if key else None
    public_id, before = known or (INVENTED_CONTACT, {})
    fields = merge(convert.fields_of(before), stamped(said, stamp(now, now, 0, INVENTED_BOOKING)))
    return contact_of(public_id, fields, now)
