"""What objects and fields the org has, read from the catalogue, and the fields that admins deploy.

Catalogue files hold one object each. First line: name, label, plural, id prefix, object flags. Then a field a line:
    Name | type(length) | flags | Label | details {values}
flags: n nillable, c createable, u updateable, d defaultedOnCreate, i idLookup, p permissionable.
details: -filter -group -sort -aggregate and their + forms where the type's default differs, name, auto, restricted,
polymorphic, prefilter, in=Compound, info=…, rel=Relationship, ->Targets, digits=, precision=p,s, bytes=.
values: `;` between, `*` marks the default, `= label` where the label differs.
"""

import functools
import re
from importlib import resources
from typing import Any

import attrs

OBJECTS = (
    "Account", "AssignmentRule", "BusinessProcess", "Case", "CaseStatus", "Contact", "CurrencyType", "CustomField",
    "DuplicateRule", "EntityDefinition", "Event", "EventRelation", "FieldDefinition", "FieldPermissions", "Group",
    "Lead", "LeadStatus", "ObjectPermissions", "Organization", "PermissionSet", "PermissionSetAssignment", "Profile",
    "QueueSobject", "RecordType", "User", "UserPermissionAccess", "ValidationRule",
)  # fmt: skip
ACTIVITY = "Activity"  # the pseudo-object that custom fields of Event are deployed on

_NOT_GROUPABLE = frozenset(
    {"double", "currency", "percent", "datetime", "address", "location", "combobox", "multipicklist"}
)
_NOT_SORTABLE = frozenset({"address", "multipicklist"})
_NOT_AGGREGATABLE = frozenset({"boolean", "address"})
_LINE = re.compile(r"^(\w+) \| (\w+)\((\d+)\) \| (\S+) \| (.*?) \|\s*([^{]*)(?:\{(.*)\})?$")

RIGHTS = frozenset({"read", "create", "edit", "delete"})
TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "encryptedstring",
        "email",
        "phone",
        "url",
        "picklist",
        "combobox",
        "multipicklist",
    }
)


@attrs.frozen
class Choice:
    value: str
    label: str
    default: bool = False
    active: bool = True  # a retired value stays where it is written, and is offered no more
    valid_for: tuple[str, ...] | None = None  # of a dependent picklist: the controlling values that offer it


