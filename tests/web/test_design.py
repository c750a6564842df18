"""The design system: colours that can be read, parts that carry no inline style, forms that tie errors to controls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client

from instep.web.design import PAIRS, Example

SHEETS = Path(__file__).parents[2] / "src" / "instep" / "web" / "static" / "web"
TOKENS = dict(
    re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\);", (SHEETS / "tokens.css").read_text()
    )
)


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(ink: str, ground: str, scheme: int) -> None:
    assert contrast(TOKENS[ink].split(", ")[scheme], TOKENS[ground].split(", ")[scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["surface", "canvas"])
@pytest.mark.parametrize("line", ["control", "accent", "bad"])
def test_controls_and_focus_can_be_seen(line: str, ground: str, scheme: int) -> None:
    assert contrast(TOKENS[line].split(", ")[scheme], TOKENS[ground].split(", ")[scheme]) >= 3


def test_every_ink_and_ground_is_measured() -> None:
    """A colour that is added later must say what it stands with."""
    named = {name for pair in PAIRS for name in pair} | {"line", "control"}
    assert set(TOKENS) == named


def test_sheets_name_only_tokens_that_exist() -> None:
    known = set(re.findall(r"--([\w-]+):", (SHEETS / "tokens.css").read_text()))
    for sheet in SHEETS.glob("*.css"):
        own = set(re.findall(r"--([\w-]+):", sheet.read_text()))
        used = {
            name for name in re.findall(r"var\(--([\w-]+)", sheet.read_text()) if not name.startswith("pico-")
        }
        assert used <= known | own, sheet.name


def test_colours_come_from_tokens_only() -> None:
    """A colour written anywhere else has no dark side. The QR code's ground must be white for cameras."""
    for sheet in SHEETS.glob("*.css"):
        if sheet.name == "tokens.css":
            continue
        found = re.findall(r"^.*#[0-9a-fA-F]{3,8}\b(?=[;, )]).*$", sheet.read_text(), re.M)
        assert [line for line in found if not line.startswith(".qr")] == [], sheet.name


def test_page_shows_every_part_without_inline_style_or_script(client: Client) -> None:
    page = client.get("/design").content.decode()
    for part in (
        "tabs",
        "steps",
        "tiles",
        "bars",
        "grid-table",
        "confirm",
        "menu",
        "banner bad",
        "empty",
        "field",
    ):
        assert f'class="{part}' in page, part
    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page


def render(template: str, **values: object) -> str:
    return Template("{% load parts %}" + template).render(Context(values))


def test_bars_say_the_same_to_those_who_do_not_see_them() -> None:
    page = render(
        "{% bars values labels 'Bookings' %}", values=[0, 1204, None], labels=["1 Mar", "2 Mar", "3 Mar"]
    )
    heights = re.findall(r'<rect [^>]*height="([\d.]+)"', page)
    assert [float(height) for height in heights] == [0, 40, 0]
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', page)
    assert rows == [("1 Mar", "0"), ("2 Mar", "1,204"), ("3 Mar", "—")]


def test_small_bar_beside_a_big_one_is_still_seen() -> None:
    page = render("{% bars values labels %}", values=[1, 100_000], labels=["a", "b"])
    assert float(re.findall(r'<rect [^>]*height="([\d.]+)"', page)[0]) == 1


def test_bars_of_nothing_say_so() -> None:
    assert "Nothing to show yet" in render("{% bars values labels %}", values=[], labels=[])


def test_labels_in_bars_are_escaped() -> None:
    assert "<script>" not in render(
        "{% bars values labels %}", values=[1], labels=["<script>alert(1)</script>"]
    )


def test_error_and_help_are_tied_to_their_control() -> None:
    form = Example({"email": "nuno@", "length": "45"})
    page = render('{% include "web/parts/form.html" %}', form=form)
    assert re.search(r'<input[^>]*name="email"[^>]*value="nuno@"[^>]*aria-describedby="id_email_error"', page)
    assert 'id="id_email_error"' in page
    described = re.findall(r'<fieldset class="field" aria-describedby="([^"]+)"', page)
    assert described == ["id_creates_helptext id_creates_error"]
    for name in " ".join(re.findall(r'aria-describedby="([^"]+)"', page)).split():
        assert f'id="{name}"' in page
    assert 'role="alert"' in page
