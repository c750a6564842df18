"""Custom fields of an org's Leads, made by a test and mapped to the answers of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instep.core.mapping import Row

if TYPE_CHECKING:
    from faults.scene import Scene


def make(scene: Scene, name: str, kind: str, **more: Any) -> None:
    """A custom field of Leads that the connected user may write."""
    api = f"{name}__c"
    scene.fake.order(
        "POST", "field", {"object": "Lead", "field": api, "create": {"kind": kind, "label": name, **more}}
    )
    parts = [f"{name}__Latitude__s", f"{name}__Longitude__s"] if kind == "Location" else []
    for part in (api, *parts):
        scene.fake.order("POST", "fls", {"object": "Lead", "field": part, "read": True, "edit": True})


def map_all(scene: Scene, *rows: Row) -> None:
    """Add rows to the mapping of Leads; their custom properties are made first."""
    from instep.bookings import properties
    from instep.engine.lane import load_config

    for row in rows:
        name = row.source.removeprefix("contact.custom.")
        if name != row.source:
            properties.create(
                scene.account_id, "Contact", name, name, "multi" if name == "topics" else "text"
            )
    config = load_config(scene.lane())
    scene.configure(rows={**config.rows, "Lead": (*config.rows["Lead"], *rows)})
