"""A REST call on its way through the org, and its answer."""

from typing import TYPE_CHECKING

import attrs

from . import config
from .errors import not_found
from .schema import SObject

if TYPE_CHECKING:
    from .org import Org


# They are for those who may view the setup.
_SETUP_OBJECTS = frozenset(
    {"FieldPermissions", "ObjectPermissions", "PermissionSet", "PermissionSetAssignment"}
)


@attrs.frozen
class Caller:
    """Who calls, and on which API version; header names are lower case; base_url is the address it came to."""

    org: "Org"
    user_id: str
    version: str
    headers: dict[str, str] = attrs.field(factory=dict)
    base_url: str = ""
    tooling: bool = False  # whether the call is one of the Tooling API

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"

    def object_url(self, name: str, record_id: str) -> str:
        return f"{self.base}/sobjects/{name}/{record_id}"

    def sees(self, name: str) -> bool:
        """Whether an object is there for this user and this API."""
        flags = self.org.catalogue[name].flags
        if "tooling" in flags:
            return self.tooling
        if self.tooling and "virtual" not in flags:
            return False
        if "currencies" in flags and not self.org.config.has(config.MULTI_CURRENCY):
            return False
        if name in _SETUP_OBJECTS and not self.org.access.permissions(self.user_id)["PermissionsViewSetup"]:
            return False
        return "read" in self.org.access.view(self.user_id, name).rights

    def view(self, name: str) -> SObject:
        """The object as the user sees it, its name in any case. Raises 404 NOT_FOUND."""
        for known in (name,) if name in self.org.catalogue else self.org.catalogue:
            if known.lower() == name.lower() and self.sees(known):
                return self.org.access.view(self.user_id, known)
        raise not_found()
