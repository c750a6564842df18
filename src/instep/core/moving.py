"""A connection's setup taken to another org of the same CRM: what fits there, what waits, what is left behind.

Record types travel by their developer names, for ids belong to one org (legacy connector: the setup is kept when the
environment changes, reference OnceHub 2.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from attrs import evolve, frozen

from instep.core.catalogue import Property
from instep.core.creation import PersonAccounts
from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.mapping import Row
from instep.core.mapping_check import FALLBACK, row_faults
from instep.core.profile import Profile
from instep.core.rules import SyncConfig, check, system_fields


@frozen
class Misfit:
    """One part of a setup that the other org does not take as it is.

    `waits`: it is kept and takes effect once the org fits; otherwise it is left behind.
    """

    where: str
    why: str
    waits: bool


def moved(
    config: SyncConfig,
    old: Schema,
    new: Schema,
    profile: Profile,
    custom: Mapping[str, Property],
    created: Collection[str] = (),
) -> tuple[SyncConfig, tuple[Misfit, ...]]:
    """The configuration as the new org takes it, and everything that does not fit.

    `created` are the fields ("Event.X") that the installation makes: that they are not there yet is no misfit.
    """
    misfits: list[Misfit] = []
    types = _types("record_types", config.record_types, old, new, profile, misfits)
    calendars = {
        key: evolve(
            rules,
            record_types=_types(
                f"calendars.{key}.record_types", rules.record_types, old, new, profile, misfits
            ),
        )
        for key, rules in config.calendars.items()
    }
    rows = {
        name: tuple(_rows(name, listed, new, profile, custom, created, misfits))
        for name, listed in config.rows.items()
    }
    fitted = evolve(config, record_types=types, calendars=calendars, rows=rows)
    if fitted.person_accounts is not PersonAccounts.NEVER and _says(
        "person_accounts", fitted, new, profile, custom
    ):
        why = "the new org has no person accounts switched on, or none of their record types fits."
        misfits.append(Misfit("person_accounts", why, False))
        fitted = evolve(fitted, person_accounts=PersonAccounts.NEVER)
    told = {misfit.where for misfit in misfits}
    for fault in check(fitted, profile, new, custom, fitted):
        where, _, why = fault.partition(": ")
        if where not in told and not _is_about(where, created):
            misfits.append(Misfit(where, why, True))
    return fitted, tuple(misfits)


def _says(
    part: str, config: SyncConfig, schema: Schema, profile: Profile, custom: Mapping[str, Property]
) -> bool:
    return any(fault.startswith(part) for fault in check(config, profile, schema, custom, config))


def _is_about(where: str, created: Collection[str]) -> bool:
    return where.removeprefix("mapping.") in created


def _types(
    where: str,
    chosen: Mapping[str, str],
    old: Schema,
    new: Schema,
    profile: Profile,
    misfits: list[Misfit],
) -> dict[str, str]:
    fitted: dict[str, str] = {}
    for role, wanted in chosen.items():
        name = profile.object_of(role)
        before, there = old.get(name), new.get(name)
        known = before.record_type(wanted) if before else None
        called = known.developer_name if known and known.developer_name else wanted
        found = there.record_type(called) if there else None
        if found is None or not found.available:
            why = (
                f"the new org has no record type “{called}”."
                if found is None
                else f"the connected user may not use the record type “{found.name}” of the new org."
            )
            misfits.append(Misfit(f"{where}.{role}", why, False))
        else:
            fitted[role] = found.developer_name or found.id
    return fitted


def _rows(
    role: str,
    rows: Iterable[Row],
    new: Schema,
    profile: Profile,
    custom: Mapping[str, Property],
    created: Collection[str],
    misfits: list[Misfit],
) -> Iterable[Row]:
    described: ObjectSchema | None = new.get(role) or new.get(profile.object_of(role))
    for row in rows:
        where = f"mapping.{role}.{row.field}"
        if described is None or described.get(row.field) is None:
            if f"{role}.{row.field}" not in created:
                why = "the new org has no such field, or hides it from the connected user."
                misfits.append(Misfit(where, why, True))
            yield row
            continue
        faults = row_faults(row, described, system_fields(profile, role), profile.label, custom)
        if not faults:
            yield row
            continue
        misfits.append(Misfit(where, faults[0].message, False))
        if row.source and all(fault.part == FALLBACK for fault in faults):
            yield evolve(row, fallback=None)
