"""Coverage: a form made from what the payer's criteria ask, and the determination. What is said of a patient comes by POST.

The address holds the payer, the kind of procedure and the day whose rules are asked for; nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.coverage.checklist import checklist
from facetwise.coverage.report import explained
from facetwise.document.model import Document, to_json
from facetwise.problems import FacetwiseError
from facetwise.web import reply
from facetwise.web.api.form import asked_case, blank_form
from facetwise.web.pages import choices
from facetwise.web.pages.case_form import EVENTS, case_of, entered
from facetwise.web.pages.site import Site, address, only
from facetwise.web.trouble import ProblemPart, from_problems, part_of

_ASKED = ("payer", "state", "technique", "purpose", "region", "sequence", "setting", "as_of")
_MOST_FIELDS = 600


@dataclass(frozen=True)
class Asked:
    """What is asked about: a payer, a kind of procedure and a day; nothing of a patient."""

    payer: str
    technique: str
    region: str
    state: str = ""
    purpose: str = ""
    sequence: str = ""
    setting: str = ""
    as_of: str = ""

    def address(self, path: str) -> str:
        """Return the address of a page for this."""
        return address(path, **{name: getattr(self, name) for name in _ASKED})


def routes(site: Site) -> list[Route]:
    """Return the routes of coverage."""

    async def form(request: Request) -> Response:
        asked = _asked(site, request.query_params)
        only(request, *_ASKED)

        def values() -> dict[str, Any]:
            return _page(site, asked, {}, EVENTS, None, ())

        def content() -> bytes:
            return site.encoded(blank_form(site.desk, asked_case(site.desk, asked)))

        return await site.page(request, asked, "cover.html", values, content, asked.address("/api/v1/cover/form"))

    async def blank(request: Request) -> Response:
        asked = _asked(site, request.query_params)
        only(request, *_ASKED)

        def made() -> Document:
            return checklist(asked_case(site.desk, asked), site.desk.knowledge)

        def values() -> dict[str, Any]:
            document = made()
            return {"document": document, "entries": _entries(document), "back": asked.address("/cover")}

        return await site.page(request, asked, "paper.html", values, lambda: to_json(made()))

    async def judged(request: Request) -> Response:
        media = reply.accepted(request, (reply.HTML, reply.JSON))
        only(request)
        given = await request.form(max_fields=_MOST_FIELDS, max_files=0)
        content, status = await site.beside(_judged, site, request, given, media)
        return reply.once(content, f"{media}; charset=utf-8" if media == reply.HTML else media, status=status)

    return [
        Route("/cover", form, methods=["GET"]),
        Route("/cover", judged, methods=["POST"]),
        Route("/cover/checklist", blank, methods=["GET"]),
    ]


def _asked(site: Site, given: Any) -> Asked:
    """Return what is asked about, with the first payer and kind of procedure where none is chosen."""
    view = site.desk.knowledge.as_of(site.desk.today())
    words = view.store.vocabulary.words
    parts = [record["part"] for _, record in view.rows("anatomy/joints")]
    said = {name: str(given.get(name, "")).strip() for name in _ASKED}
    said["payer"] = said["payer"] or next(iter(view.payers()))
    said["technique"] = said["technique"] or next(iter(words["facet_technique"]))
    said["region"] = said["region"] or parts[-1]
    return Asked(**said)


def _judged(site: Site, request: Request, given: FormData, media: str) -> tuple[bytes, int]:
    desk = site.desk
    asked = _asked(site, given)
    answers = entered(given)
    rows = max(EVENTS, 1 + max((int(name.split(".")[1]) for name in answers if name.startswith("event.")), default=0))
    if given.get("add"):
        return site.render("cover.html", request, **_page(site, asked, answers, rows + 1, None, ())), 200
    problems: tuple[ProblemPart, ...] = ()
    document = None
    try:
        case = desk.cases(case_of(asked, answers, desk))[0]
        determination = desk.cover(case)
        if media == reply.JSON:
            return site.encoded(determination), 200
        document = explained(case, determination, desk.knowledge)
    except FacetwiseError as error:
        if media == reply.JSON:
            raise from_problems(error, of_body=True) from None
        problems = tuple(part_of(problem, of_body=True) for problem in error.problems)
    content = site.render("cover.html", request, **_page(site, asked, answers, rows, document, problems))
    return content, 422 if problems else 200


def _page(
    site: Site,
    asked: Asked,
    answers: dict[str, list[str]],
    rows: int,
    document: Document | None,
    problems: tuple[ProblemPart, ...],
) -> dict[str, Any]:
    desk = site.desk
    case = asked_case(desk, asked)
    form = blank_form(desk, case)
    view = desk.knowledge.as_of(case.day)
    words = view.store.vocabulary.words
    places = [record for _, record in view.rows("anatomy/joints")]
    groups: dict[str, list[Any]] = {}
    for one in form.criteria:
        groups.setdefault(one.group or "Further", []).append(one)
    wrong = {_field_of(one.place): one for one in problems}
    return {
        "asked": asked,
        "day": case.day.isoformat(),
        "form": form,
        "groups": list(groups.items()),
        "answers": answers,
        "rows": range(rows),
        "wrong": wrong,
        "problems": [(_field_of(one.place), one) for one in problems],
        "document": document,
        "entries": _entries(document) if document else {},
        "payer_groups": choices.payer_groups(view, vendors=False),
        "payer_title": view.payers()[asked.payer].title,
        "whose": view.payers()[form.whose].title if form.whose != asked.payer else "",
        "states": [(state, state) for state in choices.states(view)],
        "techniques": list(words["facet_technique"].items()),
        "joints": [one["joint"] for one in places if asked.region in (one["part"], one["region"])],
        "again": asked.address("/cover"),
        "blank_page": asked.address("/cover/checklist"),
        "first_history": desk.knowledge.store.horizon.from_.replace(year=desk.knowledge.store.horizon.from_.year - 10),
        **choices.days(desk),
    }


def _entries(document: Document) -> dict[str, Any]:
    return {entry.key: entry for entry in document.sources}


def _field_of(place: str) -> str:
    """Return the name of the field that a place of the case came from: history[0].date, event.0.date."""
    name = place.replace("[", ".").replace("]", "")
    if name.startswith("history."):
        return name.replace("history.", "event.", 1)
    return name.removeprefix("facts.")
