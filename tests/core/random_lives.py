"""Random mappings, records and lives of bookings, lived against a CRM in memory that watches every write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import define, evolve, field, frozen
from hypothesis import strategies as st

from core.crm import PREFIXES, MemoryCrm, Written
from core.desk import Desk, Item, Planner
from core.lives import HOSTS, booking, contact, step
from core.org import (
    NOW,
    PERSON_TYPE,
    SCHEMA,
    TYPES,
    setting,
    user,
    with_field,
    with_person_accounts,
    without_fields,
)
from instep.core.booking import Booking, Kind
from instep.core.catalogue import STATIC, SYSTEM_PROPERTIES, Property
from instep.core.changes import Verdict
from instep.core.contact import Contact
from instep.core.creation import CASE, CalendarRules, OwnerRule, Ownership, PersonAccounts
from instep.core.crm_schema import ObjectSchema, takes
from instep.core.mapping import Row, convert, is_blank
from instep.core.plan import BatchPlan, plan
from instep.core.rules import check, system_fields
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID
from instep.crm.salesforce.profile import PROFILE

CUSTOM = {
    "contact.custom.team": Property("contact.custom.team", "Contact", "Team", "text", "Custom", True),
    "contact.custom.likes": Property("contact.custom.likes", "Contact", "Likes", "multi", "Custom", True),
    "meeting.custom.topic": Property("meeting.custom.topic", "Meeting", "Topic", "text", "Custom", True),
}
_SOURCES = (*(p for p in SYSTEM_PROPERTIES if p.key != "contact.id"), *CUSTOM.values())


def _choices(object_name: str) -> list[tuple[str, list[str]]]:
    """Every field that a row may fill, with the sources that fit it."""
    own = system_fields(PROFILE, object_name) | {"IsReminderSet", "IsConverted", "MasterRecordId"}
    described = SCHEMA[object_name]
    fields = (f for f in described.fields.values() if f.name not in own)
    found = ((f.name, [p.key for p in _SOURCES if takes(p.type, described, f)]) for f in fields)
    return [(name, [*sources, *_fixed(described, name)]) for name, sources in found if sources]


def _fixed(described: ObjectSchema, name: str) -> list[str]:
    """A static value that the field takes, where there is one."""
    target = described.fields[name]
    values = ("Silver", "7", "2026-12-01", "x@y.example", "yes")
    return [f"{STATIC}{v}" for v in values if not convert(v, target).refused][:1]


OBJECTS = ("Lead", "Contact", "Account", "Case", "Event")
CHOICES = {name: _choices(name) for name in OBJECTS}

_TEXTS = ("", "", "Acme", "acme", "  Two  words ", "12.345", "7", "yes", "2026-12-01", "Gold", "Gamma;Alpha")
_NASTY = ("x" * 300, "Line\none", "<b>&'\"", "\u200fשלום 🎉", "a@b.example", "+1 415 555 0100", "@{x}", "%_'")
TEXTS = st.sampled_from((*_TEXTS, *_NASTY))
LISTS = st.lists(st.sampled_from(["Alpha", "Gamma", "Beta", "other"]), max_size=3, unique=True).map(tuple)
FALLBACKS = st.sampled_from([None, None, None, "Unknown", "0", "no", "2020-01-01", "Silver", "x@y.example"])


@st.composite
def rows(draw: st.DrawFn, object_name: str) -> tuple[Row, ...]:
    """A mapping that an admin could save."""
    fields = draw(st.lists(st.sampled_from(CHOICES[object_name]), max_size=5, unique_by=lambda c: c[0]))
    chosen = {name for name, _ in fields}
    usual = PROFILE.default_rows[object_name] if draw(st.booleans()) else ()
    made = [row for row in usual if row.field not in chosen]
    for name, sources in fields:
        fallback = draw(FALLBACKS)
        if fallback is not None and convert(fallback, SCHEMA[object_name].fields[name]).refused:
            fallback = None
        made.append(Row(draw(st.sampled_from(sources)), name, draw(st.booleans()), fallback))
    return tuple(made)


PEOPLE = ("CTC-1", "CTC-2", "CTC-3")


@st.composite
def people(draw: st.DrawFn, key: str) -> Contact:
    """A contact of ours; the third one has left no address."""
    phone = draw(st.sampled_from(["", "+14155550100", "+351912345678"]))
    person = contact(key, draw(st.sampled_from(["Maria Ortega", "Cher", "Dr. J.  van  Dam"])))
    return evolve(
        person,
        email="" if key == "CTC-3" else person.email,
        phone=phone,
        mobile_phone=phone if key == "CTC-3" else "",
        company=draw(TEXTS),
        job_title=draw(TEXTS),
        custom={"team": draw(TEXTS), "likes": draw(LISTS)},
    )


@frozen
class Existing:
    """A person that somebody else put into the CRM; `converted` is "", "contact" or "lost"."""

    object: str
    email: str
    values: dict[str, str]
    key: str = ""
    converted: str = ""


HUMAN_VALUES = {
    "Title": ["CEO", "Head of  things", ""],
    "Company": ["Globex", "Unspecified"],
    "Phone": ["+14155550100", "(415) 555-0100", ""],
    "Budget__c": ["3.50", ""],
    "Tier__c": ["Gold", ""],
    "Topics__c": ["Gamma;Alpha", ""],
    "Code__c": ["AB", ""],
    "Since__c": ["2020-01-01", ""],
    "Story__c": ["<p>Hi</p>", ""],
}


@st.composite
def human_values(draw: st.DrawFn, object_name: str) -> dict[str, str]:
    """What a human types into some fields."""
    names = [n for n in HUMAN_VALUES if n in SCHEMA[object_name].fields]
    chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    return {name: draw(st.sampled_from(HUMAN_VALUES[name])) for name in chosen}


@st.composite
def existing(draw: st.DrawFn) -> Existing:
    object_name = draw(st.sampled_from(["Lead", "Contact"]))
    email = draw(st.sampled_from(["ctc-1@guest.example", "CTC-1@Guest.Example", "ctc-2@guest.example", ""]))
    key = draw(st.sampled_from(["", "", "", "CTC-1", "CTC-2"]))
    converted = draw(st.sampled_from(["", "", "contact", "lost"])) if object_name == "Lead" else ""
    return Existing(object_name, email, draw(human_values(object_name)), key, converted)


KINDS = (
    Kind.RESCHEDULED,
    Kind.REASSIGNED,
    Kind.CANCELED,
    Kind.COMPLETED,
    Kind.NO_SHOW,
    Kind.NO_SHOW_UNDONE,
)
BOOKINGS = st.integers(0, 3)

CALENDARS = ("BKC-1", "BKC-2")
#: what a link may name: nothing, the n-th record of an object, or what no CRM has
IDS = st.sampled_from([None, None, None, ("lead", 0), ("contact", 0), ("case", 0), ("lead", None)])

OUR_STEPS = st.one_of(
    st.tuples(
        st.just("book"),
        st.sampled_from(PEOPLE),
        st.sampled_from(HOSTS),
        st.sampled_from(("", *CALENDARS)),
        IDS,
    ),
    st.tuples(
        st.just("happens"),
        BOOKINGS,
        st.sampled_from(KINDS),
        st.sampled_from(HOSTS),
        st.sampled_from(["", "Ill", "r" * 300]),
    ),
    st.tuples(st.just("learns"), st.sampled_from(PEOPLE), st.sampled_from(["job_title", "company"]), TEXTS),
    st.tuples(st.just("hires"), st.sampled_from(HOSTS)),
    st.tuples(st.just("syncs"), st.sets(BOOKINGS, min_size=1), st.booleans()),
)
HUMAN_STEPS = st.one_of(
    st.tuples(st.just("edits"), st.integers(0, 3), st.one_of(human_values("Lead"), human_values("Contact"))),
    st.tuples(st.just("moves"), st.integers(0, 3), st.sampled_from(["Here", "There"])),
    st.tuples(st.just("converts"), st.integers(0, 3), st.none() | st.integers(0, 2)),
    st.tuples(st.just("deletes"), st.sampled_from(OBJECTS), st.integers(0, 3)),
    st.tuples(st.just("merges"), st.sampled_from(["Lead", "Contact", "Case", "Account"]), st.integers(0, 1)),
)


OWNERS = {
    "Lead": st.builds(
        OwnerRule, st.sampled_from(Ownership), st.sampled_from([Ownership.HOST, Ownership.RULES])
    ),
    "Contact": st.builds(OwnerRule, st.sampled_from([Ownership.KEEP, Ownership.HOST])),
    "Case": st.builds(
        OwnerRule, st.sampled_from(Ownership), st.sampled_from([Ownership.HOST, Ownership.RULES])
    ),
}
CALENDAR_RULES = st.builds(
    CalendarRules,
    st.sampled_from(["", "Lead", "Contact", "Case", "Case", "none"]),
    st.sampled_from([None, True, False]),
    st.dictionaries(st.sampled_from(OBJECTS), st.just("Partner"), max_size=2),
)


@frozen
class Life:
    """A configuration, a CRM as it was found, and what happens, one thing after the other."""

    org: str
    rows: dict[str, tuple[Row, ...]]
    config: dict[str, Any]
    people: tuple[Contact, ...]
    existing: tuple[Existing, ...]
    companies: tuple[str, ...]
    cases: int
    person_accounts: PersonAccounts
    hosts: tuple[int, ...]
    steps: tuple[tuple[Any, ...], ...]


def lives(steps: st.SearchStrategy[tuple[Any, ...]]) -> st.SearchStrategy[Life]:
    """Lives in which only such steps happen."""
    return st.builds(
        Life,
        st.sampled_from(["installed", "installed", "bare", "demanding", "persons"]),
        st.fixed_dictionaries({name: rows(name) for name in OBJECTS}),
        st.fixed_dictionaries(
            {
                "person_object": st.sampled_from(["Lead", "Contact"]),
                "always_write": st.booleans(),
                "deleted_event": st.sampled_from(["recreate", "leave"]),
                "events": st.sampled_from([True, True, False]),
                "owners": st.fixed_dictionaries({}, optional=OWNERS),
                "record_types": st.dictionaries(
                    st.sampled_from(OBJECTS), st.sampled_from([*TYPES.values()]), max_size=0
                )
                | st.dictionaries(st.sampled_from(OBJECTS), st.just("Partner"), max_size=3),
                "calendars": st.dictionaries(st.sampled_from(CALENDARS), CALENDAR_RULES, max_size=2),
            }
        ),
        st.tuples(*(people(key) for key in PEOPLE)),
        st.lists(existing(), max_size=3).map(tuple),
        st.lists(st.sampled_from(["Acme", "ACME", "Globex"]), max_size=2).map(tuple),
        st.integers(0, 1),
        st.sampled_from(PersonAccounts),
        st.lists(st.integers(0, 2), unique=True).map(tuple),
        st.lists(steps, min_size=1, max_size=10).map(tuple),
    )


LIVES = lives(OUR_STEPS | HUMAN_STEPS)


#: the org with our fields, with person accounts, without them, and with required fields that hardly anybody maps
ORGS = {
    "installed": SCHEMA,
    "persons": with_person_accounts(),
    "bare": {
        **without_fields("Lead", CONTACT_ID),
        "Contact": without_fields("Contact", CONTACT_ID)["Contact"],
        "Event": without_fields("Event", BOOKING_ID)["Event"],
    },
    "demanding": {
        **with_field("Lead", "Budget__c currency cu scale=2"),
        "Contact": with_field("Contact", "Since__c date cu")["Contact"],
        "Event": with_field("Event", "Last_Meeting__c datetime cu")["Event"],
    },
}


class Broken(AssertionError):
    """One of the promises was not kept."""


@define
class World:
    """A life as it is lived, and the promises that every write to the CRM must keep."""

    life: Life
    planner: Planner = plan
    strict: bool = True
    #: whether syncs go from memory where the life asks for it
    one_call: bool = True
    #: when guests and hosts do something: the CRM's own clock goes on with every write, and two ways of writing the
    #: same must not give two lives
    now: datetime = NOW
    bookings: list[tuple[Booking, str]] = field(factory=list)
    people: dict[str, Contact] = field(factory=dict)
    #: (record id, field) → the stand-in that we wrote there
    stand_ins: dict[tuple[str, str], Any] = field(factory=dict)
    crm: MemoryCrm = field(init=False)
    desk: Desk = field(init=False)

    def __attrs_post_init__(self) -> None:
        life = self.life
        users = tuple(user(n, HOSTS[n].email) for n in life.hosts)
        schema = ORGS[life.org]
        self.crm = MemoryCrm(schema)
        config = life.config
        if life.org == "persons":
            types = {**config["record_types"], "PersonAccount": PERSON_TYPE}
            config = {**config, "record_types": types, "person_accounts": life.person_accounts}
        chosen = evolve(setting(life.rows, users, schema, **config), custom=CUSTOM)
        assert not check(chosen.config, PROFILE, schema, CUSTOM)
        self.desk = Desk(self.crm, chosen, self.planner, self.strict)
        self.people = {person.id: person for person in life.people}
        for found in life.existing:
            self._find(found)
        for name in life.companies:
            self.crm.add("Account", Name=name)
        if life.org == "persons":
            who = {"LastName": "Doe", "PersonEmail": "ctc-1@guest.example"}
            self.crm.add("Account", **who, RecordTypeId=PERSON_TYPE)
        for _ in range(life.cases):
            person = next(iter(self.crm.alive("Contact")), {}).get("Id")
            self.crm.add("Case", Subject="Printer on fire", ContactId=person)

    def _find(self, found: Existing) -> None:
        values = {"LastName": "Doe", **({"Company": "Initech"} if found.object == "Lead" else {})}
        keyed = any(r.get(CONTACT_ID) == found.key for r in self.crm.alive(found.object))
        free = found.key and not keyed and self.desk.setting.has(found.object, CONTACT_ID)
        key = {CONTACT_ID: found.key} if free else {}
        record = self.crm.add(found.object, Email=found.email, **{**values, **found.values, **key})
        if found.converted:
            became = self.crm.convert(record)
            if found.converted == "lost":
                self.crm.deleted.add(became)

    def live(self) -> World:
        """Everything that happens, then all in step once more."""
        for name, *details in self.life.steps:
            getattr(self, name)(*details)
        if self.bookings:
            self.syncs({0, 1, 2, 3}, False)
        return self

    # -- what happens ------------------------------------------------------------------------------

    def book(self, person: str, host: Any, calendar: str, named: tuple[str, int | None] | None) -> None:
        if len(self.bookings) < 4:
            made = booking(f"BKNG-{len(self.bookings)}", host, self._later(), custom={"topic": "Pricing"})
            ids = self._named(*named) if named else {}
            made = evolve(made, contact_id=person, calendar=calendar, record_ids=ids)
            self.bookings.append((made, person))

    def _later(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def _named(self, link: str, n: int | None) -> dict[str, str]:
        """A record id as a link names it, with 15 characters."""
        rows = list(self.crm.rows[link.title()])
        if n is None or n >= len(rows):
            return {link: f"{PREFIXES[link.title()]}000000000999"}
        return {link: rows[n][:15]}

    def happens(self, n: int, kind: Kind, host: Any, reason: str) -> None:
        if n < len(self.bookings):
            before, person = self.bookings[n]
            changed = step(before, kind, reason=reason, host=host if kind is Kind.REASSIGNED else None)
            self.bookings[n] = (evolve(changed, updated_at=self._later()), person)

    def learns(self, person: str, name: str, value: str) -> None:
        known = self.people[person]
        # a blank never erases what we know of a contact: that is merged before it comes here
        self.people[person] = evolve(known, **{name: value or getattr(known, name)})

    def edits(self, n: int, values: dict[str, str]) -> None:
        rows = [(o, r) for o in ("Lead", "Contact") for r in self._own(o) if not r.get("IsConverted")]
        if n < len(rows):
            object_name, row = rows[n]
            known = {k: v for k, v in values.items() if k in SCHEMA[object_name].fields}
            self.crm.edit(object_name, row["Id"], **known)

    def moves(self, n: int, where: str) -> None:
        events = self.crm.alive("Event")
        if n < len(events):
            self.crm.edit("Event", events[n]["Id"], Location=where, OwnerId="005000000000077AAA")

    def converts(self, n: int, into: int | None) -> None:
        leads = [r for r in self.crm.alive("Lead") if not r["IsConverted"]]
        contacts = self._own("Contact")
        if n < len(leads):
            known = into is not None and into < len(contacts)
            self.crm.convert(leads[n]["Id"], contacts[into or 0]["Id"] if known else "")

    def deletes(self, object_name: str, n: int) -> None:
        found = self._own(object_name)
        if n < len(found):
            self.crm.deleted.add(found[n]["Id"])

    def _own(self, object_name: str) -> list[dict[str, Any]]:
        """Living records that are nobody's other side, and no person accounts."""
        return [row for row in self.crm.alive(object_name) if not row.get("IsPersonAccount")]

    def merges(self, object_name: str, n: int) -> None:
        found = [r["Id"] for r in self._own(object_name) if not r.get("IsConverted")]
        if len(found) > n + 1:
            self.crm.merge(object_name, found[n], found[n + 1])

    def hires(self, host: Any) -> None:
        users = (user(HOSTS.index(host), host.email),)
        directory = self.desk.setting.directory.with_users(users)
        self.desk.setting = evolve(self.desk.setting, directory=directory)

    def syncs(self, chosen: set[int], from_memory: bool) -> None:
        items: list[Item] = [
            (made, self.people[person]) for n, (made, person) in enumerate(self.bookings) if n in chosen
        ]
        if not items:
            return
        seen = len(self.crm.log)
        before = {email: [row["Id"] for row in self.crm.people(email)] for email in self._emails()}
        batch = None
        if from_memory and self.one_call and self._memory_is_true(items):
            batch = self.desk.sync_from_memory(*items)
        if batch is None:
            batch = self.desk.sync(*items)
        self._keeps_promises(batch, self.crm.log[seen:], before)

    def _memory_is_true(self, items: list[Item]) -> bool:
        """The engine trusts memory only for records that are still there."""
        links = [work.link for work in self.desk.works(items)]
        leads = self.crm.rows["Lead"]
        return not any(
            {record_id for _, record_id in link.records(PROFILE)} & self.crm.deleted
            or leads.get(link.person_id, {}).get("IsConverted")
            for link in links
        )

    # -- what must hold ----------------------------------------------------------------------------

    def _emails(self) -> list[str]:
        return [p.email for p in self.people.values() if p.email]

    def _keeps_promises(self, batch: BatchPlan, log: Sequence[Written], before: dict[str, list[str]]) -> None:
        stand_ins = {
            (w.object, w.id, c.field)
            for w in batch.writes
            for c in w.changes
            if c.stand_in and c.verdict is Verdict.WRITE
        }
        for entry in log:
            self._is_mapped(entry)
            if entry.object != "Event" and not entry.created:
                self._may_change(entry, (entry.object, entry.id, entry.field) in stand_ins)
        self._remember_stand_ins(batch, log)
        self._nothing_twice(log, before)

    def _is_mapped(self, entry: Written) -> None:
        described = self.crm.schema[entry.object]
        allowed = {row.field for row in self._rows_of(entry)}
        allowed |= system_fields(PROFILE, entry.object) | {f.name for f in described.required()}
        if not self.desk.setting.has("Event", BOOKING_ID):
            allowed |= {"Description"}
        if entry.object == "Account":
            allowed |= {"Name", "LastName"}
        if entry.field not in allowed | {"IsReminderSet"}:
            raise Broken(f"{entry}: nobody mapped this field")

    def _may_change(self, entry: Written, is_stand_in: bool) -> None:
        if is_blank(entry.old) or entry.old == entry.new:
            return
        if (
            entry.field == "OwnerId"
            and self.desk.setting.config.owner(entry.object).existing is Ownership.HOST
        ):
            return
        if entry.object == "Case" and self.crm.rows["Case"][entry.id].get(BOOKING_ID):
            return  # a Case that we made mirrors its booking
        row = next((r for r in self._rows_of(entry) if r.field == entry.field), None)
        if row is None:
            raise Broken(f"{entry}: nobody asked for this change")
        ours = self.stand_ins.get((entry.id, entry.field)) == entry.old
        if is_blank(entry.new):
            raise Broken(f"{entry}: a blank erased a value")
        if is_stand_in:
            raise Broken(f"{entry}: a fallback replaced a value")
        if not row.overwrite and not ours:
            raise Broken(f"{entry}: Overwrite is off")

    def _rows_of(self, entry: Written) -> tuple[Row, ...]:
        """The mapping of the record that was written; a person account has that of the Contacts."""
        rows = self.desk.setting.config.rows
        if not self.crm.rows[entry.object][entry.id].get("IsPersonAccount"):
            return rows[entry.object]
        twin = PROFILE.persons[-1].twin
        assert twin is not None
        return tuple(evolve(row, field=twin.field_name(row.field)) for row in rows[twin.of])

    def _remember_stand_ins(self, batch: BatchPlan, log: Sequence[Written]) -> None:
        stood = {(w.object, c.field) for w in batch.writes for c in w.changes if c.stand_in}
        for entry in log:
            if (entry.object, entry.field) in stood:
                self.stand_ins[entry.id, entry.field] = entry.new

    def _nothing_twice(self, log: Sequence[Written], before: dict[str, list[str]]) -> None:
        keys = [row[BOOKING_ID] for row in self.crm.alive("Case") if row[BOOKING_ID]]
        if len(keys) != len(set(keys)):
            raise Broken(f"two Cases of one booking: {keys}")
        names = [row["Name"].lower() for row in self._own("Account")]
        told = [self.crm.rows["Account"][e.id] for e in log if e.object == "Account" and e.created]
        fresh = [row["Name"] for row in told if not row.get("IsPersonAccount")]
        if any(names.count(name.lower()) > 1 for name in set(fresh)):
            raise Broken(f"two Accounts of one name: {names}")
        events = self.crm.alive("Event")
        ids = [e.get(BOOKING_ID) or e["Description"].splitlines()[-1] for e in events]
        if len(ids) != len(set(ids)):
            raise Broken(f"two Events of one booking: {ids}")
        made = {e.id for e in log if e.created and e.object in ("Lead", "Contact")}
        made |= {
            self.crm.rows["Account"][e.id].get("PersonContactId")
            for e in log
            if e.object == "Account" and e.created
        }
        calendars = self.desk.setting.config.calendars.values()
        for email, known in before.items():
            fresh = [row["Id"] for row in self.crm.people(email) if row["Id"] in made]
            # a Case cannot do with a Lead: it gets a Contact
            cased = any(c.links == CASE for c in calendars) or any(
                "case" in b.record_ids for b, _ in self.bookings
            )
            usable = [i for i in known if i.startswith("003") or not cased]
            if len(fresh) > (0 if usable else 1):
                raise Broken(f"persons have the address {email}, and these were made: {fresh}")
