"""What the page of a connection shows of its setup: rights, fields, mapping and rules, as last seen. No request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen
from django.utils.translation import gettext as _

from instep.core.catalogue import Property, find
from instep.core.crm_schema import ObjectSchema
from instep.core.errors import InstepError
from instep.core.field_validation import Required, required_fields
from instep.core.mapping import Row
from instep.core.rules import SyncConfig, case_calendars, default_config, system_fields
from instep.crm.new_field import NewField
from instep.crm.vendors import Vendor, vendor_of
from instep.engine.lane import MAPPING_SAVED, RULES_SAVED, custom_properties, load_config
from instep.engine.schemas import schemas_of
from instep.engine.watch import HIDDEN, NOT_SEARCHABLE, READ_ONLY
from instep.store import credentials
from instep.web.crm_words import words_of

_RIGHTS = ("read", "create", "edit")


@frozen
class ObjectRights:
    """One object and what the connected user may do with it; None where nobody has looked."""

    name: str
    rights: tuple[tuple[str, bool | None], ...]

    @property
    def missing(self) -> bool:
        """True when a right is known to be missing."""
        return any(given is False for _, given in self.rights)


#: permissions without which nothing can be written, and those that only the installation or a check needs
_NEEDED, _TO_INSTALL = ("ApiEnabled", "EditEvent"), ("CustomizeApplication", "ModifyMetadata")
_TO_CHECK, _HELPFUL, _NEVER = "ViewSetup", "UpdateWithInactiveOwner", "ModifyAllData"


@frozen
class UserRight:
    """A general permission of the connected user: whether it is given, whether it is needed, and what for."""

    label: str
    given: bool
    needed: bool
    why: str

    @property
    def missing(self) -> bool:
        """True when it is needed and not given."""
        return self.needed and not self.given


@frozen
class CreatedField:
    """One field that the connector creates, and whether the connected user sees it; None: nobody has looked.

    `unique`: whether the CRM keeps two records from sharing its value; None where it need not, or nobody has looked.
    """

    object: str
    name: str
    label: str
    seen: bool | None
    unique: bool | None = None


@frozen
class Scope:
    """One scope of a token: whether it is granted, None where the CRM does not tell, and what it is needed for."""

    name: str
    given: bool | None
    needed: bool
    why: str

    @property
    def missing(self) -> bool:
        """True when it is needed and known not to be granted."""
        return self.needed and self.given is False


@frozen
class ClosedField:
    """A field that is needed and cannot be used."""

    object: str
    field: str
    label: str
    why: str
    word: str


@frozen
class MappedField:
    """One row of the mapping, in words."""

    source: str
    label: str
    name: str
    overwrite: bool
    fallback: str
    missing: bool


@frozen
class MappedObject:
    """The mapping of one object; only person objects know Overwrite."""

    name: str
    has_overwrite: bool
    fields: tuple[MappedField, ...]


@frozen
class SignedIn:
    """How a connection signs in, as far as its secrets can be read. `missing_scopes` would stop it."""

    grant: str = ""
    method: Any = ""
    app: str = ""
    address: str = ""
    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()


@frozen
class Setup:
    """All of it. `checked_at` is when the CRM was asked last, `looked_at` when it answered last.

    `error` and `install_error` have message and cure.
    """

    created: tuple[CreatedField, ...]
    objects: tuple[ObjectRights, ...]
    closed: tuple[ClosedField, ...]
    user_rights: tuple[UserRight, ...]
    scopes: tuple[Scope, ...]
    rights_exist: bool | None
    rights_assigned: bool | None
    mapping: tuple[MappedObject, ...]
    #: required fields of new records that nothing fills as it should be
    open_fields: tuple[Required, ...]
    config: SyncConfig
    checked_at: datetime | None
    looked_at: datetime | None
    error: Mapping[str, str] | None
    install_error: Mapping[str, str] | None
    #: whether the CRM has described its objects yet
    described: bool
    #: whether somebody has chosen the mapping, and the rules, be it as they were suggested
    mapping_chosen: bool
    rules_chosen: bool

    @property
    def looked(self) -> bool:
        """True when the rights were looked at."""
        return any(given is not None for one in self.objects for _, given in one.rights)

    @property
    def missing_fields(self) -> int:
        """How many of our fields are known to be missing or hidden."""
        return sum(one.seen is False for one in self.created)

    @property
    def installed(self) -> bool:
        """True when every field of ours is there for the connected user."""
        return all(one.seen for one in self.created)

    @property
    def case_calendars(self) -> int:
        """How many calendars' meetings get a Case."""
        return len(case_calendars(self.config))

    @property
    def missing_rights(self) -> int:
        """How many objects and fields the connected user needs more of."""
        general = sum(one.missing for one in self.user_rights)
        scopes = sum(one.missing for one in self.scopes)
        # what a missing scope takes away is told with the scope
        objects = 0 if scopes else sum(one.missing for one in self.objects)
        return general + scopes + objects + len(self.closed)

    @property
    def not_unique(self) -> bool:
        """True when the CRM took a field of ours that should be unique as a plain one."""
        return any(one.unique is False for one in self.created)


