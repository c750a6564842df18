"""The plan of one booking without writing: what would be read, matched and written, and what it costs."""

from __future__ import annotations

from typing import Any

from instep.core.receipt import Cost, plan_document
from instep.core.work import Link, Work
from instep.engine.batch import hosts_of, preview
from instep.engine.drain import load, remembered
from instep.engine.lane import Lane, open_lane, record_url_of, the_connection, with_links
from instep.store import item_queries, lane_queries, queries


def plan_booking(account_id: int, booking_key: int) -> dict[str, Any]:
    """The plan document of a booking on the account's connection.

    Raises `InputError` when nothing is connected, and the CRM's own errors when it cannot be read.
    """
    lane = open_lane(account_id, the_connection(account_id))
    work = _work(lane, booking_key)
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
    lane_queries.count_calls(lane.account_id, lane.id, len(lane.crm.calls) - before, 0)
    return with_links(plan_document(batch.items[0], Cost(cost)), record_url_of(account_id, lane.id))


def _work(lane: Lane, booking_key: int) -> Work:
    row = item_queries.item_of(lane.account_id, lane.id, "booking", booking_key)
    if row is not None:
        return load(lane, [row]).works[0]
    booking = queries.load_bookings(lane.account_id, [booking_key])[booking_key]
    contact_key = item_queries.contact_of_booking(lane.account_id, booking_key)
    contacts = queries.load_contacts(lane.account_id, [contact_key] if contact_key else [])
    contact = contacts.get(contact_key) if contact_key else None
    return Work(f"booking:{booking.id}", contact, booking, Link())
