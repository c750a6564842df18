"""What all orders share: reading their JSON, and refusing it in words."""

from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

Body = dict[str, Any]


def refuse_order(status: int, problem: str) -> ApiError:
    return ApiError(status, {"error": problem})


def object_named(org: "Org", name: Any) -> str:
    if not isinstance(name, str) or name not in org.catalogue:
        raise refuse_order(
            404, f"Object {name!r} is unknown here; known are {', '.join(sorted(org.catalogue))}."
        )
    return name


def text_of(body: Body, name: str, default: str | None = None) -> str:
    """A text of an order; without a default it is required."""
    value = body.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise refuse_order(400, f"{name} is missing or no text.")
    return value.strip()


def texts_of(body: Body, name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refuse_order(400, f"{name} must be a list of texts.")
    return value


def one_of(body: Body, name: str, known: tuple[str, ...], default: str | None = None) -> str:
    value = body.get(name, default)
    if value not in known:
        raise refuse_order(400, f"{name} cannot be {value!r}; it is one of {', '.join(known)}.")
    return str(value)


def user_named(org: "Org", name: Any) -> Record:
    """A user by username or id."""
    found = org.user(str(name)) or org.live("User", str(name))
    if found is None:
        raise refuse_order(404, f"User {name!r} is not there; give a username or an id.")
    return found


def owner_named(org: "Org", name: Any) -> str:
    """The id of a user (by username or id) or of a queue (by name or id)."""
    for row in org.tables.rows("Group").values():
        if row.get("Type") == "Queue" and name in (row["Id"], row.get("Name"), row.get("DeveloperName")):
            return row["Id"]
    return user_named(org, name)["Id"]


def row_of(org: "Org", object_name: str, body: Body, **same: Any) -> Record | None:
    """The row that an order means: the one of its `id`, else the one that agrees in `same`."""
    if body.get("id"):
        found = org.tables.get(object_name, str(body["id"]))
        if found is None:
            raise refuse_order(404, f"{object_name} {body['id']!r} is not there.")
        return found
    rows = org.tables.rows(object_name).values()
    return next((row for row in rows if all(row.get(k) == v for k, v in same.items())), None)


def save(org: "Org", object_name: str, old: Record | None, fields: Record) -> Record:
    """Store a row of the setup anew or over the old one."""
    stamp = {"LastModifiedDate": org.stamp(), "SystemModstamp": org.stamp()}
    known = org.catalogue[object_name].fields
    record = org.insert(
        object_name, {**(old or {}), **{k: v for k, v in stamp.items() if k in known}, **fields}
    )
    org.schema_changed()
    org.touch("config")
    return record


def api_name(label: str) -> str:
    """A name as Salesforce derives it from a label."""
    kept = "".join(char if char.isascii() and char.isalnum() else "_" for char in label.strip())
    name = "_".join(part for part in kept.split("_") if part)
    return name if name[:1].isalpha() else "X" + name
