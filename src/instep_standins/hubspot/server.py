"""The portal on a port: on a thread for tests, or until a signal for the command line."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from .. import serving
from .app import create_app
from .portal import Portal


@attrs.frozen
class Running(serving.Running):
    """A portal that serves on a thread of its own."""

    portal: Portal


def serve_in_thread(portal: Portal, port: int = 0, tls: tuple[Path, Path] | None = None) -> Running:
    """Serve the portal on 127.0.0.1; port 0 takes a free one. A thread per connection, no limit.

    tls: the PEM files of a certificate and its key; `certificates.make` makes a pair.
    """
    running = serving.serve(create_app(portal), port, tls)
    return Running(running.base_url, running._server, running._thread, portal)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="instep standin hubspot",
        description="A HubSpot portal to try things on. Prints one JSON line with its address and credentials.",
        epilog="Example: instep standin hubspot --port 8020 --data portal.sqlite",
    )
    serving.add_arguments(parser, "the portal")
    parser.add_argument("--token", help="static access token (service key); random on the first start")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0. Exits 1 with a message where the port is taken."""
    options = _arguments(argv)
    portal = Portal(
        options.data, client_id=options.client_id, client_secret=options.client_secret, token=options.token
    )

    def ready(base_url: str, certificate: Path | None) -> None:
        line = {"base_url": base_url, "client_id": portal.client_id, "client_secret": portal.client_secret,
                "token": portal.token}  # fmt: skip
        print(json.dumps(line | ({"certificate": str(certificate)} if certificate else {})), flush=True)

    try:
        return serving.serve_until_stopped(options, create_app(portal), ready)
    finally:
        with portal.lock:
            portal.close()
