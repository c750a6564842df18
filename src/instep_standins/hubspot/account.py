"""What the account tells of itself: owners, pipelines, details, usage."""

from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from ..routing import Answer
from . import errors, seed
from .call import Call
from .schema import LAST_CENTURY, object_type
from .tables import OWNERS, Row

_MOST_OWNERS = 500


def owners(call: Call) -> Answer:
    """`/crm/owners/V[/{id}]`: by e-mail, or all of them in pages."""
    call.need("crm.objects.owners.read")
    if call.method != "GET":
        raise errors.method_not_allowed()
    archived = call.one("archived") == "true"
    rows = sorted(call.portal.tables.rows(OWNERS).values(), key=lambda row: int(row["id"]))
    if len(call.parts) == 1:
        return Answer(200, _owner_named(rows, unquote(call.parts[0]), call.one("idProperty", "id"), archived))
    if call.parts:
        raise errors.no_route()
    email = call.one("email").strip().lower()
    limit, after = call.one("limit", "100"), call.one("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_OWNERS or not after.isdecimal():
        raise errors.invalid(f"The limit {limit} is not valid: it must be between 1 and {_MOST_OWNERS}")
    found = [r for r in rows if r["archived"] == archived and email in ("", (r["email"] or "").lower())]
    rest = [row for row in found if int(row["id"]) >= int(after)]
    body: dict[str, Any] = {"results": [_told(row) for row in rest[: int(limit)]]}
    if len(rest) > int(limit):
        cursor = rest[int(limit)]["id"]
        body["paging"] = {
            "next": {"after": cursor, "link": f"{call.base_url}{call.path}?limit={limit}&after={cursor}"}
        }
    return Answer(200, body)


def _owner_named(rows: list[Row], value: str, id_property: str, archived: bool) -> dict[str, Any]:
    if id_property not in ("id", "userId"):
        raise errors.invalid(f"idProperty {id_property} is not valid: use id or userId")
    name = "id" if id_property == "id" else "userIdIncludingInactive" if archived else "userId"
    for row in rows:
        if str(row[name]) == value and row["archived"] == archived:
            return _told(row)
    raise errors.not_here()


def _told(row: Row) -> dict[str, Any]:
    """An owner without the keys that hold nothing."""
    return {key: value for key, value in row.items() if value is not None and value != []}


def pipelines(call: Call) -> Answer:
    """`/crm/pipelines/V/{type}[/{pipeline}[/stages[/{stage}]]]`, to read."""
    if not call.parts or call.method != "GET":
        raise errors.no_route()
    parts = [unquote(part) for part in call.parts]
    otype = object_type(parts[0])
    if otype is None or otype.name not in seed.PIPELINES:
        raise errors.invalid(f"Unable to infer object type from: {parts[0]}")
    call.need("tickets" if otype.name == "tickets" else f"{otype.scope}.read")
    told = [_pipeline(order, *one) for order, one in enumerate(seed.PIPELINES[otype.name])]
    if len(parts) == 1:
        return Answer(200, {"results": told})
    held = _by_id(told, parts[1])
    if len(parts) == 2:
        return Answer(200, held)
    if parts[2] != "stages" or len(parts) > 4:
        raise errors.no_route()
    return Answer(200, {"results": held["stages"]} if len(parts) == 3 else _by_id(held["stages"], parts[3]))


def _by_id(listed: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    found = next((one for one in listed if one["id"] == wanted), None)
    if found is None:
        raise errors.not_here()
    return found


def _pipeline(
    order: int, name: str, label: str, stages: list[tuple[str, str, dict[str, str]]]
) -> dict[str, Any]:
    stamps = {"createdAt": LAST_CENTURY, "updatedAt": LAST_CENTURY, "archived": False}
    return {
        "id": name, "label": label, "displayOrder": order, **stamps,
        "stages": [
            {"id": one, "label": words, "displayOrder": i, "metadata": metadata,
             "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT", **stamps}
            for i, (one, words, metadata) in enumerate(stages)
        ],
    }  # fmt: skip


def account(call: Call) -> Answer:
    """`/account-info/V/details` and the usage of the day."""
    if call.method != "GET":
        raise errors.method_not_allowed()
    if call.parts == ("details",):
        return Answer(200, _details(call))
    if call.parts == ("api-usage", "daily", "private-apps"):
        settings = call.portal.settings
        usage = {
            "name": "private-apps-api-calls-daily", "usageLimit": settings.daily,
            "currentUsage": settings.dailyUsed, "collectedAt": call.portal.stamp(), "fetchStatus": "SUCCESS",
            "resetsAt": call.portal.rates.resets_at(),
        }  # fmt: skip
        return Answer(200, {"results": [usage]})
    raise errors.no_route()


def _details(call: Call) -> dict[str, Any]:
    offset = call.portal.now().astimezone(ZoneInfo(seed.TIME_ZONE)).utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    return {
        "portalId": seed.PORTAL_ID, "accountType": "DEVELOPER_TEST", "timeZone": seed.TIME_ZONE,
        "companyCurrency": "EUR", "additionalCurrencies": [], "utcOffset": f"{minutes // 60:+03d}:{minutes % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000, "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
    }  # fmt: skip
