"""The org on a port: on a thread for tests, or until a signal for the command line."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from .. import serving
from .app import create_app
from .org import Org


@attrs.frozen
class Running(serving.Running):
    """An org that serves on a thread of its own."""

    org: Org


def serve_in_thread(org: Org, port: int = 0, tls: tuple[Path, Path] | None = None) -> Running:
    """Serve the org on 127.0.0.1; port 0 takes a free one. A thread per connection, no limit.

    tls: the PEM files of a certificate and its key; `certificates.make` makes a pair.
    """
    running = serving.serve(create_app(org), port, tls)
    return Running(running.base_url, running._server, running._thread, org)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="instep standin salesforce",
        description="A Salesforce org to try things on. Prints one JSON line with its address and credentials.",
        epilog="Example: instep standin salesforce --port 8010 --data org.sqlite",
    )
    serving.add_arguments(parser, "the org")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0. Exits 1 with a message where the port is taken."""
    options = _arguments(argv)
    org = Org(options.data, client_id=options.client_id, client_secret=options.client_secret)

    def ready(base_url: str, certificate: Path | None) -> None:
        line = {"base_url": base_url, "client_id": org.client_id, "client_secret": org.client_secret}
        print(json.dumps(line | ({"certificate": str(certificate)} if certificate else {})), flush=True)

    try:
        return serving.serve_until_stopped(options, create_app(org), ready)
    finally:
        with org.lock:
            org.close()
