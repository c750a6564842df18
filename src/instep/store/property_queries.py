"""Custom properties: listed, made, changed, archived and restored. Account first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from instep.store.queries import rows


@frozen
class PropertyRow:
    """One custom property. `object` is Contact or Meeting; `archived_at` is None while it is offered."""

    key: int
    object: str
    identifier: str
    label: str
    type: str
    description: str
    archived_at: datetime | None


_COLUMNS = "id, object, identifier, label, type, description, archived_at"


def list_properties(account_id: int, object_name: str) -> list[PropertyRow]:
    """The custom properties of an object, by label; archived ones last."""
    found = rows(
        f"""
        SELECT {_COLUMNS} FROM property WHERE account_id = %s AND object = %s
         ORDER BY archived_at IS NOT NULL, lower(label), identifier
        """,  # noqa: S608 - the columns are this module's own
        [account_id, object_name],
    )
    return [PropertyRow(*row) for row in found]


def property_by_key(account_id: int, key: int) -> PropertyRow | None:
    """One custom property, or None: also for another account's."""
    found = rows(
        f"SELECT {_COLUMNS} FROM property WHERE account_id = %s AND id = %s",  # noqa: S608 - as above
        [account_id, key],
    )
    return PropertyRow(*found[0]) if found else None


def add_property(
    account_id: int, object_name: str, identifier: str, label: str, kind: str, description: str
) -> int | None:
    """Make a property; its key, or None where the object has one with that identifier."""
    found = rows(
        """
        INSERT INTO property (account_id, object, identifier, label, type, description)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (account_id, object, identifier) DO NOTHING RETURNING id
        """,
        [account_id, object_name, identifier, label, kind, description],
    )
    return int(found[0][0]) if found else None


def change_property(account_id: int, key: int, label: str, kind: str, description: str) -> None:
    """Write label, type and description; the identifier never changes, for links and events name it."""
    rows(
        """UPDATE property SET label = %s, type = %s, description = %s
            WHERE account_id = %s AND id = %s RETURNING id""",
        [label, kind, description, account_id, key],
    )


def archive_property(account_id: int, key: int, archived: bool) -> bool:
    """Archive or restore a property; False where it was so already."""
    return bool(
        rows(
            """UPDATE property SET archived_at = CASE WHEN %s THEN now() END
                WHERE account_id = %s AND id = %s AND (archived_at IS NOT NULL) <> %s RETURNING id""",
            [archived, account_id, key, archived],
        )
    )


def name_properties(account_id: int, named: Iterable[tuple[str, str, str, str]]) -> None:
    """Make properties (object, identifier, label, type) that are not there yet; those that are stay as they are.

    One that nobody named yet, whose label is its identifier, gets the label.
    """
    table = list(zip(*named, strict=True))
    if not table:
        return
    rows(
        """
        INSERT INTO property (account_id, object, identifier, label, type)
        SELECT %s, p.object, p.identifier, p.label, p.type
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS p (object, identifier, label, type)
         ORDER BY 2, 3
        ON CONFLICT (account_id, object, identifier) DO UPDATE SET label = excluded.label
         WHERE property.label = property.identifier
        RETURNING id
        """,
        [account_id, *map(list, table)],
    )
