"""How patient the engine is. Seconds everywhere; each value can be set in the environment for operators."""

from __future__ import annotations

import os
import random

from attrs import field, frozen


def _seconds(name: str, default: float) -> float:
    return float(os.environ.get(f"INSTEP_ENGINE_{name}", default))


@frozen
class Policy:
    """Pauses and limits of a drain."""

    #: how long one drain works before it lets others have the worker
    time_slice: float = field(factory=lambda: _seconds("TIME_SLICE", 30))
    #: first pause after a failure; doubled each time
    backoff: float = field(factory=lambda: _seconds("BACKOFF", 2))
    #: longest pause between tries of one item or of an unreachable CRM
    backoff_max: float = field(factory=lambda: _seconds("BACKOFF_MAX", 900))
    #: pause of a connection whose daily quota is used up when the CRM names no time
    quota_probe: float = field(factory=lambda: _seconds("QUOTA_PROBE", 900))
    #: how often a record that only a person can cure is tried again by itself
    admin_retry: float = field(factory=lambda: _seconds("ADMIN_RETRY", 6 * 3600))
    #: after an unknown outcome the records are read once more this long afterwards: late effects
    verify_after: float = field(factory=lambda: _seconds("VERIFY_AFTER", 150))
    #: age at which describes and users are read again
    refresh_after: float = field(factory=lambda: _seconds("REFRESH_AFTER", 24 * 3600))
    #: how long an unknown host's address is not asked for again
    unknown_host_for: float = field(factory=lambda: _seconds("UNKNOWN_HOST_FOR", 600))
    #: most records of a batch; the CRM's collections hold 200
    batch_max: int = 200
    #: successes at a reduced batch size before it grows again
    grow_after: int = 20
    #: rounds of writing and reacting within one batch
    rounds: int = 8

    def pause(self, attempts: int) -> float:
        """The pause before try number `attempts` + 1, with jitter so that lanes do not march in step."""
        base = min(self.backoff * 2 ** min(max(attempts - 1, 0), 20), self.backoff_max)
        return base * random.uniform(0.8, 1.2)  # noqa: S311 - spreading load, not a secret
