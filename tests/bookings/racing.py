"""A harness for races: many clients, each with a connection of its own, start each round at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

#: a client's try: (round, client) → whether it won
Try = Callable[[int, int], bool]


def race(attempt: Try, clients: int, rounds: int) -> list[int]:
    """How many clients won each round. What a client raises ends the race and is raised here."""
    winners = [0] * rounds
    counting = threading.Lock()
    failures: list[BaseException] = []
    start = threading.Barrier(clients)

    def run(client: int) -> None:
        try:
            for number in range(rounds):
                start.wait(timeout=120)
                if attempt(number, client):
                    with counting:
                        winners[number] += 1
        except BaseException as error:  # the thread's own end must reach the test
            failures.append(error)
            start.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    real = [error for error in failures if not isinstance(error, threading.BrokenBarrierError)]
    if failures:
        raise (real or failures)[0]
    return winners
