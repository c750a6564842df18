"""What a user may see and do: profiles, permission sets, and what `/__fake__/fls` sets for everybody."""

from typing import TYPE_CHECKING, Any

import attrs

from . import custom_fields
from .schema import RIGHTS, SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

GOVERNED = frozenset({"Account", "Case", "Contact", "Lead"})  # objects whose rights a profile gives
_EDIT_EVENT = "PermissionsEditEvent"
_ACTIVITIES = frozenset({"Event", "EventRelation"})


class Access:
    """Custom fields are invisible until an assigned permission set grants them.

    Standard ones are visible, unless the user's profile was made with less than everything.
    """

    def __init__(self, org: "Org") -> None:
        self._org = org
        self._views: dict[tuple[str, str], SObject] = {}
        self.grants: dict[
            str, dict[str, list[bool]]
        ] = {}  # permission set name → "Event.X__c" → [read, edit]
        self.overrides: dict[str, list[bool]] = {}  # "Lead.Title" → [read, edit], for every user

    def dump(self) -> dict[str, Any]:
        return {"grants": self.grants, "overrides": self.overrides}

    def restore(self, saved: dict[str, Any]) -> None:
        self.grants = saved.get("grants", {})
        self.overrides = saved.get("overrides", {})
        self._views.clear()

    def forget_views(self) -> None:
        self._views.clear()

    def assigned_sets(self, user_id: str) -> list[str]:
        """Names of the permission sets that a user holds."""
        names = []
        for assignment_id in self._org.tables.find("PermissionSetAssignment", "AssigneeId", user_id):
            assignment = self._org.tables.get("PermissionSetAssignment", assignment_id) or {}
            found = self._org.live("PermissionSet", assignment.get("PermissionSetId", ""))
            if found:
                names.append(found["Name"])
        return names

    def profile(self, user_id: str) -> dict[str, Any] | None:
        """What the user's profile was made with; None for one that gives everything."""
        user = self._org.tables.get("User", user_id) or {}
        return self._org.config.profiles.get(user.get("ProfileId", ""))

    def rights(self, user_id: str, name: str) -> frozenset[str]:
        """The rights on an object: "read", "create", "edit", "delete"."""
        profile, config = self.profile(user_id), self._org.config
        held = set(RIGHTS)
        if name in _ACTIVITIES:
            held = set(RIGHTS) if self.permissions(user_id).get(_EDIT_EVENT) else {"read"}
        elif name in GOVERNED and profile is not None:
            held = set(profile.get("objects", {}).get(name, ()))
            for set_name in self.assigned_sets(user_id):
                held |= set(config.permission_sets.get(set_name, {}).get("objects", {}).get(name, ()))
        return frozenset(held - set(config.withheld.get(name, ())))

    def permissions(self, user_id: str) -> Record:
        """User permissions by the names of UserPermissionAccess."""
        fields = self._org.catalogue["UserPermissionAccess"].fields
        names = [name for name in fields if name.startswith("Permissions")]
        profile = self.profile(user_id)
        if profile is None:
            held = dict.fromkeys(names, True)
        else:
            held = {name: bool(profile.get("permissions", {}).get(name)) for name in names}
            for set_name in self.assigned_sets(user_id):
                given = self._org.config.permission_sets.get(set_name, {}).get("permissions", {})
                held |= {name: True for name, on in given.items() if on}
        return held | self._org.settings.permissions

    def view(self, user_id: str, name: str) -> SObject:
        """The object as this user has it: hidden fields are absent, read-only ones cannot be written."""
        key = (user_id, name)
        if key not in self._views:
            self._views[key] = self._build(user_id, self._org.catalogue[name])
        return self._views[key]

    def _build(self, user_id: str, full: SObject) -> SObject:
        sets = [self.grants.get(name, {}) for name in self.assigned_sets(user_id)]
        bare = full.name in GOVERNED | _ACTIVITIES and self.profile(user_id) is not None
        fields = {}
        for field in full.fields.values():
            path = f"{full.name}.{field.name}"
            # What a person account has from its contact is granted there.
            granted_as = f"{full.name}.{custom_fields.granted_as(field.name)}"
            if field.name.endswith("__pc"):
                granted_as = f"Contact.{field.name[:-4]}__c"
            read, edit = True, True
            # universally required fields are beyond field-level security: everyone sees and edits them
            if (field.custom or bare) and field.permissionable:
                granted = [grants[granted_as] for grants in sets if granted_as in grants]
                read, edit = any(g[0] for g in granted), any(g[1] for g in granted)
            # What is set for everybody by hand is set for the field, or for the geolocation that it is a part of.
            for by_hand in {granted_as, path} & self.overrides.keys():
                read, edit = self.overrides[by_hand]
            if not read:
                continue
            if not edit:
                field = attrs.evolve(field, createable=False, updateable=False)
            fields[field.name] = field
        return attrs.evolve(full, fields=fields, rights=self.rights(user_id, full.name))
