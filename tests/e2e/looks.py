"""What is asked of every page: axe, width, focus by Tab. Each answers with complaints in words; none is good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
RULES = json.dumps({"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
#: presses of Tab between two looks at how far it went
_PRESSES = 25
#: a date field alone takes four
_MOST_PRESSES = 1500

# Watches the focus. What shows it is found by comparing the looks of the element and of what is around it, without
# and with the focus: a ring, a colour, a line. Looks are taken as they end up: the window asks for reduced motion.
_WATCH = """() => {
  const looks = ["outline", "outlineOffset", "boxShadow", "backgroundColor", "color", "borderColor", "textDecoration"];
  const around = (element) => [element, element.parentElement, element.closest("label, tr, li, article, .menu"),
    ...(element.labels ?? [])].filter(Boolean);
  const look = (element) => around(element).map((one) => ["", "::before", "::after"].map((part) => {
    const style = getComputedStyle(one, part || null);
    return looks.map((name) => style[name]).join();
  }).join()).join();
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const inGroup = (element) => element.type !== "radio" || element.checked ||
    ![...document.querySelectorAll(`input[type=radio][name="${CSS.escape(element.name)}"]`)].some(
      (one) => one.checked || (one !== element && !one.disabled && one.form === element.form &&
        one.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING));
  document.activeElement?.blur();
  window.scrollTo(0, 0);
  const wanted = [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")].filter((element) =>
    shown(element) && element.tabIndex >= 0 && !element.disabled && inGroup(element));
  const before = new Map(wanted.map((element) => [element, look(element)]));
  const watched = "walk" in window;
  window.walk = { wanted, before, reached: new Set(), unseen: [], round: false, look };
  // a second walk on the same page: two listeners would take the first step for a whole round
  if (watched) return;
  document.addEventListener("focusin", ({ target }) => {
    const walk = window.walk;
    if (walk.reached.has(target)) { walk.round ||= target === walk.first; walk.last = target; return; }
    walk.first ??= target;
    walk.reached.add(target);
    if (walk.before.has(target) && look(target) === walk.before.get(target)) walk.unseen.push(target);
  });
}"""
_ROUND = "() => window.walk.round || window.walk.reached.size > window.walk.wanted.length + 20"
_TOLD = """() => {
  const named = (element) => element.outerHTML.slice(0, 160);
  const { wanted, reached, unseen } = window.walk;
  // what shows only while it has the focus (the skip link) would cover others in the next look
  document.activeElement?.blur();
  return [
    ...wanted.filter((one) => one.isConnected && !reached.has(one)).map((one) => `never reached by Tab: ${named(one)}`),
    ...unseen.map((one) => `the focus does not show on ${named(one)}`),
  ];
}"""


def wide(page: Page) -> list[str]:
    """Whether the page has to be scrolled sideways, and what stands out."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    found = page.evaluate(
        """(width) => {
          const all = document.documentElement.scrollWidth;
          if (all <= width) return [];
          const stands = (one) => one.getBoundingClientRect().right > width + 1;
          const out = [...document.querySelectorAll("body *")].filter(stands);
          return [`${all} px wide at ${width}`, ...out.slice(0, 3).map((one) => one.outerHTML.slice(0, 160))];
        }""",
        width,
    )
    return list(found)


def axe(page: Page) -> list[str]:
    """What axe finds on the page as it is shown now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(f"axe.run({RULES})")["violations"]
    return [f"{v['id']}: {v['help']} {[node['html'][:200] for node in v['nodes'][:3]]}" for v in found]


def named(page: Page) -> list[str]:
    """Whether the page says where one is: one heading of the first level, and a title that names more than us."""
    heads, title = page.locator("h1").all_inner_texts(), page.title()
    told = [] if len(heads) == 1 and heads[0].strip() else [f"its headings of the first level are {heads}"]
    return told if title.split("·")[0].strip() else [*told, f"its title is {title!r}"]


def walked(page: Page) -> list[str]:
    """What Tab never reaches, and where nothing shows that the focus is there."""
    page.evaluate(_WATCH)
    for _ in range(_MOST_PRESSES // _PRESSES):
        for _ in range(_PRESSES):
            page.keyboard.press("Tab")
        if page.evaluate(_ROUND):
            break
    return list(page.evaluate(_TOLD))