def setup_of(account_id: int, row: dict[str, Any]) -> Setup:
    """The setup of a connection from its row and what is remembered of its CRM."""
    vendor, config = vendor_of(row["vendor"]), load_config(row)
    suggested = default_config(vendor.profile)
    kept, known = row["settings"] or {}, row["installed"] or {}
    fields, objects = known.get("fields") or {}, known.get("objects") or {}
    unique = known.get("unique") or {}
    names = sorted({*objects, *vendor.profile.objects})
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    return Setup(
        created=tuple(_created(one, fields, unique) for one in vendor.creates),
        objects=tuple(_rights(name, objects.get(name)) for name in names),
        closed=tuple(_closed(one, schema) for one in known.get("hidden") or ()),
        user_rights=_user_rights(vendor, known.get("user") or {}),
        scopes=_scopes(vendor, known.get("granted")),
        rights_exist=known.get("permission_set"),
        rights_assigned=known.get("assigned"),
        mapping=_mapping(
            vendor, config, schema, custom_properties(account_id), row["state"] != credentials.DISABLED
        ),
        open_fields=tuple(
            one
            for name in vendor.profile.objects
            if (described := schema.get(name)) is not None
            for one in required_fields(
                described, config.rows.get(name, ()), system_fields(vendor.profile, name)
            )
            if one.is_open
        ),
        config=config,
        checked_at=_moment(known.get("checked_at")),
        looked_at=_moment(known.get("looked_at")),
        error=known.get("error"),
        install_error=known.get("install_error"),
        described=bool(schema),
        mapping_chosen=MAPPING_SAVED in kept or config.rows != suggested.rows,
        rules_chosen=RULES_SAVED in kept or not _as_suggested(config, suggested),
    )


def _as_suggested(config: SyncConfig, suggested: SyncConfig) -> bool:
    """Whether the creation rules are those that Instep begins with; the mapping and strict mode are none."""
    return evolve(config, rows=suggested.rows, strict=suggested.strict) == suggested


def _created(one: NewField, fields: Mapping[str, bool], unique: Mapping[str, bool]) -> CreatedField:
    where = f"{one.object}.{one.name}"
    seen = fields.get(where)
    return CreatedField(
        one.object, one.name, one.label, seen, unique.get(where) if one.unique and seen else None
    )


def _scopes(vendor: Vendor, granted: Sequence[str] | None) -> tuple[Scope, ...]:
    words = words_of(vendor.profile.vendor).scopes
    needed, installing = _("needed for every write"), _("for installing only")
    optional = _("for installing only, where the CRM offers it")
    asked = (
        *((name, True, words.get(name, needed)) for name in vendor.scopes),
        *((name, False, installing) for name in vendor.install_scopes),
        *((name, False, optional) for name in vendor.optional_scopes),
    )
    return tuple(
        Scope(name, None if granted is None else name in granted, is_needed, why)
        for name, is_needed, why in asked
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _user_rights(vendor: Vendor, told: Mapping[str, bool]) -> tuple[UserRight, ...]:
    why = {
        **dict.fromkeys(_NEEDED, _("needed for every write")),
        **dict.fromkeys(
            _TO_INSTALL, _("for installing only; another administrator can deploy the file instead")
        ),
        _TO_CHECK: _("lets Instep see whether its permission set is assigned"),
        _HELPFUL: _("helps where a record's owner is inactive"),
        _NEVER: _("not needed, and never asked for"),
    }
    return tuple(
        UserRight(label, bool(told[name]), name in _NEEDED, why[name])
        for name, label in vendor.user_rights.items()
        if name in told
    )


def _rights(name: str, missing: list[str] | None) -> ObjectRights:
    return ObjectRights(
        name, tuple((right, None if missing is None else right not in missing) for right in _RIGHTS)
    )


def _closed(one: Mapping[str, str], schema: Mapping[str, ObjectSchema]) -> ClosedField:
    words = {
        HIDDEN: _("hidden, or not there"),
        READ_ONLY: _("read-only"),
        NOT_SEARCHABLE: _("encrypted: cannot be searched"),
    }
    return ClosedField(
        one["object"],
        one["field"],
        _label(schema.get(one["object"]), one["field"]),
        one["why"],
        words[one["why"]],
    )


def _label(described: ObjectSchema | None, field: str) -> str:
    found = described.get(field) if described else None
    return found.label if found else field


def _mapping(
    vendor: Vendor,
    config: SyncConfig,
    schema: Mapping[str, ObjectSchema],
    custom: Mapping[str, Property],
    connected: bool,
) -> tuple[MappedObject, ...]:
    persons = {person.name for person in vendor.profile.persons}
    return tuple(
        MappedObject(
            name, name in persons, tuple(_mapped(row, schema.get(name), custom, connected) for row in rows)
        )
        for name, rows in config.rows.items()
    )


def _mapped(
    row: Row, described: ObjectSchema | None, custom: Mapping[str, Property], connected: bool
) -> MappedField:
    prop = find(row.source, custom) if row.source else None
    return MappedField(
        source=prop.label if prop else row.source,
        label=_label(described, row.field),
        name=row.field,
        overwrite=row.overwrite,
        fallback="" if row.fallback is None else str(row.fallback),
        missing=connected and described is not None and described.get(row.field) is None,
    )


def signed_in(account_id: int, row: Mapping[str, Any]) -> SignedIn:
    """How the connection signs in; nothing where it is disconnected or its keys are lost. No secret comes out."""
    try:
        kept = credentials.load(account_id, int(row["id"]))
        tokens = credentials.load_tokens(account_id, int(row["id"])) or {}
    except InstepError:
        return SignedIn()
    scopes = tuple(str(tokens.get("scope") or "").split())
    consent = vendor_of(row["vendor"]).consent
    has = {consent.same_scope.get(scope, scope) for scope in scopes}
    by_browser = kept.get("grant") == "authorization_code"
    key = str(kept.get("client_id") or "")
    return SignedIn(
        grant=str(kept.get("grant") or ""),
        method=words_of(row["vendor"]).grants.get(str(kept.get("grant")), ""),
        # enough to tell two apps apart
        app=f"{key[:8]}…{key[-4:]}" if len(key) > 16 else key,
        address=str(tokens.get("instance_url") or kept.get("url") or ""),
        scopes=scopes,
        missing_scopes=tuple(s for s in consent.scopes if s not in has) if by_browser and scopes else (),
    )
