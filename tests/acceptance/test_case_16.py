"""Acceptance case 16: a form that may be skipped and lacks something is shown, and keeps what the CRM knows to itself.

Redirects that carry data do not exist here; of a page inside another one's frame only its height is told.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from page import Page, open_page

from faults.lives import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse
    from django.test import Client

    from faults.scene import Scene

#: words that stand nowhere else: where one turns up, the record has leaked
NAME = {"FirstName": "Zephyrine", "LastName": "Quillfeather"}
ADDRESS = "zephyrine@quillfeather.example"
START = f"{DAY:%Y-%m-%dT%H:%MZ}"


@pytest.fixture
def page(scene: Scene) -> Iterator[Page]:
    from django.core.cache import cache

    cache.clear()
    yield open_page(scene)
    cache.clear()


def sent_back(answer: HttpResponse) -> str:
    """All that a browser gets: the page, its headers, its cookies."""
    return answer.content.decode() + str(answer.headers) + str(answer.cookies)


def fields(answer: HttpResponse) -> dict[str, str]:
    """The fields of the form by name, with what stands in them."""
    found = {}
    for tag in re.findall(r"<(?:input|textarea)[^>]*>", answer.content.decode()):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in said:
            found[said["name"]] = unescape(said.get("value", ""))
    return found


def seeded(scene: Scene, missing: str) -> dict[str, Any]:
    """The link to a record that lacks a name or an address, and skips the form where it can."""
    if missing == "email":
        return {"sosfContactId": scene.fake.seed("Contact", **NAME), "soSkip": "1"}
    return {"sosfCaseId": scene.fake.seed("Case", Subject="Help", SuppliedEmail=ADDRESS), "soSkip": "1"}


@pytest.mark.parametrize("embedded", [False, True], ids=["page", "embedded"])
@pytest.mark.parametrize(("missing", "typed"), [("email", ADDRESS), ("name", "Zephyrine Quillfeather")])
def test_case_16_skip_without_name_or_address_shows_a_form_that_tells_nothing(
    scene: Scene, page: Page, client: Client, missing: str, typed: str, embedded: bool
) -> None:
    """The whole of what a browser gets is searched, and the whole CRM is what the booking says."""
    link = {**seeded(scene, missing), **({"embed": "1"} if embedded else {})}
    answer = client.get("/b/product-demo/details?" + urlencode({"start": START, **link}))
    form = fields(answer)
    other = {"email": "name", "name": "email"}[missing]
    assert form.get(missing) == "", "what is missing is asked for"
    assert other not in form, "what is known is not"
    known = [*NAME.values(), ADDRESS]
    assert [word for word in known if word in sent_back(answer)] == []
    booked = client.post("/b/product-demo/details", {**form, missing: typed})
    assert booked.status_code == 303, booked.content.decode()
    own = client.get(booked["Location"])
    assert [word for word in known if word in sent_back(booked) + sent_back(own)] == []
    scene.until_settled()
    there = scene.fake.records()
    (event,) = there["Event"]
    (person,) = there["Contact"]
    assert there["Lead"] == []
    assert (person["LastName"], person["Email"]) == (NAME["LastName"], ADDRESS)
    assert event["WhoId"] == person["Id"]
    if missing == "name":
        (case,) = there["Case"]
        assert event["WhatId"] == case["Id"]
