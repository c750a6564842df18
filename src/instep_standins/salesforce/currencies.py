"""Multi-currency: the org's currencies, and the field by which a record names one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .schema import Choice, Field

if TYPE_CHECKING:
    from .org import Org

_HELD_BY = ("Account", "Case", "Contact", "Event", "Lead", "User")
CORPORATE = "EUR"
_FIRST = ((CORPORATE, 1.0, True), ("USD", 1.08, False), ("DKK", 7.46, False))


def active(org: "Org") -> list[str]:
    rows = org.tables.rows("CurrencyType").values()
    return [row["IsoCode"] for row in rows if row.get("IsActive")]


def fields(org: "Org") -> Iterator[tuple[str, Field]]:
    """CurrencyIsoCode wherever records are, and a user's own default."""
    choices = tuple(Choice(code, code, code == CORPORATE) for code in active(org) or [c[0] for c in _FIRST])
    for name in _HELD_BY:
        yield name, Field(
            "CurrencyIsoCode", "picklist", 255, "Currency ISO Code", defaulted=True, permissionable=False,
            restricted=True, choices=choices,
        )  # fmt: skip
    yield "User", Field(
        "DefaultCurrencyIsoCode", "picklist", 255, "Default Currency ISO Code", defaulted=True, permissionable=False,
        restricted=True, choices=choices,
    )  # fmt: skip


def first(org: "Org") -> None:
    """The currencies of an org that has just become one of several."""
    if not org.tables.rows("CurrencyType"):
        for code, rate, corporate in _FIRST:
            org.insert("CurrencyType", {
                "IsoCode": code, "ConversionRate": rate, "DecimalPlaces": 2, "IsActive": True, "IsCorporate": corporate,
            })  # fmt: skip


def own(org: "Org", user_id: str) -> str:
    """The currency of a user's new records."""
    user = org.tables.get("User", user_id) or {}
    return str(user.get("DefaultCurrencyIsoCode") or CORPORATE)
