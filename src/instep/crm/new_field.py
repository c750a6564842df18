"""A field that a connector makes in a CRM, as data for the pages that speak of the installation."""

from __future__ import annotations

from attrs import frozen


@frozen
class NewField:
    """A field that the connector creates. `for_people`: worth a place on the page layout.

    `unique`: no two records shall share its value, where the CRM can promise that.
    """

    object: str
    name: str
    label: str
    for_people: bool
    unique: bool = False
