"""The portal's own pages: which address is which page."""

from ..routing import Pages
from .console import faults, frame, lists, record, setup
from .errors import ApiError, no_route

PAGES = Pages(
    ours=r"/$|/(?:o|r|contacts|assets)/|/(?:calls|faults|setup|favicon\.ico)$",
    routes=(
        (r"/", lists.home, None),
        (r"/o/(\w+)", lists.listed, None),
        (r"/r/(\w+)/(\w+)", record.record, record.act),
        (r"/calls", lists.calls, None),
        (r"/setup", setup.setup, setup.act),
        (r"/faults", faults.PAGE.show, faults.PAGE.act),
    ),
    # As the real portal's records are linked.
    linked=r"/contacts/\d+/record/(0-\d+)/(\d+)/?",
    lead=record.linked,
    visit=lambda portal, *asked: frame.Visit(*asked, portal=portal),
    version=frame.version,
    page=frame.page,
    error=ApiError,
    no_asset=no_route,
)
