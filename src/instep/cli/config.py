"""`instep config`: the whole configuration of a connection as a YAML file, out and in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from instep.cli.options import Home, Json, print_json
from instep.core.errors import InputError

_HEAD = """\
# Instep's configuration of this connection. Change it and run: instep config apply FILE
#   new_contacts          Lead or Contact: what a person becomes whom the CRM does not know
#   always_write          true: rows with overwrite win over a human's later value in the CRM
#   batches_in_flight     1 to 5
#   deleted_event         recreate or leave: an Event that a human deleted, at the booking's next change
#   api_reserve_percent   share of the CRM's daily API calls that is never used
#   mapping               by object: source (a field, static:VALUE or null), field, overwrite (people only), fallback
"""


def register(app: typer.Typer) -> None:
    config = typer.Typer(help="The configuration as a YAML file.", rich_markup_mode=None)
    config.command("export", epilog="Example: instep config export instep.yaml")(export)
    config.command("apply", epilog="Example: instep config apply instep.yaml")(apply)
    app.add_typer(config, name="config")


File = Annotated[str, typer.Argument(help="A YAML file; - is standard output or input.")]


def export(file: File = "-", home: Home = None, as_json: Json = False) -> None:
    """Write the configuration of the connection to a file; secrets are not part of it."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.lane import config_document, the_connection

        row = the_connection(ensure_account().id)
        document = {row["vendor"]: config_document(row)}
    text = _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    if as_json:
        print_json(document)
    elif file == "-":
        print(text, end="")
    else:
        Path(file).write_text(text, encoding="utf-8")
        print(f"Written to {file}.")


def apply(file: File, home: Home = None, as_json: Json = False) -> None:
    """Check a configuration against the live CRM and apply it; every booking is compared again.

    Keys that are left out stay as they are; an object that is listed gets exactly the rows listed.
    """
    from instep.ops.boot import boot

    document = _read(file)
    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.lane import the_connection

        account_id = ensure_account().id
        warnings = [
            warning
            for vendor, part in document.items()
            for warning in _applied(account_id, the_connection(account_id, vendor), part)
        ]
    if as_json:
        print_json({"applied": list(document), "warnings": warnings})
        return
    print(f"Applied to {', '.join(document)}; every booking is compared again with the next sync.")
    for warning in warnings:
        print(f"Mind: {warning}")


def _applied(account_id: int, row: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Apply the part of one connection; what it cures is no problem any more. What an admin may not expect."""
    from instep.engine.connection import reconsider
    from instep.engine.lane import apply_config

    warnings = apply_config(account_id, row, document)
    reconsider(account_id, int(row["id"]))
    return warnings


def _read(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.", code="FILE")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text.", code="FILE", cure="Save it as UTF-8.")
    except yaml.YAMLError as error:
        raise InputError(f"{file} is not YAML: {' '.join(str(error).split())}", code="YAML")
    if not isinstance(document, dict) or not all(isinstance(p, dict) for p in document.values()):
        raise InputError(
            f"{file} holds no configuration.", code="CONFIG", cure="Start from `instep config export`."
        )
    return document
