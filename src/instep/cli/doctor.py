"""`instep doctor`: is everything well, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from attrs import asdict, frozen

from instep.cli.options import Home, Json, print_json
from instep.core.errors import InstepError


@frozen
class Check:
    """One thing looked at: ok, warn or bad, with the cure."""

    name: str
    state: str
    message: str
    cure: str = ""


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog="Example: instep doctor --json")(doctor)


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Look at the database, the workers, each connection and what waits. Exit code 2 when something is bad."""
    from instep.ops.boot import boot

    with boot(home, migrate=True) as booted:
        from instep.bookings.accounts import ensure_account

        account_id = ensure_account().id
        embedded = "embedded" if booted.server is not None else "by DATABASE_URL"
        checks = [
            Check("database", "ok", f"PostgreSQL ({embedded}) answers and the schema is current."),
            Check("home", "ok", f"{booted.settings.home}."),
            *_work(account_id),
            *_mail(account_id),
            *_connections(account_id),
        ]
        bad = any(check.state == "bad" for check in checks)
        if as_json:
            print_json({"ok": not bad, "checks": [asdict(check) for check in checks]})
        else:
            for check in checks:
                mark = {"ok": "ok  ", "warn": "WARN", "bad": "BAD "}[check.state]
                print(f"{mark} {check.name}: {check.message} {check.cure}".rstrip())
        if bad:
            raise typer.Exit(2)


def _work(account_id: int) -> Iterator[Check]:
    from instep.engine import recover
    from instep.store import item_queries

    workers = recover.workers_beating()
    if workers:
        yield Check("workers", "ok", f"{workers} beating.")
    else:
        yield Check("workers", "warn", "None is running.", "Start `instep serve` or `instep worker`.")
    now = item_queries.progress(account_id)
    yield Check("lanes", "ok", f"{now['in_step']} items in step, {now['waiting']} waiting.")
    if now["problems"]:
        yield Check(
            "items", "warn", f"{now['problems']} need you.", "See `instep sync --json`, then the receipts."
        )
    aside = item_queries.count_set_aside(account_id)
    if aside:
        yield Check("events", "warn", f"{aside} could not be used and were kept aside with their reasons.")


def _mail(account_id: int) -> Iterator[Check]:
    from instep.notify import sending
    from instep.store import delivery_queries

    if not sending.is_set_up():
        yield Check(
            "mail",
            "warn",
            "No mail server is set: hosts and guests are told nothing by mail.",
            "Set INSTEP_SMTP_URL and INSTEP_MAIL_FROM.",
        )
        return
    try:
        sending.try_server()
    except InstepError as error:
        yield Check("mail", "bad", error.message, error.cure)
        return
    now = delivery_queries.standing(account_id)
    if now.given_up:
        yield Check(
            "mail", "warn", f"{now.given_up} mails of this week were given up; the last said: {now.error}"
        )
    else:
        yield Check("mail", "ok", f"the mail server answers; {now.waiting} mails wait.")


def _connections(account_id: int) -> Iterator[Check]:
    from instep.store import lane_queries

    rows = lane_queries.connections(account_id)
    if not rows:
        yield Check(
            "connections", "warn", "No CRM is connected.", "Run `instep connect salesforce` or `hubspot`."
        )
    for row in rows:
        yield from _connection(account_id, row)


def _used(used: int | None, allowed: int | None) -> str:
    if used is None:
        return "the CRM does not tell how many API calls are used"
    return f"{used} of {allowed} API calls used today"


def _connection(account_id: int, row: dict[str, Any]) -> Iterator[Check]:
    from instep.engine.lane import open_crm, standing_warnings
    from instep.store import memory_queries

    name = f"{row['vendor']} {row['org_id']}"
    if row["state"] != "connected":
        yield Check(name, "bad", row["hold_reason"] or "disconnected", "Connect it again.")
        return
    if row["hold_code"]:
        yield Check(name, "warn", f"held until {row['held_until']}: {row['hold_reason']}")
    try:
        crm = open_crm(account_id, row)
        identity = crm.whoami()
        missing = crm.preflight()
        warned = standing_warnings(account_id, row)
    except InstepError as error:
        yield Check(name, "bad", error.message, error.cure)
        return
    limits = crm.limits
    yield Check(
        name,
        "ok",
        f"signed in to {identity.org_name} as {identity.username}; {_used(limits.used, limits.allowed)}.",
    )
    hidden = [field for field, seen in missing["fields"].items() if not seen]
    if hidden:
        yield Check(
            name,
            "warn",
            f"These fields are missing or hidden from the connected user: {', '.join(hidden)}.",
            "Connect again with --install, or deploy the fields and assign the permission set.",
        )
    if lacking := missing.get("scopes"):
        yield Check(
            name,
            "bad",
            f"The token lacks the scopes {', '.join(lacking)}.",
            "Grant them. A key has them at once, a sign-in once it is connected again.",
        )
    for warning in warned:
        yield Check(name, "warn", warning)
    refused = memory_queries.count_quarantined(account_id, int(row["id"]))
    if refused:
        yield Check(name, "warn", f"{refused} values were refused and are left out; the receipts say which.")
    for name_of_object, rights in missing["objects"].items():
        if rights:
            yield Check(name, "bad", f"No right to {', '.join(rights)} {name_of_object}.", "Grant it.")
