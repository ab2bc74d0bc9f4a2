"""The pages in headless Chromium: each task done, with a script and without, by keyboard, and looked at by axe."""

from __future__ import annotations

import os
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import expect

from browser_pages import Open, axe

ROOT = Path(__file__).parents[2]
STATE = (
    "#technique=medial_branch_block&purpose=diagnostic&guidance=fluoroscopy&payer=medicare&state=OH&setting=office"
    "&claim=professional&date=2026-03-02"
)
COVER = "/cover?payer=medicare&state=OH&technique=radiofrequency_ablation&region=lumbar&as_of=2026-03-02"
PAGES = {
    "start": "/",
    "briefing": "/codes/64495?as_of=2026-03-02",
    "payer": "/payers/cgs?as_of=2026-03-02",
    "compare": "/compare?code=64493&as_of=2026-03-02&payer=aetna&payer=cgs&payer=cigna",
    "spine": f"/spine{STATE}&n=L3:right&n=L4:right&n=L5:right&n=L2:left",
    "cover": COVER,
    "checklist": COVER.replace("/cover", "/cover/checklist"),
    "changes": "/changes?from=2024-01-01&to=2024-12-31",
    "check": "/check",
    "edits": "/edits",
    "edit": "/edits/ptp-pair",
    "data": "/data",
    "api": "/api",
    "trouble": "/codes/99999",
}
pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *((name, "light", 1280) for name in ("start", "compare", "spine", "cover", "api")),
        *((name, "dark", 390) for name in ("payer", "spine", "changes", "cover", "checklist", "trouble")),
        ("briefing", "dark", 1280),
        ("data", "light", 390),
    ],
)
def test_axe_finds_no_violation(tab: Open, name: str, scheme: str, width: int) -> None:
    axe(tab(PAGES[name], width, color_scheme=scheme))


@pytest.mark.parametrize("name", [name for name in PAGES if name != "checklist"])
def test_nothing_is_wider_than_the_window(tab: Open, name: str) -> None:
    page = tab(PAGES[name])
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_a_code_is_found_from_the_start(tab: Open) -> None:
    page = tab("/")
    page.get_by_label("Find a code or a payer").fill("64495")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("64495")
    assert page.url.endswith("/codes/64495")


def test_day_and_payers_change_the_briefing_in_place_and_stand_in_its_address(tab: Open) -> None:
    page = tab("/codes/64495?as_of=2026-03-02")
    page.evaluate("window.same = true")
    page.get_by_label("As of", exact=True).fill("2023-10-01")
    expect(page.locator("#briefing .as-of time")).to_have_text("1 October 2023")
    assert "as_of=2023-10-01" in page.url
    page.locator(".pick summary").click()
    page.get_by_label("Aetna", exact=True).check()
    expect(page.locator(".pick-value")).to_have_text("1 chosen")
    expect(page.locator("#t-comparison thead th")).to_have_text(["Question", "Aetna"])
    page.keyboard.press("Escape")
    expect(page.locator(".pick")).not_to_have_attribute("open", "")
    assert "payer=aetna" in page.url
    assert page.evaluate("window.same")
    link = page.locator("link[rel=alternate]").get_attribute("href")
    assert link == "/api/v1/brief/64495?as_of=2023-10-01&payer=aetna"
    page.reload()
    expect(page.locator("#briefing .as-of time")).to_have_text("1 October 2023")
    page.get_by_label("As of", exact=True).fill("2019-01-01")
    expect(page.locator("[data-swap-status]")).to_contain_text("lies outside the knowledge")


def test_the_briefing_changes_without_a_script(tab: Open) -> None:
    page = tab("/codes/64495?as_of=2026-03-02", java_script_enabled=False)
    page.get_by_label("As of", exact=True).fill("2023-10-01")
    page.locator(".pick summary").click()
    page.get_by_label("Aetna", exact=True).check()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#briefing .as-of time")).to_have_text("1 October 2023")
    expect(page.locator("#t-comparison thead th")).to_have_text(["Question", "Aetna"])


