"""What is wrong with the org at the moment, and a button for each thing that can go wrong."""

from operator import attrgetter

from ...fault_page import KINDS, FaultPage, Standing
from .. import admin
from ..errors import ApiError
from .frame import page
from .presets import GROUPS, PRESETS

PAGE = FaultPage(
    what="org",
    of=attrgetter("org"),
    kinds=KINDS,
    standing=(
        Standing("limit", "The API limit is used up", "Give the calls back",
                 lambda settings: settings.apiUsed >= settings.apiMax, {"apiUsed": 0}),
        Standing("credentials", "The app's token is revoked", "Allow it again",
                 lambda settings: not settings.clientCredentials, {"clientCredentials": True}),
    ),
    groups=GROUPS,
    presets=PRESETS,
    page=page,
    order=admin.order,
    error=ApiError,
)  # fmt: skip
