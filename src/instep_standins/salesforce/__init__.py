"""A Salesforce org to try things on.

`Org` holds it, `create_app` answers for it as a WSGI application, `serve_in_thread` puts it on a port.
"""

from .app import create_app
from .org import Org
from .server import serve_in_thread

__all__ = ["Org", "create_app", "serve_in_thread"]
