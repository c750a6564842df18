"""Custom fields of every type that admins make: from a deployed package, from an order, from the Setup page."""

from typing import Any

from .schema import Choice, Field

LARGEST_TEXT = 255
_NEVER_SEARCHED = {"filterable": False, "groupable": False, "sortable": False, "aggregatable": False}
_NUMBER = {"groupable": False, "precision": 18}

# Metadata type → (describe type, length, other describe values)
KINDS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "Text": ("string", 255, {}),
    "TextArea": ("textarea", 255, {"extra_type": "plaintextarea"}),
    "LongTextArea": ("textarea", 32768, {"extra_type": "plaintextarea", **_NEVER_SEARCHED}),
    "Html": ("textarea", 32768, {"extra_type": "richtextarea", **_NEVER_SEARCHED}),
    "EncryptedText": ("encryptedstring", 175, _NEVER_SEARCHED),
    "Email": ("email", 80, {}),
    "Phone": ("phone", 40, {}),
    "Url": ("url", 255, {}),
    "Checkbox": ("boolean", 0, {"nillable": False, "defaulted": True, "aggregatable": False}),
    "Date": ("date", 0, {}),
    "DateTime": ("datetime", 0, {"groupable": False}),
    "Time": ("time", 0, {"groupable": False}),
    "Number": ("double", 0, _NUMBER),
    "Currency": ("currency", 0, _NUMBER),
    "Percent": ("percent", 0, _NUMBER),
    "Picklist": ("picklist", 255, {}),
    "MultiselectPicklist": ("multipicklist", 4099, {"groupable": False, "sortable": False}),
    "Location": ("location", 0, {"createable": False, "updateable": False, "groupable": False, "sortable": False,
                                 "aggregatable": False}),
    "Lookup": ("reference", 18, {}),
    "AutoNumber": ("string", 30, {"createable": False, "updateable": False, "auto_number": True, "nillable": False}),
    "Formula": ("string", 1300, {"createable": False, "updateable": False, "groupable": False}),
}  # fmt: skip
_KEYS = frozenset({"Text", "Number", "Email"})  # what may be unique or an external id
_OWN_LENGTH = frozenset({"Text", "LongTextArea", "Html", "EncryptedText"})
_LATITUDE, _LONGITUDE = "Latitude", "Longitude"


def make(
    name: str, kind: str, label: str, *, length: int | None = None, required: bool = False, unique: bool = False,
    external_id: bool = False, case_sensitive: bool = False, choices: tuple[Choice, ...] = (), restricted: bool = False,
    precision: int = 0, scale: int = 0, help_text: str | None = None, target: str = "",
    formula: str | None = None,
) -> Field:  # fmt: skip
    """A custom field. Raises ValueError with Salesforce's words where there can be no such field."""
    if kind not in KINDS:
        raise ValueError(f"Field type {kind or '(none)'} is not supported")
    if not name.endswith("__c"):
        raise ValueError("Custom field API names must end with __c")
    described, usual, more = KINDS[kind]
    if kind == "Text" and not 1 <= (length or 0) <= LARGEST_TEXT:
        raise ValueError("Length must be between 1 and 255 for field of type Text")
    if (unique or external_id) and kind not in _KEYS:
        raise ValueError(f"Can not specify unique or externalId for a CustomField of type {kind}")
    if not label:
        raise ValueError("Required field is missing: label")
    if "picklist" in described and not choices:
        raise ValueError("A picklist must have at least one value")
    if kind == "Formula" and not formula:
        raise ValueError("Required field is missing: formula")
    if kind not in _OWN_LENGTH:
        length = None
    if kind == "Lookup":
        more = {"targets": (target,), "relationship": name.removesuffix("__c") + "__r"}
    return Field(
        name=name, type=described, length=length or usual, label=label, custom=True, choices=choices,
        restricted=restricted, unique=unique, external_id=external_id, case_sensitive=unique and case_sensitive,
        formula=formula, permissionable=not required, help_text=help_text, scale=scale,
        **{**more, "nillable": more.get("nillable", True) and not required}
        | ({"precision": precision} if precision else {}),
    )  # fmt: skip


def parts_of(field: Field) -> tuple[Field, ...]:
    """The two numbers of a geolocation: they are what is written, the location itself is only read."""
    if field.type != "location":
        return ()
    stem = field.name.removesuffix("__c")
    return tuple(
        Field(
            f"{stem}__{part}__s", "double", 0, f"{field.label} ({part})", custom=True, nillable=field.nillable,
            permissionable=field.permissionable, compound=field.name, precision=18, scale=15, groupable=False,
        )
        for part in (_LATITUDE, _LONGITUDE)
    )  # fmt: skip


def granted_as(name: str) -> str:
    """The field that a permission set names for this one: a geolocation for its parts."""
    for part in (_LATITUDE, _LONGITUDE):
        if name.endswith(f"__{part}__s"):
            return name.removesuffix(f"__{part}__s") + "__c"
    return name


def bounds(field: Field) -> float | None:
    """The largest absolute value of a geolocation's part."""
    if field.name.endswith(f"{_LATITUDE}__s") or field.name.endswith(_LATITUDE):
        return 90
    return 180 if field.name.endswith((f"{_LONGITUDE}__s", _LONGITUDE)) else None
