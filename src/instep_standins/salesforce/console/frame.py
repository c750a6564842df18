"""What every page of the console has: head, navigation, times, tables, notices, forms."""

import zlib
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import attrs

from ... import pages
from ...markup import Markup, el, said
from ...pages import count, heading, link, live, number, shell
from .. import times

if TYPE_CHECKING:
    from ..org import Org

# The objects with a list, in the order of the navigation.
LISTED = ("Event", "Lead", "Contact", "Account", "Case")
# A page that outlives a restart must not take the new process's version for the old one's.
_RUN = token_hex(4)


@attrs.frozen
class Visit(pages.Visit):
    """One look at a page of the org."""

    org: "Org" = attrs.field(kw_only=True)


def version(org: "Org") -> str:
    """Changes whenever anything that a page shows has changed."""
    told = zlib.crc32(repr((org.faults.told(), org.settings, org.config)).encode())
    return f'"{_RUN}.{org.tables.version}.{org.journal.total}.{org.schema_stamp}.{told:x}"'


def moment(stored: str, precise: bool = False) -> Markup:
    """A stored datetime in UTC; the script turns it to the reader's zone. `precise` shows seconds."""
    try:
        at = times.read_datetime(stored)
    except (TypeError, ValueError):
        # An order may store anything in any field.
        return said(stored)
    return pages.told(at, precise)


def living(org: "Org", name: str) -> int:
    return sum(1 for record in org.tables.rows(name).values() if not record.get("IsDeleted"))


def _navigation(visit: Visit) -> Markup:
    org = visit.org
    objects = [
        link(visit, f"/o/{name}", org.catalogue[name].plural, number(f"n-{name}", living(org, name)))
        for name in LISTED
    ]
    armed = len(org.faults.told()["faults"])
    return el(
        "nav",
        el("ul", link(visit, "/", "Home")),
        el("p", "Records", class_="group"),
        el("ul", *objects),
        el("p", "The org", class_="group"),
        el(
            "ul",
            link(visit, "/calls", "API calls", number("n-calls", org.journal.total)),
            link(visit, "/setup", "Setup"),
            link(visit, "/faults", "Faults", number("n-faults", armed, "number hot" if armed else "number")),
        ),
        aria_label="Org",
        class_="side",
    )


def _usage(org: "Org") -> Markup:
    used, most = org.settings.apiUsed, org.settings.apiMax
    words = f"{count(used)} of {count(most)} API calls used"
    bar = el(
        "meter",
        words,
        min=0,
        max=max(most, 1),
        value=min(used, most),
        high=most * 0.9,
        aria_label="API calls used",
    )
    counted = f"{count(org.journal.counted)} counted since the start"
    return live("usage", bar, el("span", words), el("span", counted, class_="soft"), tag="p", class_="usage")


def page(
    visit: Visit, title: str, *parts: Any, above: Any = None, lead: Any = None, actions: Any = None
) -> str:
    """A whole page of the org."""
    name = str(visit.org.organization["Name"])
    main = [heading(title, above, lead, actions), *parts]
    return shell("Salesforce", name, title, _usage(visit.org), _navigation(visit), main)
