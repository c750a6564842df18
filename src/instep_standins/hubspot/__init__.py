"""A HubSpot portal to try things on.

`Portal` holds it, `create_app` answers for it as a WSGI application, `serve_in_thread` puts it on a port.
"""

from .app import create_app
from .portal import Portal
from .server import serve_in_thread

__all__ = ["Portal", "create_app", "serve_in_thread"]
