"""Field-level security: what a user may see and edit, from permission sets and from `/__fake__/fls`."""

from typing import TYPE_CHECKING, Any

import attrs

from .schema import SObject

if TYPE_CHECKING:
    from .org import Org


class Access:
    """Custom fields are invisible until an assigned permission set grants them; standard ones are visible."""

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

    def view(self, user_id: str, name: str) -> SObject:
        """The object as this user has it: hidden fields are absent, read-only ones cannot be written."""
        key = (user_id, name)
        if key not in self._views:
            self._views[key] = self._build(user_id, self._org.catalogue[name])
        return self._views[key]

    def _build(self, user_id: str, full: SObject) -> SObject:
        sets = [self.grants.get(name, {}) for name in self.assigned_sets(user_id)]
        fields = {}
        for field in full.fields.values():
            path = f"{full.name}.{field.name}"
            read, edit = True, True
            # universally required fields are beyond field-level security: everyone sees and edits them
            if field.custom and field.permissionable:
                granted = [grants[path] for grants in sets if path in grants]
                read, edit = any(g[0] for g in granted), any(g[1] for g in granted)
            if path in self.overrides:
                read, edit = self.overrides[path]
            if not read:
                continue
            if not edit:
                field = attrs.evolve(field, createable=False, updateable=False)
            fields[field.name] = field
        return attrs.evolve(full, fields=fields)