@attrs.frozen
class Field:
    """One field; names are those of the describe."""

    name: str
    type: str
    length: int
    label: str
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    id_lookup: bool = False
    permissionable: bool = True
    filterable: bool = True
    groupable: bool = True
    sortable: bool = True
    aggregatable: bool = True
    auto_number: bool = False
    name_field: bool = False
    prefilterable: bool = False
    restricted: bool = False
    polymorphic: bool = False
    compound: str | None = None
    extra_type: str | None = None
    relationship: str | None = None
    targets: tuple[str, ...] = ()
    digits: int = 0
    precision: int = 0
    scale: int = 0
    choices: tuple[Choice, ...] = ()
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    help_text: str | None = None
    own_bytes: int | None = None  # where byteLength is not three times the length
    encrypted: bool = False
    formula: str | None = None  # of a calculated field: read, never stored
    controller: str | None = None  # of a dependent picklist: the field that decides what it offers

    @property
    def byte_length(self) -> int:
        if self.own_bytes is not None:
            return self.own_bytes
        return self.length * 3 if self.is_text else self.length

    @property
    def required(self) -> bool:
        """Universally required, as one reads it from a describe."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def default(self) -> str | None:
        return next((choice.value for choice in self.choices if choice.default and choice.active), None)

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES


@attrs.frozen
class SObject:
    """One object with its fields, standard first; `by_lower` finds them without regard to case."""

    name: str
    label: str
    plural: str
    prefix: str
    flags: frozenset[str]
    fields: dict[str, Field]
    rights: frozenset[str] = RIGHTS  # of the user whose view this is
    by_lower: dict[str, Field] = attrs.field(init=False)
    by_relationship: dict[str, Field] = attrs.field(init=False)
    # Worked out once, because every record written asks for them.
    defaults: dict[str, Any] = attrs.field(init=False)
    required: tuple[Field, ...] = attrs.field(init=False)
    unique: tuple[Field, ...] = attrs.field(init=False)
    auto_numbered: tuple[Field, ...] = attrs.field(init=False)

    @by_lower.default
    def _index_names(self) -> dict[str, Field]:
        return {name.lower(): field for name, field in self.fields.items()}

    @by_relationship.default
    def _index_relationships(self) -> dict[str, Field]:
        return {f.relationship.lower(): f for f in self.fields.values() if f.relationship}

    @defaults.default
    def _find_defaults(self) -> dict[str, Any]:
        values: dict[str, Any] = {f.name: False for f in self.fields.values() if f.type == "boolean"}
        return values | {f.name: f.default for f in self.fields.values() if f.default is not None}

    @required.default
    def _find_required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.required)

    @unique.default
    def _find_unique(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.unique)

    @auto_numbered.default
    def _find_auto_numbered(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.auto_number and f.custom)

    @property
    def writable(self) -> bool:
        return "readonly" not in self.flags

    def with_field(self, field: Field) -> "SObject":
        return attrs.evolve(self, fields={**self.fields, field.name: field})

    def without_field(self, name: str) -> "SObject":
        return attrs.evolve(self, fields={n: f for n, f in self.fields.items() if n != name})


def _choices(text: str | None) -> tuple[Choice, ...]:
    found = []
    for part in (text or "").split("; "):
        if not part:
            continue
        value, _, label = part.partition(" = ")
        default = value.endswith("*")
        value = value.removesuffix("*")
        found.append(Choice(value, label or value, default))
    return tuple(found)


def choices_of(listed: list[dict[str, Any] | str]) -> tuple[Choice, ...]:
    """Picklist values from JSON: texts, or objects with the names of Choice."""
    bodies = [{"value": one} if isinstance(one, str) else one for one in listed]
    return tuple(
        Choice(
            body["value"], body.get("label") or body["value"], bool(body.get("default")),
            bool(body.get("active", True)),
            None if body.get("valid_for") is None else tuple(body["valid_for"]),
        )
        for body in bodies
    )  # fmt: skip


def _differs(words: list[str], name: str, default: bool) -> bool:
    return True if "+" + name in words else False if "-" + name in words else default


def parse_field(line: str) -> Field:
    """One catalogue line as a field. Raises ValueError naming the line where it cannot be read."""
    found = _LINE.match(line)
    if not found:
        raise ValueError(f"Catalogue line is not readable: {line!r}")
    name, kind, length, flags, label, details, values = found.groups()
    words = details.split()
    keyed = dict(word.split("=", 1) for word in words if "=" in word)
    targets = next((word[2:] for word in words if word.startswith("->")), "")
    precision, scale = (keyed.get("precision") or "0,0").split(",")
    return Field(
        name=name, type=kind, length=int(length), label=label,
        nillable="n" in flags, createable="c" in flags, updateable="u" in flags, defaulted="d" in flags,
        id_lookup="i" in flags, permissionable="p" in flags,
        filterable=_differs(words, "filter", True),
        groupable=_differs(words, "group", kind not in _NOT_GROUPABLE),
        sortable=_differs(words, "sort", kind not in _NOT_SORTABLE),
        aggregatable=_differs(words, "aggregate", kind not in _NOT_AGGREGATABLE),
        auto_number="auto" in words, name_field="name" in words, prefilterable="prefilter" in words,
        restricted="restricted" in words, polymorphic="polymorphic" in words,
        compound=keyed.get("in"), extra_type=keyed.get("info") or ("plaintextarea" if kind == "textarea" else None),
        relationship=keyed.get("rel"), targets=tuple(targets.split(",")) if targets else (),
        digits=int(keyed.get("digits", 0)), precision=int(precision), scale=int(scale), choices=_choices(values),
        own_bytes=int(keyed["bytes"]) if "bytes" in keyed else None,
    )  # fmt: skip


def parse_object(text: str) -> SObject:
    head, *lines = text.strip().splitlines()
    name, label, plural, prefix, flags = (part.strip() for part in head.lstrip("# ").split("|"))
    fields = [parse_field(line) for line in lines]
    return SObject(name, label, plural, prefix, frozenset(flags.split()), {f.name: f for f in fields})


@functools.cache
def _standard(name: str) -> SObject:
    folder = resources.files(__package__) / "catalogue"
    return parse_object((folder / f"{name}.txt").read_text("utf-8"))


@functools.cache
def feature_fields(name: str) -> tuple[Field, ...]:
    """The fields of `catalogue/features/<name>.txt`: what a feature of the org adds to an object."""
    folder = resources.files(__package__) / "catalogue" / "features"
    return tuple(parse_field(line) for line in (folder / f"{name}.txt").read_text("utf-8").splitlines())


def load_catalogue() -> dict[str, SObject]:
    """The standard objects, by name; the dictionary is the caller's own."""
    return {name: _standard(name) for name in OBJECTS}
