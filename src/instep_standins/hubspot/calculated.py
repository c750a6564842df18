"""What HubSpot works out by itself from the meetings of a contact and from a meeting's own values."""

from html import unescape
from typing import TYPE_CHECKING

from . import times

if TYPE_CHECKING:
    from .portal import Portal

_PREVIEW = 512


def refresh(portal: "Portal", contact_id: str) -> None:
    """The contact's latest and next meeting and their number; its stamps stay as they are."""
    contact = portal.resolve("contacts", contact_id)
    if contact is None:
        return
    meetings = [
        portal.resolve("meetings", one) for one in portal.associated("contacts", contact_id, "meetings")
    ]
    stamps = [m["properties"].get("hs_timestamp") for m in meetings if m]
    starts = sorted((one for one in stamps if one), key=times.read)
    now = portal.now()
    past = [one for one in starts if times.read(one) <= now]
    coming = [one for one in starts if times.read(one) > now]
    told = {
        "hs_latest_meeting_activity": starts[-1] if starts else None,
        "notes_next_activity_date": coming[0] if coming else None,
        "hs_notes_next_activity_type": "MEETING" if coming else None,
        "notes_last_contacted": past[-1] if past else None,
        "notes_last_updated": past[-1] if past else None,
        "num_notes": str(len(starts)) if starts else None,
        "num_contacted_notes": str(len(past)) if past else None,
    }
    properties = {key: value for key, value in contact["properties"].items() if key not in told}
    properties |= {key: value for key, value in told.items() if value is not None}
    if properties != contact["properties"]:
        portal.tables.put("contacts", {**contact, "properties": properties})


def of_meeting(properties: dict[str, str]) -> dict[str, str]:
    """What follows from a meeting's own values; "" where nothing does."""
    body = properties.get("hs_meeting_body", "")
    text = plain(body)
    start, end = properties.get("hs_meeting_start_time"), properties.get("hs_meeting_end_time")
    length = (
        times.milliseconds(times.read(end)) - times.milliseconds(times.read(start)) if start and end else None
    )
    return {
        "hs_body_preview": text[:_PREVIEW],
        "hs_body_preview_is_truncated": str(len(text) > _PREVIEW).lower() if text else "",
        "hs_duration": str(length) if length is not None else "",
    }


def of_contact(properties: dict[str, str]) -> dict[str, str]:
    email = properties.get("email", "")
    name = " ".join(properties[key] for key in ("firstname", "lastname") if properties.get(key))
    return {"hs_email_domain": email.rpartition("@")[2], "hs_full_name_or_email": name or email}


def plain(markup: str) -> str:
    """The text of a body as people read it: its tags left out, its entities as characters."""
    text, inside = [], False
    for char in markup:
        if char == "<":
            inside = True
        elif char == ">" and inside:
            inside = False
            text.append(" ")
        elif not inside:
            text.append(char)
    return unescape(" ".join("".join(text).split()))
