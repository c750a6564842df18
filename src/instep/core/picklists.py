"""Choosing from a CRM's lists: by value or by label, one or several, and lists that follow another field.

Source: Salesforce 2.3. A dependent value says in a bit map with which values of its controlling field it goes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from instep.core.crm_schema import Field, PicklistValue


def valid_for(bits: str | None) -> frozenset[int] | None:
    """The places in the controlling list that a `validFor` bit map (base64, first bit first) names.

    None where there is no map: such a value goes with everything.
    """
    if not bits:
        return None
    try:
        raw = base64.b64decode(bits, validate=True)
    except (binascii.Error, ValueError):
        return None
    return frozenset(
        place * 8 + bit for place, byte in enumerate(raw) for bit in range(8) if byte & (0x80 >> bit)
    )


def option_of(text: str, target: Field) -> PicklistValue | None:
    """The active value that a text means: its value in any case, else its label, else None."""
    wanted = text.strip().casefold()
    by_label = None
    for option in target.picklist:
        if not option.active:
            continue
        if option.value.casefold() == wanted:
            return option
        if by_label is None and option.label.casefold() == wanted:
            by_label = option
    return by_label


def is_retired(text: str, target: Field) -> bool:
    """Whether a text means a value that was taken out of use; a list that takes anything has such, too."""
    wanted = text.strip().casefold()
    named = [o for o in target.picklist if wanted in (o.value.casefold(), o.label.casefold())]
    return bool(named) and not any(option.active for option in named)


def not_a_choice(text: str, target: Field) -> str:
    """Why a value cannot be chosen, in words: it was retired, or it never was one."""
    said = f"{target.label}: “{text[:80]}” is "
    return said + ("no longer an active value." if is_retired(text, target) else "not one of its values.")


def leads_back(target: Field, old: Any, new: Any) -> bool:
    """Whether a value stands before the present one in the field's list; unknown ones stand nowhere."""
    places = {option.value: place for place, option in enumerate(target.picklist)}
    return str(new) in places and places[str(new)] < places.get(str(old), -1)


def clash(target: Field, value: Any, controller: Field, controlling: Any) -> str:
    """Why a dependent value does not go with what its controlling field will say; empty where it does.

    A controlling value that is blank here erases nothing there, so that it says nothing of the record's own.
    """
    place = _place(controller, controlling)
    if place is None:
        return ""
    wrong = [part for part in _parts(target, value) if not _goes(target, part, place)]
    if not wrong:
        return ""
    return f"{target.label}: “{wrong[0][:80]}” does not go with “{controlling}” in {controller.label}."


def agreeing(target: Field, text: str, controller: Field, controlling: Any) -> str:
    """Another value that a text may mean and that goes with the controlling one (codes of states repeat); or empty."""
    place, wanted = _place(controller, controlling), text.strip().casefold()
    found = (
        option.value
        for option in target.picklist
        if option.active
        and wanted in (option.value.casefold(), option.label.casefold())
        and (option.valid_for is None or place in option.valid_for)
    )
    return next(found, "")


def _parts(target: Field, value: Any) -> Iterable[str]:
    return str(value).split(";") if target.type == "multipicklist" else (str(value),)


def _goes(target: Field, value: str, place: int) -> bool:
    same = [option for option in target.picklist if option.value == value]
    # a value that is in no list (an open one takes any text) is controlled by nothing
    return not same or any(option.valid_for is None or place in option.valid_for for option in same)


def _place(controller: Field, controlling: Any) -> int | None:
    """Where the controlling field's value stands in its list; a checkbox has no and yes, in this order."""
    if controller.type == "boolean":
        return int(bool(controlling))
    if controlling in (None, ""):
        return None
    wanted = str(controlling)
    return next((at for at, option in enumerate(controller.picklist) if option.value == wanted), -1)
