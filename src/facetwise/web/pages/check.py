"""The claim check: files come as a form, are checked in a process of their own and are gone; the answer holds its downloads.

Nothing is kept for a later download: with a script the page makes the files from what the stream brought, and without one the
form asks for the file in place of the page.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from facetwise.document.sources import source_entries
from facetwise.edits.report_page import GLYPHS, WORDS
from facetwise.edits.report_terminal import money
from facetwise.web import reply
from facetwise.web.check.messages import ANSWERS, ORDERS, SEVERITIES, Job, PageValues
from facetwise.web.check.receive import Received
from facetwise.web.check.uploads import NDJSON, Uploads, Wanted
from facetwise.web.edit_pages import edit_names
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, only
from facetwise.web.trouble import ProblemPart, RequestError, refused

_ALLOW = "GET, HEAD, POST"
# The rest of many findings the script of the page shows from what it holds.
_ROWS_SCRIPTED = 200
_ASKED = ("payer", "state")


def routes(site: Site) -> list[Route]:
    """Return the route of the claim check."""
    return [Route("/check", _Check(site, site.uploads))]


class _Check:
    def __init__(self, site: Site, uploads: Uploads):
        self._site = site
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method in ("GET", "HEAD"):
            only(request)
            response = await self._site.page(request, "check", "check.html", lambda: _form(self._site))
            await response(scope, receive, send)
        elif request.method == "POST":
            await self._posted(request, scope, receive, send)
        else:
            raise refused("wrong-method", f"{request.method[:20]} has no meaning here", _ALLOW, allow=_ALLOW)

    async def _posted(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        site = self._site
        only(request)
        media = reply.accepted(request, (reply.HTML, NDJSON, reply.JSON))

        def fragment(values: PageValues, job: Job) -> bytes:
            shown = msgspec.structs.replace(values, rows=values.rows[:_ROWS_SCRIPTED])
            return site.render("checked.html", request, **result_values(site, shown, job), scripted=True)

        def whole(values: PageValues, job: Job) -> bytes:
            given = _form(site) | result_values(site, values, job)
            given["given"] = {"payer": job.payer, "state": job.state, "severity": job.severity, "order": job.order}
            return site.render("check.html", request, **given, scripted=False)

        def wanted(received: Received) -> Wanted:
            answer = received.fields.get("answer", "") or "page"
            if answer not in ANSWERS:
                raise refused("wrong-input", "a kind of answer that is not known", ", ".join(ANSWERS))
            if media == NDJSON:
                return Wanted("stream", fragment)
            if media == reply.JSON:
                return Wanted("json")
            return Wanted(answer, whole if answer == "page" else None, attached=answer != "page")

        started = False

        async def noticed(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._uploads.answer(scope, receive, noticed, wanted, {})
        except RequestError as error:
            if started or media != reply.HTML:
                raise
            problems = error.problems or (ProblemPart(found=error.details().detail),)
            content = site.render("check.html", request, **_form(site) | {"problems": problems})
            response = reply.once(
                content, f"{reply.HTML}; charset=utf-8", status=error.status, headers=dict(error.headers)
            )
            await response(scope, receive, send)


def _form(site: Site) -> dict[str, Any]:
    view = site.desk.knowledge.as_of(site.desk.today())
    return {
        "groups": choices.payer_groups(view, vendors=False),
        "states": [(state, state) for state in choices.states(view)],
        "given": dict.fromkeys((*_ASKED, "severity", "order"), ""),
        "severities": [(key, title) for key, title in SEVERITIES.items() if key],
        "orders": [(key, title) for key, title in ORDERS.items() if key],
        "first_severity": SEVERITIES[""],
        "first_order": ORDERS[""],
        "answers": ANSWERS.items(),
        "most_bytes": site.settings.limits.upload_bytes,
        "values": None,
        "problems": (),
    }


def result_values(site: Site, values: PageValues, job: Job) -> dict[str, Any]:
    """Return what the template of a result needs."""
    horizon = site.desk.knowledge.store.horizon
    last = values.report.last_day or horizon.reviewed
    view = site.desk.knowledge.as_of(min(max(last, horizon.from_), horizon.until))
    known = [key for key in values.citations if key in view.store.sources]
    sources = source_entries(view, known)
    return {
        "values": values,
        "report": values.report,
        "run": values.report.run,
        "day": view.day.isoformat(),
        "entries": {entry.key: entry for entry in sources},
        "sources": sources,
        "paged": edit_names(),
        "glyphs": GLYPHS,
        "severity_words": WORDS,
        "money": money,
        "shown_severity": SEVERITIES[job.severity],
        "shown_order": ORDERS[job.order],
        "edits": sorted({row.edit for row in values.report.edits}),
        "orders": [(key, title) for key, title in ORDERS.items() if key],
        "first_order": ORDERS[""],
    }
