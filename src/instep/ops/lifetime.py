"""How a process makes sure that it does not outlive the one that started it.

Light on imports: every `instep` process calls it first thing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SUPERVISOR_VARIABLE = "INSTEP_SUPERVISOR_PID"

_PR_SET_PDEATHSIG = 1


def die_with_supervisor() -> None:
    """In a child: ask the kernel to kill us when the supervisor dies. Without a supervisor it does nothing.

    Called by the child itself, not between fork and exec, where threads of the supervisor may hold locks.
    """
    named = os.environ.pop(SUPERVISOR_VARIABLE, None)
    if named is None:
        return
    die_with_parent()
    if os.getppid() != int(named):
        # It died before we could ask.
        os._exit(1)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux; elsewhere it does nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
