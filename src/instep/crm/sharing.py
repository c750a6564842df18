"""What a CRM's own pages and mails need to link to a booking page: merge fields and buttons, as data."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class MailLink:
    """A link for one kind of mail template: `ids` maps parameters to merge fields, which the CRM fills in."""

    object: str
    editor: str
    ids: Mapping[str, str]


@frozen
class Button:
    """A button on an object's page. `short` are the ids where the CRM refuses merge fields of other objects.

    `lookup` says that the object first needs a lookup to the person.
    """

    object: str
    label: str
    name: str
    ids: Mapping[str, str]
    short: Mapping[str, str] = field(factory=dict)
    lookup: bool = False
    #: the name that the CRM has for such an object in its setup
    setup: str = ""


@frozen
class Sharing:
    """All of one CRM. `lookup` is label and name of the field that `Button.lookup` speaks of."""

    mails: tuple[MailLink, ...]
    buttons: tuple[Button, ...]
    lookup: tuple[str, str]
