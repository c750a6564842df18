"""The pages of the setup, as each of them shows them."""

from ...markup import Markup, el
from .frame import Visit

PAGES = (
    ("/setup", "Users and fields"), ("/setup/org", "The org"), ("/setup/record-types", "Record types"),
    ("/setup/rules", "Rules"), ("/setup/rights", "Rights"),
)  # fmt: skip


def tabs(visit: Visit) -> Markup:
    links = [
        el("li", el("a", words, href=path, aria_current="page" if visit.path == path else None))
        for path, words in PAGES
    ]
    return el("nav", el("ul", *links), class_="tabs", aria_label="Setup")
