"""Pages in a browser, as the tests open and look at them."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable

from playwright.sync_api import Page

Open = Callable[..., Page]
AXE_RUN = """async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations.map(
  found => `${found.id}: ${found.nodes.length} times, as ${found.nodes[0].html.slice(0, 300)}`)"""
# Axe takes long over long pages; two of each kind say what two hundred would.
THIN_OUT = """
for (const many of ['tbody > tr', 'main li', 'main dl > div', 'section > details', 'section > .table-wrap', '.operation'])
  for (const one of document.querySelectorAll(many)) {
    const before = [...one.parentElement.children].filter(child => child.matches(many));
    if (before.indexOf(one) >= 2) one.remove();
  }
for (const one of document.querySelectorAll('svg g g g g')) one.remove();
for (const one of document.querySelectorAll('details')) one.open = true;
"""


def axe(page: Page) -> None:
    page.evaluate(THIN_OUT)
    # Through the developer tools, since the page's own policy lets no script in.
    page.evaluate(importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    assert page.evaluate(AXE_RUN) == []
