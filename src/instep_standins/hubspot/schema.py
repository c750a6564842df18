"""Object types and their properties, as HubSpot defines them and as the portal changes them."""

import re
from functools import cache
from importlib import resources
from typing import Any

import attrs

LAST_CENTURY = "2019-08-06T02:41:09.000Z"  # when HubSpot defined what it defines, as its own answers say

TYPES = {
    "bool": ("booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("booleancheckbox", "checkbox", "radio", "select", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "phone_number": ("phonenumber",),
    "string": ("text", "textarea", "html", "phonenumber", "file", "calculation_equation"),
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
MOST_UNIQUE = 10  # unique properties of one object type


@attrs.frozen
class ObjectType:
    """One kind of record. `created` and `modified` are its stamps; `defaults` are read without being asked for."""

    name: str
    type_id: str
    singular: str
    label: str
    plural: str
    created: str
    modified: str
    defaults: tuple[str, ...]
    required: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    scope: str = ""

    @property
    def constant(self) -> str:
        """As messages write it: CONTACT."""
        return self.singular.upper()


def _type(
    name: str, type_id: str, singular: str, label: str, plural: str, shown: str, **more: Any
) -> ObjectType:
    modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    created = "hs_createdate" if name == "meetings" else "createdate"
    defaults = (*shown.split(), created, modified, "hs_object_id")
    return ObjectType(name, type_id, singular, label, plural, created, modified, defaults, **more)


OBJECT_TYPES = {
    one.name: one
    for one in (
        _type("contacts", "0-1", "contact", "Contact", "Contacts", "email firstname lastname",
              title=("firstname", "lastname"), scope="crm.objects.contacts"),
        _type("companies", "0-2", "company", "Company", "Companies", "name domain", title=("name",),
              scope="crm.objects.companies"),
        _type("deals", "0-3", "deal", "Deal", "Deals", "dealname amount closedate pipeline dealstage",
              required=("dealname", "dealstage", "pipeline"), title=("dealname",), scope="crm.objects.deals"),
        _type("tickets", "0-5", "ticket", "Ticket", "Tickets",
              "subject content hs_pipeline hs_pipeline_stage hs_ticket_category hs_ticket_priority",
              required=("subject", "hs_pipeline", "hs_pipeline_stage"), title=("subject",), scope="tickets"),
        _type("meetings", "0-47", "meeting", "Meeting", "Meetings", "", title=("hs_meeting_title",),
              scope="crm.objects.contacts"),
    )
}  # fmt: skip
_BY_WORD = {word: one for one in OBJECT_TYPES.values() for word in (one.name, one.singular, one.type_id)} | {
    "meeting_event": OBJECT_TYPES["meetings"]
}


def object_type(word: str) -> ObjectType | None:
    """By plural, singular or numeric id."""
    return _BY_WORD.get(word.lower())


@attrs.frozen
class Option:
    value: str
    label: str
    description: str = ""
    displayOrder: int = -1
    hidden: bool = False

    def told(self) -> dict[str, Any]:
        return attrs.asdict(self)


@attrs.frozen
class Property:
    """A property. `kind` is its type; `free` takes values that are no options; `reference` says whose ids it holds."""

    name: str
    kind: str
    field_type: str
    label: str
    group: str
    options: tuple[Option, ...] = ()
    description: str = ""
    unique: bool = False
    read_only: bool = False
    calculated: bool = False
    hidden: bool = False
    form: bool = False
    free: bool = False
    reference: str = ""
    order: int = -1
    own: bool = False  # made in this portal
    archived_at: str | None = None
    created_at: str = LAST_CENTURY
    updated_at: str = LAST_CENTURY

    @property
    def many(self) -> bool:
        """Whether it holds several values, split by semicolons."""
        return self.kind == "enumeration" and self.field_type == "checkbox"

    def told(self, options: tuple[Option, ...] | None = None) -> dict[str, Any]:
        """The definition as the API tells it; `options` in the place of its own ones."""
        owner = self.reference in ("owner", "owners")
        body: dict[str, Any] = {
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field_type,
            "description": self.description, "groupName": self.group,
            "options": [one.told() for one in (self.options if options is None else options)],
            "displayOrder": self.order, "calculated": self.calculated, "externalOptions": owner,
            "archived": self.archived_at is not None, "hasUniqueValue": self.unique, "hidden": self.hidden,
            "hubspotDefined": not self.own, "formField": self.form, "dataSensitivity": "non_sensitive",
            "createdAt": self.created_at, "updatedAt": self.updated_at,
            "modificationMetadata": {
                "archivable": self.own, "readOnlyDefinition": not self.own, "readOnlyValue": self.read_only,
                **({"readOnlyOptions": not self.own} if self.kind == "enumeration" else {}),
            },
        }  # fmt: skip
        if owner:
            body["referencedObjectType"] = "OWNER"
        if self.archived_at:
            body["archivedAt"] = self.archived_at
        return body


def _options(text: str) -> tuple[Option, ...]:
    pairs = [one.partition("=") for one in text.split(";") if one.strip()]
    return tuple(
        Option(value.strip(), (label or value).strip(), "", i) for i, (value, _, label) in enumerate(pairs)
    )


def _property(line: str) -> Property:
    name, kind, label, group, flags, options = ([part.strip() for part in line.split("|")] + [""] * 2)[:6]
    kind, _, field_type = kind.partition("/")
    words = set(flags.split())
    reference = next((word for word in ("owner", "owners", "pipeline", "stage") if word in words), "")
    return Property(
        name, kind, field_type, label, group, _options(options), unique="unique" in words,
        read_only="readonly" in words, calculated="calculated" in words, hidden="hidden" in words,
        form="form" in words, free="free" in words, reference=reference,
    )  # fmt: skip


@cache
def catalogue(name: str) -> tuple[dict[str, Property], dict[str, str]]:
    """(properties, groups' labels) that HubSpot defines for an object type, from `catalogue/<name>.txt`."""
    properties, groups = {}, {}
    for line in (resources.files(__package__) / "catalogue" / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("@"):
            group, _, label = line[1:].partition("|")
            groups[group.strip()] = label.strip()
        elif line.strip() and not line.startswith("#"):
            found = _property(line)
            properties[found.name] = found
    return properties, groups
