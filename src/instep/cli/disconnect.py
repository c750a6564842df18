"""`instep disconnect`: stop writing to a CRM and forget its secrets; the setup stays."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json
from instep.core.errors import InputError


def register(app: typer.Typer) -> None:
    app.command("disconnect", epilog="Example: instep disconnect salesforce --org 00D5g000004AbCdEAK --json")(
        disconnect
    )


def disconnect(
    vendor: Annotated[str, typer.Argument(metavar="CRM", help="Which CRM, like salesforce.")],
    org: Annotated[
        str, typer.Option("--org", help="The org's id; needed where several orgs of it are connected.")
    ] = "",
    remove_setup: Annotated[
        bool,
        typer.Option(
            "--remove-setup",
            help="Remove mapping, rules and chosen hosts too; they can be restored for 30 days.",
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Disconnect a CRM: its tokens are revoked there where possible, and deleted here.

    Mapping, rules, links and receipts are kept, unless --remove-setup says otherwise; connecting the same org
    again goes on with them.
    """
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.crm.vendors import vendor_of
        from instep.engine.connecting import disconnect as end
        from instep.store import lane_queries

        account_id = ensure_account().id
        vendor_of(vendor)
        row = _chosen(lane_queries.connections(account_id), vendor, org)
        done = end(account_id, row, remove_setup=remove_setup)
    answer = {
        "connection": done.public_id,
        "org_id": row["org_id"],
        "org": row["name"],
        "revoked": done.revoked,
        "problem": done.problem,
        "by_hand": done.by_hand,
        "cure": done.cure,
        "setup_removed": remove_setup,
    }
    print_json(answer) if as_json else _say(answer)


def _chosen(rows: list[dict[str, Any]], vendor: str, org: str) -> dict[str, Any]:
    """The one connection that is meant. Raises `InputError` where it is none or several."""
    # an id may be written with 15 characters or 18
    meant = [r for r in rows if r["vendor"] == vendor and (not org or r["org_id"][:15] == org[:15])]
    if not meant:
        raise InputError(
            f"No org {org} of {vendor} is connected." if org else f"No {vendor} is connected.",
            code="NOT_CONNECTED",
            cure="`instep doctor` lists the connections.",
        )
    if len(meant) > 1:
        named = ", ".join(f"{r['org_id']} ({r['name']})" for r in meant)
        raise InputError(f"Several orgs are connected: {named}.", code="SEVERAL", cure="Name one with --org.")
    return meant[0]


def _say(answer: dict[str, Any]) -> None:
    kept = "Links and receipts" if answer["setup_removed"] else "Mapping, rules, links and receipts"
    print(f"Disconnected {answer['org']} ({answer['org_id']}). {kept} are kept.")
    if answer["setup_removed"]:
        print("Mapping, rules and chosen hosts are removed; the connection's page restores them for 30 days.")
    if answer["revoked"]:
        print("The CRM has forgotten the tokens; they are deleted here too.")
    elif answer["by_hand"]:
        print(f"The key is deleted here. {answer['problem']} {answer['cure']}")
    else:
        why = answer["problem"] or "there was none."
        print(f"The tokens are deleted here; the CRM could not be told to forget them: {why}")
