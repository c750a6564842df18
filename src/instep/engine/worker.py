"""A worker process: procrastinate's loop, and beside it the sweep that repairs what others left."""

from __future__ import annotations

import asyncio
import gc
import signal
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import DatabaseError

from instep.engine import clock, jobs, mailing, recover, strict, watch
from instep.store import credentials, queries, statements

log = structlog.get_logger(__name__)

#: how often finished jobs are deleted and partitions made ahead, in seconds
_HOUSEKEEPING = 24 * 3600
#: how often connections are looked for whose setup nobody has looked at for a day
_WATCHING = 300.0
#: how often garbage is looked for among all that lives
_THOROUGH = 60.0


def run(concurrency: int = 4) -> None:
    """Work until SIGINT or SIGTERM; `concurrency` connections are drained at the same time."""
    # What is loaded by now stays for good, and a batch makes ten thousands of values that die by themselves: looking
    # among them for what holds itself, at Python's own pace, takes a sixteenth of a busy worker. The sweep looks.
    gc.freeze()
    gc.disable()
    asyncio.run(_run(concurrency))


async def _run(concurrency: int) -> None:
    loop = asyncio.get_running_loop()
    # sync tasks share asyncio's small default pool otherwise
    loop.set_default_executor(ThreadPoolExecutor(concurrency + 4, thread_name_prefix="drain"))
    app = jobs.make_app(concurrency + 4)
    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(
                queues=[jobs.QUEUE],
                concurrency=concurrency,
                wait=True,
                fetch_job_polling_interval=recover.BEAT,
                listen_notify=True,
                delete_jobs="successful",
                install_signal_handlers=False,
                update_heartbeat_interval=recover.BEAT,
                stalled_worker_timeout=recover.STALLED_AFTER,
                # shorter than the supervisor waits before it kills
                shutdown_graceful_timeout=6,
            )
        )
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, _stop, working)
        beside = [asyncio.create_task(_keep_sweeping()), asyncio.create_task(_keep_mailing())]
        try:
            await working
        except asyncio.CancelledError:
            log.info("worker.stopped")
        finally:
            for task in beside:
                task.cancel()


def _stop(working: asyncio.Task[None]) -> None:
    jobs.stop_soon()
    working.cancel()


async def _keep_sweeping() -> None:
    tidied = -_HOUSEKEEPING
    turn = 0.0
    while True:
        try:
            watching = turn % _WATCHING < recover.BEAT
            collect_garbage(thoroughly=turn % _THOROUGH < recover.BEAT)
            await asyncio.to_thread(_once, turn - tidied >= _HOUSEKEEPING, watching)
            if turn - tidied >= _HOUSEKEEPING:
                tidied = turn
        except Exception as error:
            # whatever it was: lanes and meetings of all accounts hang on the next turn
            _say_failed("worker.sweep_failed", error)
        await asyncio.sleep(recover.BEAT)
        turn += recover.BEAT


def collect_garbage(*, thoroughly: bool) -> None:
    """Let go of values that hold each other: those of the last seconds, or among all that lives."""
    gc.collect(2 if thoroughly else 1)


async def _keep_mailing() -> None:
    """Beside the sweep and not in it: a mail server may take its time."""
    while True:
        try:
            await asyncio.to_thread(_mail)
        except Exception as error:
            _say_failed("worker.mailing_failed", error)
        await asyncio.sleep(recover.BEAT)


def _say_failed(event: str, error: Exception) -> None:
    """A database that is away is told in a line; anything else is a mistake of ours, told with its place."""
    log.warning(event, error=str(error), exc_info=not isinstance(error, DatabaseError))


def _mail() -> None:
    try:
        mailing.deliver_due()
        mailing.tell_alerts()
        mailing.tell_stops()
    finally:
        statements.rest_connection()


def _once(housekeeping: bool, watching: bool = False) -> None:
    try:
        recover.free_stalled_jobs()
        recover.sweep()
        clock.complete_due()
        strict.settle_overdue()
        if watching:
            watch.check_due()
        if housekeeping:
            recover.tidy()
            credentials.forget_removed()
            queries.make_partitions()
    finally:
        statements.rest_connection()