def test_payers_are_compared_on_another_code(tab: Open) -> None:
    page = tab("/compare?code=64493&as_of=2026-03-02&payer=aetna")
    page.get_by_label("Code").select_option("64635")
    expect(page.locator("#comparison .as-of a")).to_have_text("64635")
    assert "code=64635" in page.url
    assert "payer=aetna" in page.url


def test_nerves_on_the_spine_are_answered_at_once(tab: Open) -> None:
    page = tab("/spine")
    page.get_by_label("State").select_option("OH")
    page.get_by_label("Purpose").select_option("diagnostic")
    page.get_by_label("Guidance").select_option("fluoroscopy")
    page.get_by_label("Date of service").fill("2026-03-02")
    page.locator("[data-key='L4:right'] input").check()
    joint = page.locator("[data-key='L4-L5:right']")
    expect(joint).to_have_class("joint right r8 half")
    expect(joint.locator(".missing")).to_have_text("no L3")
    expect(page.get_by_label("Joint L4-L5 right, half treated, L3 is missing")).to_be_attached()
    page.locator("[data-key='L3:right'] input").check()
    page.locator("[data-key='L5:right'] input").check()
    expect(page.locator("#sentence")).to_contain_text("Two lines for Medicare in OH: 64493 RT KX; 64494 RT KX.")
    expect(joint).to_have_class("joint right r8 full")
    expect(page.locator("#t-prices tbody tr")).to_have_count(3)
    page.get_by_label("Payer").select_option("aetna")
    expect(page.locator("#sentence")).to_contain_text("for Aetna in OH")
    # What was treated is shared after the #, which no server sees.
    path, _, shared = page.url.partition("#")
    assert path.endswith("/spine")
    assert "n=L3%3Aright" in shared
    again = tab(f"/spine#{shared}")
    expect(again.locator("#sentence")).to_contain_text("for Aetna in OH")
    expect(again.locator("[data-key='L3:right'] input")).to_be_checked()
    again.locator("#result a[href^='#source-']").first.click()
    assert "n=L3%3Aright" in again.url
    again.get_by_role("button", name="Clear").click()
    expect(again.locator("#result")).to_contain_text("Nothing is chosen yet")
    assert again.url.endswith("/spine")


def test_the_spine_by_keyboard_and_in_the_folded_part(tab: Open) -> None:
    page = tab("/spine")
    page.locator("[data-key='C5-C6:left'] input").focus()
    outline = "getComputedStyle(document.querySelector(\"[data-key='C5-C6:left'] .mark\")).outlineStyle"
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Space")
    expect(page.locator("#sentence")).to_contain_text("One line")
    page.locator(".middle summary").focus()
    page.keyboard.press("Enter")
    page.locator("[data-key='T12-L1:right'] input").check()
    expect(page.locator("#sentence")).to_contain_text("Two lines")
    reloaded = tab("/spine" + "#" + page.url.partition("#")[2])
    expect(reloaded.locator(".middle")).to_have_attribute("open", "")


def test_the_spine_without_a_script(tab: Open) -> None:
    page = tab("/spine", java_script_enabled=False)
    page.get_by_label("State").select_option("OH")
    page.locator("[data-key='L4:left'] input").check()
    page.locator("[data-key='L4-L5:right'] input").check()
    page.get_by_role("button", name="Show the claim lines").click()
    expect(page.locator("#sentence")).to_contain_text("One line for Medicare in OH: 64493 RT.")
    expect(page.locator("[data-key='L5-S1:left']")).to_have_class("joint left r10 half")
    expect(page.locator("[data-key='L4-L5:right'] input")).to_be_checked()
    assert "L4" not in page.url


