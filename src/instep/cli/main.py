"""The command line: one module per command, each with `register(app)`; here is only what they share.

Exit codes: 0 done; 1 a mistake of ours (with a traceback); 2 what a person can cure, in one line on stderr,
or with `--json` as `{"error": {"code": …, "message": …}}` on stdout; 130 after Ctrl-C.
The modules import Django and the engine inside their functions: `instep --help` must not wait for them.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from instep.cli import (
    backup,
    bench,
    bookings,
    calendars,
    config,
    connect,
    demo,
    disconnect,
    doctor,
    ingest,
    migrate,
    plan,
    receipt,
    restore,
    serve,
    standin,
    sync,
    user,
    web,
    webhook,
    worker,
)
from instep.cli.options import Home
from instep.core.errors import InstepError, Retry
from instep.ops.lifetime import die_with_supervisor

_AGAIN = "Check the address and the network, and run the command again."

COMMANDS = (
    demo,
    serve,
    web,
    worker,
    migrate,
    backup,
    restore,
    standin,
    connect,
    disconnect,
    ingest,
    webhook,
    config,
    sync,
    bookings,
    calendars,
    plan,
    receipt,
    doctor,
    user,
    bench,
)


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="instep",
        help="Scheduling whose bookings stay in step with the CRM.",
        epilog="Example: instep serve --port 8000",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def shared(
        home: Home = None,
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
        ] = False,
    ) -> None:
        # `--home` may stand before the command as well as after it; the command's own option wins.
        if home is not None:
            os.environ["INSTEP_HOME"] = str(home)

    for command in COMMANDS:
        command.register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"instep {importlib.metadata.version('instep')}")
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    die_with_supervisor()
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_code_of(given or ["--help"]))


def _code_of(arguments: list[str]) -> int:
    wants_json = "--json" in arguments
    try:
        answer = build()(args=arguments, prog_name="instep", standalone_mode=False)
        return answer if isinstance(answer, int) else 0
    except Retry as error:
        # Its own cure speaks of the lanes, which try again by themselves; a command ends here.
        return _refuse(error.code, f"{error.message} {_AGAIN}", wants_json)
    except InstepError as error:
        return _refuse(error.code, str(error), wants_json)
    except typer.TyperException as error:
        return _refuse("USAGE", f"{error.format_message()} {_where_to_read(error)}", wants_json)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # The reader of our output has left (`instep bookings | head`): nothing more to say, to anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_about_the_connection(error):
            raise
        from instep.ops.logs import hide

        said = " ".join(hide(str(error)).split())
        return _refuse("DATABASE", f"The database does not answer: {said} Check DATABASE_URL.", wants_json)


def _where_to_read(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See `{context.command_path if context else 'instep'} --help`."


def _is_about_the_connection(error: Exception) -> bool:
    """True for a database that cannot be reached; Django wraps psycopg's error as its cause."""
    import psycopg

    return isinstance(error, psycopg.OperationalError) or isinstance(
        error.__cause__, psycopg.OperationalError
    )


def _refuse(code: str, message: str, wants_json: bool) -> int:
    if wants_json:
        print(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    else:
        print(f"instep: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    run()
