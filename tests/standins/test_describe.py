"""The describes against recordings of a real org that others made (the wheel `cumulusci`)."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from instep_standins.salesforce import schema
from standins.sf import Client

# Hand-added to the Account recording; a real org has no standard field that ends so.
_CUSTOM_SUFFIX = "__c"
_OBJECTS = ("Account", "Case", "Contact", "Event", "Lead")


def recording(name: str, wanted: str = "") -> dict[str, Any]:
    """The recorded describe of an object, or the one in the file that is wanted."""
    wanted = wanted or f"shared_cassettes/GET_sobjects_{name}_describe.yaml"
    try:
        found = next(f for f in metadata.files("cumulusci") or () if str(f).endswith(wanted))
    except metadata.PackageNotFoundError:
        pytest.fail(
            "cumulusci is not installed: run `uv pip install --no-deps -r requirements-nodeps.lock` to compare "
            "describes with its recordings."
        )
    body = _response(yaml.safe_load(Path(str(found.locate())).read_text("utf-8")))["body"]
    body = body["string"] if isinstance(body, dict) and "string" in body else body
    return json.loads(body) if isinstance(body, str) else body


def _response(node: Any) -> Any:
    if isinstance(node, dict):
        return (
            node["response"]
            if "response" in node
            else next(filter(None, map(_response, node.values())), None)
        )
    return next(filter(None, map(_response, node)), None) if isinstance(node, list) else None


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Field by field and key by key, what the two describes say differently."""
    mine = {field["name"]: field for field in ours["fields"]}
    real = {f["name"]: f for f in theirs["fields"] if not f["name"].endswith(_CUSTOM_SUFFIX)}
    found = [f"{name}: only in one of them" for name in sorted(mine.keys() ^ real.keys())]
    for name in sorted(mine.keys() & real.keys()):
        for key in sorted(mine[name].keys() | real[name].keys()):
            left, right = mine[name].get(key, "(absent)"), real[name].get(key, "(absent)")
            if key == "picklistValues":
                left, right = _values(left), _values(right)
            if left != right:
                found.append(f"{name}.{key}: {left!r} is {right!r} in the recording")
    return found


def _values(choices: list[dict[str, Any]]) -> list[tuple[str, bool, bool]]:
    return [(c["value"], c["active"], c["defaultValue"]) for c in choices]


@pytest.mark.parametrize("name", _OBJECTS)
def test_fields_are_those_of_a_recorded_org(sf: Client, name: str) -> None:
    """Every standard field has the recorded type, length, label and flags, and no other field is there."""
    assert differences(sf.call("GET", f"/sobjects/{name}/describe").json(), recording(name)) == []


def test_the_comparison_notices_a_wrong_length_and_a_missing_field(sf: Client) -> None:
    """The oracle can fail."""
    ours = sf.call("GET", "/sobjects/Lead/describe").json()
    ours["fields"] = [{**f, "length": 81} if f["name"] == "LastName" else f for f in ours["fields"]]
    ours["fields"] = [f for f in ours["fields"] if f["name"] != "Email"]
    assert differences(ours, recording("Lead")) == [
        "Email: only in one of them",
        "LastName.length: 81 is 80 in the recording",
    ]


@pytest.mark.parametrize("name", ["Contact", "Event", "Lead"])
def test_object_has_every_key_of_a_recent_describe(sf: Client, name: str) -> None:
    ours, theirs = sf.call("GET", f"/sobjects/{name}/describe").json(), recording(name)
    assert theirs.keys() <= ours.keys()
    plain = {key: value for key, value in theirs.items() if not isinstance(value, list | dict)}
    assert {key: ours[key] for key in plain} == plain


def test_all_objects_are_in_the_global_describe(sf: Client) -> None:
    body = sf.call("GET", "/sobjects").json()
    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    assert {one["name"] for one in body["sobjects"]} == set(schema.OBJECTS) - {
        "CurrencyType",
        "CustomField",
        "ValidationRule",
    }


def test_unchanged_describe_answers_304_until_the_schema_changes(sf: Client) -> None:
    path = "/sobjects/Lead/describe"
    stamp = sf.call("GET", path).headers["Last-Modified"]
    again = sf.call("GET", path, **{"If-Modified-Since": stamp})
    assert (again.status_code, again.content) == (304, b"")
    sf.fake("fls", {"object": "Lead", "field": "Title", "read": False, "edit": False})
    changed = sf.call("GET", path, **{"If-Modified-Since": stamp})
    assert changed.status_code == 200
    assert "Title" not in {field["name"] for field in changed.json()["fields"]}


def test_catalogue_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="Title \\? broken"):
        schema.parse_field("Title ? broken")
