"""What is wrong with the portal at the moment, and a button for each thing that can go wrong."""

from operator import attrgetter

from ...fault_page import KINDS, FaultPage, Standing
from .. import admin
from ..errors import ApiError
from .frame import page
from .presets import GROUPS, PRESETS

PAGE = FaultPage(
    what="portal",
    of=attrgetter("portal"),
    kinds={
        **KINDS, "limit": "Too many calls", "malformed": "Half an answer", "associations": "Made, but not associated",
    },
    standing=(
        Standing("limit", "The calls of the day are used up", "Give the calls back",
                 lambda settings: settings.dailyUsed >= settings.daily, {"dailyUsed": 0}),
        Standing("token", "The static token is revoked", "Allow it again", attrgetter("tokenRevoked"),
                 {"tokenRevoked": False}),
    ),
    groups=GROUPS,
    presets=PRESETS,
    page=page,
    order=admin.order,
    error=ApiError,
)  # fmt: skip
