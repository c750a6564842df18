"""Facts and what they add up to: bookings, contacts, hosts, calendars, properties."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instep.store.models.columns import json, tenant, text, unguessable, unique


class Host(models.Model):
    """Somebody who can be booked, known by e-mail. `fields` maps name → [value, order key] as a contact's
    does; `source:USR-1` in it tells which fact last gave this host that id of the source."""

    account = tenant()
    public_id = unguessable("HST")
    email = models.TextField()
    email_key = models.TextField()
    source_ids = ArrayField(models.TextField(), default=list, db_default=[])
    name = text()
    time_zone = text()
    fields = json()
    from_source = text()
    #: when this host can be booked here: a `core.booking_calendar.WeeklyHours` document, {} for not at all
    weekly_hours = json()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "host"
        constraints = [unique("host_email", "email_key"), unique("host_public_id", "public_id")]


class HostMention(models.Model):
    """An address or id that might be a booking's host: once it is known the booking is derived again."""

    account = tenant()
    mention = models.TextField()
    source = models.TextField()
    booking_source_id = models.TextField()

    class Meta:
        db_table = "host_mention"
        constraints = [unique("host_mention_once", "mention", "source", "booking_source_id")]


class Calendar(models.Model):
    """A booking calendar. One that an event names is made on first sight, unpublished.

    Those made here have source `instep` and can be booked at `/b/<slug>` while they are published; `rules` is
    a `core.booking_calendar.Rules` document.
    """

    account = tenant()
    source = models.TextField()
    source_id = models.TextField()
    name = text()
    name_stamp = text()
    published = models.BooleanField(default=False, db_default=False)
    note = text()
    slug = text()
    rules = json()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "calendar"
        constraints = [
            unique("calendar_source_id", "source", "source_id"),
            # a guest knows no account: it is learned from the slug
            models.UniqueConstraint(fields=["slug"], name="calendar_slug", condition=~Q(slug="")),
        ]


class CalendarHost(models.Model):
    """A host who takes the bookings of a calendar; among several the lowest `priority` is asked first."""

    account = tenant()
    calendar = models.ForeignKey(Calendar, models.CASCADE, db_index=False)
    host = models.ForeignKey(Host, models.CASCADE, db_index=False)
    priority = models.IntegerField(default=1, db_default=1)

    class Meta:
        db_table = "calendar_host"
        constraints = [unique("calendar_host_once", "calendar", "host")]
        indexes = [models.Index(fields=["account", "host"], name="calendar_host_host")]


class BookedTime(models.Model):
    """The time that a booking made here takes from a host, buffers included: [start_at, end_at).

    The database refuses two active rows of one host that overlap (constraint `booked_time_no_overlap`); whoever
    writes here holds the hosts' advisory locks, taken in ascending order, or writers deadlock.
    """

    account = tenant()
    booking_source_id = models.TextField()
    host = models.ForeignKey(Host, models.CASCADE, db_index=False)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "booked_time"
        constraints = [unique("booked_time_booking", "booking_source_id")]
        indexes = [models.Index(fields=["account", "host", "start_at"], name="booked_time_start")]


class ProvisionalBooking(models.Model):
    """A booking that waits for its CRM's yes, at most until `until_at`: whoever deletes the row has decided."""

    account = tenant()
    booking_source_id = models.TextField()
    until_at = models.DateTimeField()

    class Meta:
        db_table = "provisional_booking"
        constraints = [unique("provisional_booking_once", "booking_source_id")]


class Contact(models.Model):
    """A person who books. `fields` is a map name → [value, order key]: the value of the newest fact wins.

    Identity is `email_key`, else `mobile_key` (E.164, kept only for people who never gave an
    address), else `identity_booking`, the id of the only booking that they are known by.
    """

    account = tenant()
    public_id = unguessable("CTC")
    email = text()
    email_key = text()
    mobile_key = text()
    identity_booking = text()
    fields = json()
    version = models.BigIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "contact"
        constraints = [
            unique("contact_email", "email_key", when=~Q(email_key="")),
            unique("contact_mobile", "mobile_key", when=~Q(mobile_key="")),
            unique("contact_booking", "identity_booking", when=~Q(identity_booking="")),
            unique("contact_public_id", "public_id"),
        ]


class ContactFormerEmail(models.Model):
    """An address that a person had before somebody edited it: facts that name it still speak of him."""

    account = tenant()
    email_key = models.TextField()
    contact = models.ForeignKey(Contact, models.CASCADE, db_index=False)

    class Meta:
        db_table = "contact_former_email"
        constraints = [unique("contact_former_email_once", "email_key")]
        indexes = [models.Index(fields=["account", "contact"], name="contact_former_email_contact")]


class Booking(models.Model):
    """What the facts of one booking add up to. `state` is the whole `core.booking.Booking`; see `convert`."""

    account = tenant()
    source = models.TextField()
    source_id = models.TextField()
    status = models.TextField()
    detail = text()
    subject = text()
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    host = models.ForeignKey(Host, models.PROTECT, null=True, db_index=False)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, db_index=False)
    calendar = models.ForeignKey(Calendar, models.PROTECT, null=True, db_index=False)
    state = models.JSONField()
    active = models.BooleanField(default=True, db_default=True)
    in_trash = models.BooleanField(default=False, db_default=False)
    version = models.BigIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "booking"
        constraints = [unique("booking_source_id", "source", "source_id")]
        indexes = [
            models.Index(fields=["account", "-start_at", "-id"], name="booking_start"),
            models.Index(fields=["account", "host", "start_at"], name="booking_host"),
            models.Index(fields=["account", "contact"], name="booking_contact"),
            # what the timer looks for: meetings made here that have ended
            models.Index(
                fields=["account", "end_at"], name="booking_ending", condition=Q(active=True, source="instep")
            ),
        ]


class Fact(models.Model):
    """One event as it came. Facts of a booking are ordered by updated_at, created_at, rank, envelope_id."""

    account = tenant()
    source = models.TextField()
    envelope_id = models.TextField()
    booking_source_id = models.TextField()
    kind = models.TextField()
    updated_at = models.DateTimeField()
    created_at = models.DateTimeField()
    rank = models.SmallIntegerField()
    email_key = text()
    mobile_key = text()
    raw = models.JSONField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "fact"
        constraints = [unique("fact_once", "source", "envelope_id")]
        indexes = [
            models.Index(fields=["account", "source", "booking_source_id"], name="fact_booking"),
            models.Index(
                fields=["account", "mobile_key", "updated_at", "created_at", "rank", "envelope_id"],
                name="fact_mobile",
                condition=~Q(mobile_key=""),
            ),
            models.Index(fields=["account", "email_key"], name="fact_email", condition=~Q(email_key="")),
        ]


class SetAside(models.Model):
    """An event that could not be used, with the reason; nothing that arrives is lost."""

    account = tenant()
    source = models.TextField()
    code = text()
    reason = models.TextField()
    raw = models.TextField()
    digest = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "set_aside"
        # the same line handed in again is kept once
        constraints = [unique("set_aside_once", "source", "digest")]
        indexes = [models.Index(fields=["account", "-at"], name="set_aside_at")]


class Property(models.Model):
    """A custom property, made by an admin or recorded when an event first names it.

    `type` is one of `core.catalogue.TYPES`; an event's own are text or multi. An archived one is offered no more.
    """

    account = tenant()
    object = models.TextField()
    identifier = models.TextField()
    label = models.TextField()
    type = models.TextField(default="text", db_default="text")
    description = text()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property"
        constraints = [unique("property_identifier", "object", "identifier")]