def test_targets_of_the_spine_are_large_enough_for_a_finger(tab: Open) -> None:
    page = tab("/spine", 390, 844)
    small = page.evaluate(
        """[...document.querySelectorAll('.segment label')].filter(one => one.checkVisibility()).map(one => {
          const box = one.getBoundingClientRect(); return [one.dataset.key, box.width, box.height];
        }).filter(([, width, height]) => width < 44 || height < 44)"""
    )
    assert small == []
    hidden = page.evaluate(
        """[...document.querySelectorAll('.segment label')].filter(one => one.checkVisibility()).filter(one => {
          one.scrollIntoView({block: 'center'});
          const box = one.getBoundingClientRect();
          return !one.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
        }).map(one => one.dataset.key)"""
    )
    assert hidden == []


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"])
def test_a_case_is_judged_and_printed(tab: Open, scripted: bool) -> None:
    page = tab(COVER, java_script_enabled=scripted)
    page.locator("[name='patient.pain_duration_months']").fill("7")
    page.locator("fieldset", has_text="The pain is mainly axial").get_by_label("Yes").check()
    page.get_by_role("group", name="Earlier procedure 1").get_by_label("Date").fill("2025-11-03")
    page.get_by_role("group", name="Earlier procedure 1").get_by_label("Technique").select_option("medial_branch_block")
    page.get_by_role("button", name="Judge the case").click()
    expect(page.locator("h1")).to_contain_text("Coverage of thermal radiofrequency ablation")
    assert page.url.endswith("/cover")
    expect(page.locator("#overview .checklist").first).to_be_visible()
    assert page.get_by_role("button", name="Print this page").count() == scripted
    page.get_by_role("link", name="Change the answers").click()
    if not scripted:
        page.locator("#case > summary").click()
    expect(page.locator("[name='patient.pain_duration_months']")).to_have_value("7")
    if scripted:
        with pypdfium2.PdfDocument(page.pdf(format="A4")) as pdf:
            text = " ".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)
        assert "What is missing from the record" in text
        assert "Judge the case" not in text
        axe(page)


def test_another_payer_asks_other_things_in_place(tab: Open) -> None:
    page = tab(COVER)
    page.evaluate("window.same = true")
    page.get_by_label("Payer").select_option("aetna")
    expect(page.locator("#case .answer .first")).to_contain_text("Aetna asks")
    assert "payer=aetna" in page.url
    assert page.evaluate("window.same")
    page.get_by_role("link", name="The blank checklist, to print").click()
    expect(page.locator("h1")).to_contain_text("Checklist for")


def test_a_wrong_answer_leads_to_its_field(tab: Open) -> None:
    page = tab(COVER)
    page.locator("[name='patient.pain_duration_months']").fill("long")
    page.get_by_role("button", name="Judge the case").click()
    page.get_by_role("link", name="patient.pain_duration_months").click()
    expect(page.locator("[name='patient.pain_duration_months']")).to_be_in_viewport()
    expect(page.locator("[name='patient.pain_duration_months']")).to_have_value("long")
    axe(page)


def test_changes_are_filtered_in_place(tab: Open) -> None:
    page = tab("/changes?from=2024-01-01&to=2024-12-31")
    before = page.locator("#timeline .as-of").inner_text()
    page.get_by_label("Code").select_option("64495")
    expect(page.locator("#timeline .as-of")).to_contain_text("64495")
    assert page.locator("#timeline .as-of").inner_text() != before
    page.go_back()
    expect(page.locator("#timeline .as-of")).to_have_text(before)


def test_the_skip_link_leads_past_the_menu(tab: Open) -> None:
    page = tab("/changes")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.skipif(not os.environ.get("FACETWISE_SCREENSHOTS"), reason="FACETWISE_SCREENSHOTS=1 draws them anew")
@pytest.mark.parametrize(
    ("name", "scheme"), [("start", "light"), ("spine", "light"), ("spine", "dark"), ("cover", "light")]
)
def test_draw_the_pictures_of_the_docs(tab: Open, name: str, scheme: str) -> None:
    page = tab(PAGES[name], 1280, 1000, color_scheme=scheme)
    path = ROOT / "docs" / "images" / f"web-{name}{'-dark' if scheme == 'dark' else ''}.png"
    page.screenshot(path=path)
    assert path.stat().st_size < 300_000
