"""The questions of this tool, asked of one loaded knowledge: what the API, the pages and other doors share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date
from typing import Any

from facetwise.briefing import changes
from facetwise.briefing.build import build
from facetwise.coding import Coded, code, read_encounters
from facetwise.coding.encounter import Encounter
from facetwise.coverage.case import Case, read_cases
from facetwise.coverage.determination import Determination, cover
from facetwise.document.model import Document
from facetwise.knowledge import Knowledge
from facetwise.payment.answer import Answer
from facetwise.payment.compare import Comparison, compare
from facetwise.payment.price import Pricer
from facetwise.payment.request import Request, read_requests
from facetwise.problems import FacetwiseError, Problem
from facetwise.web.check.small import Checks
from facetwise.web.warm import WarmKnowledge

# What a body is called in an error; it has no file.
BODY = "the request"


class Desk:
    """Answers from one knowledge. It keeps nothing of what it is asked, and may be asked from several threads."""

    def __init__(self, knowledge: Knowledge):
        self.knowledge = WarmKnowledge(knowledge.store)
        self.checks = Checks(knowledge)
        self._pricer = Pricer(self.knowledge)

    def today(self) -> date:
        """Return today, or the nearest day that the knowledge answers for."""
        horizon = self.knowledge.store.horizon
        return max(horizon.from_, min(date.today(), horizon.until))

    def day(self, text: str, what: str) -> date:
        """Return the date of `text`, today for an empty one. Raises FacetwiseError that names `what`."""
        if not text:
            return self.today()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise FacetwiseError(
                Problem("", 0, f"{what} {text!r} is not a date", "a date such as 2026-03-02 (year, month, day)")
            ) from None

    def brief(self, name: str, day: date, audience: str = "", payers: tuple[str, ...] = ()) -> Document:
        """Return the briefing on a code. Raises FacetwiseError as `build` does."""
        return build(self.knowledge, name, day, audience=audience, payers=payers)

    def changes(self, start: date, end: date, name: str = "", payers: tuple[str, ...] = ()) -> list[changes.Change]:
        """Return what changed from `start` to `end`, newest first. Raises FacetwiseError."""
        if end < start:
            raise FacetwiseError(Problem("", 0, f"to {end} lies before from {start}", "a span of dates"))
        return changes.between(self.knowledge.store, start, end, name, payers)

    def encounters(self, text: str) -> list[Encounter]:
        """Read one encounter or several. Raises FacetwiseError."""
        return read_encounters(text, BODY, self.knowledge)

    def code(self, encounter: Encounter) -> Coded:
        """Return the claim lines of an encounter."""
        return code(encounter, self.knowledge)

    def cases(self, text: str) -> list[Case]:
        """Read one case or several. Raises FacetwiseError."""
        return read_cases(text, BODY, self.knowledge)

    def cover(self, case: Case) -> Determination:
        """Return the determination of a case."""
        return cover(case, self.knowledge)

    def claims(self, text: str, *, everywhere: bool = False) -> list[Request]:
        """Read what is to be priced; `everywhere`: in each setting, so that none need be said. Raises FacetwiseError."""
        return read_requests(text, BODY, self.knowledge, {}, compare=everywhere)[0]

    @contextlib.contextmanager
    def pricer(self) -> Iterator[Pricer]:
        """Give what prices. The catalog is open only as long as it is needed, so that releases can be loaded meanwhile."""
        from facetwise import catalog

        if not catalog.catalog_path().is_file():
            yield self._pricer
            return
        with catalog.open_catalog() as held:
            yield Pricer(self.knowledge, held)

    def price(self, requests: list[Request]) -> list[Answer]:
        """Return the priced claims. Raises FacetwiseError, with exit code 3 where a release is missing."""
        with self.pricer() as pricer:
            pricer.prefetch(requests)
            return [pricer.price(request) for request in requests]

    def compare(self, request: Request) -> Comparison:
        """Return one claim in each setting. Raises what `price` raises."""
        with self.pricer() as pricer:
            return compare(request, pricer, self.knowledge)

    def releases(self) -> list[Any]:
        """Return every kind of official release as the catalog on this machine has it."""
        from facetwise import catalog
        from facetwise.catalog.status import status

        with catalog.open_catalog() as held:
            return list(status(held, date.today()))
