"""The org's own pages: which address is which page."""

import re

from ..routing import Pages
from .console import (
    faults,
    frame,
    lists,
    record,
    setup,
    setup_fields,
    setup_org,
    setup_rights,
    setup_rules,
    setup_types,
)
from .errors import ApiError, not_found

PAGES = Pages(
    ours=r"/$|/(?:o|r|setup|lightning|assets)(?:/|$)|/(?:calls|faults|favicon\.ico)$",
    routes=(
        (r"/", lists.home, None),
        (r"/o/(\w+)", lists.listed, None),
        (r"/r/(\w+)", record.record, record.act),
        (r"/calls", lists.calls, None),
        (r"/setup", setup.setup, setup.act),
        *(
            (re.escape(one.PATH), one.show, one.act)
            for one in (setup_org, setup_types, setup_rules, setup_rights)
        ),
        (r"/setup/objects/(\w+)", setup_fields.objects, setup_fields.add_field),
        (r"/setup/objects/(\w+)/(\w+)", setup_fields.field, setup_fields.change_field),
        (r"/faults", faults.PAGE.show, faults.PAGE.act),
    ),
    # As the real org's pages are linked.
    linked=r"/lightning/r/(?:\w+/)?(\w+)/view",
    lead=record.canonical,
    visit=lambda org, *asked: frame.Visit(*asked, org=org),
    version=frame.version,
    page=frame.page,
    error=ApiError,
    no_asset=not_found,
)
