"""The HTML in headless Chromium: it asks for nothing, reads well to assistive technology, and fits its window."""

from __future__ import annotations

import importlib.resources
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from facetwise.briefing.build import build
from facetwise.document.model import Document, TableBlock
from facetwise.document.render.html import to_html
from facetwise.knowledge import Knowledge

ROOT = Path(__file__).parents[2]
CODES = ("64495", "64635")
WIDTHS = (390, 768, 1280, 1920)
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"
# Axe takes half a minute for the whole page; two of each kind say what two hundred would.
THIN_OUT = """
for (const many of ['tbody > tr', 'section li', 'section dl > div', 'section > details', 'section > .table-wrap'])
  for (const one of document.querySelectorAll(many)) {
    const before = [...one.parentElement.children].filter(child => child.matches(many));
    if (before.indexOf(one) >= 2) one.remove();
  }
"""
AXE_RUN = """async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations.map(
  found => `${found.id}: ${found.nodes.length} times, as ${found.nodes[0].html.slice(0, 200)}`)"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("FACETWISE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("there is no Chromium on this machine; set FACETWISE_CHROMIUM to the path of one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def briefings(knowledge: Knowledge) -> dict[str, Document]:
    return {code: build(knowledge, code, date(2026, 3, 2)) for code in CODES}


@pytest.fixture(scope="module")
def files(briefings: dict[str, Document], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for code, document in briefings.items():
        (folder / f"{code}.html").write_text(to_html(document), encoding="utf-8")
    return {code: folder / f"{code}.html" for code in briefings}


@pytest.fixture(scope="module")
def pages(browser: Browser, files: dict[str, Path]) -> Iterator[dict[str, Page]]:
    """The pages as a reader opens them. Tests that change one open their own."""
    found = {code: opened(browser, path) for code, path in files.items()}
    yield found
    for page in found.values():
        page.close()


def opened(browser: Browser, path: Path, width: int = 1280, height: int = 900, **options: Any) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("code", CODES)
def test_no_request_leaves_the_page_and_nothing_goes_wrong(browser: Browser, files: dict[str, Path], code: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(files[code].as_uri())
    page.evaluate(OPEN_ALL)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    assert asked == [files[code].as_uri()]
    assert not wrong
    page.close()


@pytest.mark.parametrize(
    ("code", "scheme", "width"),
    [("64495", "light", 1280), ("64635", "dark", 1280), ("64495", "dark", 390)],
)
def test_axe_finds_no_violation(browser: Browser, files: dict[str, Path], code: str, scheme: str, width: int) -> None:
    page = opened(browser, files[code], width, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    page.evaluate(THIN_OUT)
    page.evaluate(importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    assert page.evaluate(AXE_RUN) == []
    page.close()


@pytest.mark.parametrize("code", CODES)
def test_what_a_page_is_made_of(pages: dict[str, Page], briefings: dict[str, Document], code: str) -> None:
    page = pages[code]
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert page.locator(f"body {landmark}").first.is_visible(), landmark
    assert page.locator("h1").count() == 1
    levels: list[int] = page.eval_on_selector_all("h1, h2, h3, h4", "found => found.map(one => +one.tagName[1])")
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.locator("h2").all_inner_texts() == [section.title for section in briefings[code].sections]
    bare = page.evaluate(
        """[...document.querySelectorAll('table')].filter(one => !one.caption || !one.querySelector('thead th[scope=col]')
           || [...one.tBodies[0].rows].some(row => !row.querySelector('th'))).length"""
    )
    assert bare == 0


@pytest.mark.parametrize("code", CODES)
def test_every_link_within_the_page_has_a_target(pages: dict[str, Page], code: str) -> None:
    lost = pages[code].evaluate(
        """[...document.querySelectorAll('a[href^="#"]')].map(one => one.getAttribute('href'))
           .filter(one => !document.getElementById(one.slice(1)))"""
    )
    assert lost == []
    assert pages[code].locator("a[href^='#source-']").count() > 100


def test_the_skip_link_comes_first_and_leads_past_the_contents(browser: Browser, files: dict[str, Path]) -> None:
    page = opened(browser, files["64495"])
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("one => one === document.activeElement")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.close()


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_wider_than_the_window_or_its_cell(browser: Browser, files: dict[str, Path], code: str) -> None:
    page = opened(browser, files[code])
    page.evaluate(OPEN_ALL)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{wide[0]} in {width}"
        cells = page.evaluate(
            """[...document.querySelectorAll('tbody th, td')].filter(one => one.scrollWidth > one.clientWidth + 2)
               .map(one => one.textContent.trim().slice(0, 60))"""
        )
        assert cells == [], width
    page.close()


def test_heads_and_first_columns_stay_while_a_table_scrolls(browser: Browser, files: dict[str, Path]) -> None:
    page = opened(browser, files["64495"], 1024)
    moved = page.evaluate(
        """() => {
          const frame = document.querySelector('.scrolls:has(table.comparison)');
          frame.scrollIntoView();
          frame.scrollTo(200, 300);
          const at = one => one.getBoundingClientRect(), of = at(frame);
          const head = at(frame.querySelector('thead th')), second = frame.querySelector('thead th:nth-child(2)');
          const row = [...frame.querySelectorAll('tbody th[scope=row]')].find(one => at(one).bottom > of.top + 120);
          const middle = at(row);
          const top = document.elementFromPoint(middle.left + 4, Math.max(middle.top, head.bottom) + 12);
          return {scrolled: [frame.scrollLeft, frame.scrollTop], head: [head.left - of.left, head.top - of.top],
                  second: at(second).top - of.top, row: middle.left - of.left, covered: !row.contains(top),
                  see: getComputedStyle(row).backgroundColor};
        }"""
    )
    assert moved["scrolled"][0] > 0
    assert moved["scrolled"][1] > 0
    assert max(abs(place) for place in (*moved["head"], moved["second"], moved["row"])) <= 3
    assert not moved["covered"]
    assert moved["see"] == "rgb(255, 255, 255)"
    page.close()


def test_on_a_wide_page_the_head_of_a_table_stays_at_the_top_of_the_window(
    browser: Browser, files: dict[str, Path]
) -> None:
    page = opened(browser, files["64495"], 1600)
    place = page.evaluate(
        """() => {
          const table = document.querySelector('table.comparison');
          window.scrollTo(0, table.getBoundingClientRect().top + scrollY + 500);
          return table.querySelector('thead th').getBoundingClientRect().top;
        }"""
    )
    assert abs(place) <= 1
    page.close()


def test_on_a_phone_each_row_is_a_card(browser: Browser, files: dict[str, Path]) -> None:
    page = opened(browser, files["64495"], 390)
    shown = page.evaluate(
        """() => {
          const cell = document.querySelector('table.comparison tbody tr:not(.group) td');
          return [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content, cell.dataset.label];
        }"""
    )
    assert shown == ["block", f'"{shown[2]}"', shown[2]]
    page.close()


def test_print_unfolds_what_is_folded(pages: dict[str, Page], briefings: dict[str, Document]) -> None:
    with pypdfium2.PdfDocument(pages["64495"].pdf(format="A4")) as pdf:
        text = " ".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)
    printed = re.sub(r"[\W_]+", "", text)
    folded = [block for section in briefings["64495"].sections for block in section.blocks if block.folded]
    captions = [block.caption for block in folded if isinstance(block, TableBlock)]
    assert len(captions) > 10
    for caption in captions:
        assert re.sub(r"[\W_]+", "", caption) in printed


@pytest.mark.skipif(not os.environ.get("FACETWISE_SCREENSHOTS"), reason="FACETWISE_SCREENSHOTS=1 draws it anew")
def test_draw_the_picture_of_the_readme(browser: Browser, files: dict[str, Path]) -> None:
    page = opened(browser, files["64495"], 1200, 900, color_scheme="light")
    path = ROOT / "docs" / "images" / "briefing-64495.png"
    path.parent.mkdir(exist_ok=True)
    page.screenshot(path=path)
    assert path.stat().st_size < 200_000
    page.close()
