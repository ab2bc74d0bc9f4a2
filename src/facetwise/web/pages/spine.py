"""The spine page: choose joints or nerves, and see lines, warnings, coverage and price. Encounters come by POST alone."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.coding.anatomy import SIDES
from facetwise.coding.encounter import codable
from facetwise.problems import FacetwiseError
from facetwise.web import reply
from facetwise.web.pages import choices, spine_answer, spine_drawing
from facetwise.web.pages.site import Site, chosen, only
from facetwise.web.trouble import ProblemPart, from_problems, part_of

# What may stand in an address: nothing of a patient, so neither the day nor what was treated.
_CHOICES = ("payer", "state", "technique", "purpose", "guidance", "setting", "claim")
_MOST_TARGETS = 120


def routes(site: Site) -> list[Route]:
    """Return the routes of the spine."""

    async def blank(request: Request) -> Response:
        only(request, *_CHOICES)
        given = {name: chosen(request, name) for name in _CHOICES}

        def values() -> dict[str, Any]:
            return _page(site, given, set(), None, None, ())

        return await site.page(request, tuple(given.items()), "spine.html", values)

    async def answered(request: Request) -> Response:
        media = reply.accepted(request, (reply.HTML, reply.JSON))
        form = await request.form(max_fields=_MOST_TARGETS + 20, max_files=0)
        content, status = await site.beside(_answered, site, request, form, media)
        return reply.once(content, f"{media}; charset=utf-8" if media == reply.HTML else media, status=status)

    return [Route("/spine", blank, methods=["GET"]), Route("/spine", answered, methods=["POST"])]


def _answered(site: Site, request: Request, form: FormData, media: str) -> tuple[bytes, int]:
    desk = site.desk
    given = {name: str(form.get(name, "")).strip() for name in (*_CHOICES, "date")}
    picked = set() if form.get("clear") else {str(one) for name in ("j", "n") for one in form.getlist(name)}
    coded = found = None
    problems: tuple[ProblemPart, ...] = ()
    if picked:
        try:
            coded, found = spine_answer.answer(desk, desk.encounters(_encounter(site, given, picked))[0])
        except FacetwiseError as error:
            if media == reply.JSON:
                raise from_problems(error, of_body=True) from None
            problems = tuple(part_of(problem, of_body=True) for problem in error.problems)
    if media == reply.JSON:
        return site.encoded(found), 200
    # The script of the page has the rest of it already.
    template = "spine_part.html" if form.get("part") else "spine.html"
    content = site.render(template, request, **_page(site, given, picked, coded, found, problems))
    return content, 422 if problems else 200


def _encounter(site: Site, given: dict[str, str], picked: set[str]) -> str:
    """Return the form as an encounter; what was left open is not documented."""
    targets = []
    for one in sorted(picked):
        name, _, side = one.rpartition(":")
        targets.append({"joint" if "-" in name else "nerve": name, "side": side})
    procedure = {name: given[name] for name in ("technique", "purpose", "guidance") if given[name]}
    place = {name: given[name] for name in ("payer", "state", "setting", "claim") if given[name]}
    day = given["date"] or site.desk.today().isoformat()
    return json.dumps({**place, "date_of_service": day, "procedures": [{**procedure, "targets": targets}]})


def _page(
    site: Site,
    given: dict[str, str],
    picked: set[str],
    coded: Any,
    found: spine_answer.SpineAnswer | None,
    problems: tuple[ProblemPart, ...],
) -> dict[str, Any]:
    desk = site.desk
    day = desk.day(found.code.date_of_service, "date") if found else desk.today()
    view = desk.knowledge.as_of(day)
    words = view.store.vocabulary.words
    techniques = codable(view)
    shown = spine_answer.shown(view, coded, found) if found else None
    defaults = {
        "payer": next(iter(view.payers())),
        "technique": techniques[0],
        "setting": next(iter(words["setting"])),
        "claim": next(iter(words["claim"])),
    }
    return {
        "given": {
            name: given.get(name) or default for name, default in {**dict.fromkeys(given, ""), **defaults}.items()
        },
        "day": given.get("date") or day.isoformat(),
        "segments": spine_drawing.segments(view),
        "marks": spine_drawing.marks(coded.treated if coded else (), picked),
        "blank": spine_drawing.Mark(),
        "sides": SIDES,
        "nerve_names": {record["nerve"]: record["name"] for _, record in view.rows("anatomy/nerves")},
        "techniques": [(name, words["facet_technique"].get(name, name)) for name in techniques],
        "groups": choices.payer_groups(view, vendors=False),
        "states": [(state, state) for state in choices.states(view)],
        "shown": shown,
        "problems": problems,
        "entries": {entry.key: entry for entry in shown.sources} if shown else {},
        "severity_words": spine_answer.SEVERITY_WORDS,
        "severity_glyphs": spine_answer.SEVERITY_GLYPHS,
        **choices.days(desk),
    }
