"""What stands beside a facet line on the same day: imaging, sedation, another procedure at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from edits.oracle.claims import Claims, Line
from edits.oracle.finding import Found
from edits.oracle.limits import certain
from edits.oracle.windows import overlap
from edits.oracle.world import ABLATION, INJECTION, Book, World, bears_on
from facetwise.coverage.logic import Outcome, Status, all_of, any_of, compare, not_of
from facetwise.findings import Severity
from facetwise.knowledge.kinds import Billing, Criterion
from facetwise.knowledge.parts import Test

_SEDATION = "procedure.sedation"
_PASSIVE = frozenset(("drug", "sedation", "anesthesia", "evaluation"))


def imaging_included(world: World, claims: Claims) -> Iterator[Found]:
    """Imaging guidance is billed beside a facet code that holds this kind of imaging itself."""
    edit = "imaging-included"
    for line in claims.checked:
        kind = _imaging(world, line.day, line.code)
        if not kind:
            continue
        visit = claims.together(line)
        facet = next((one for one in visit if one.facet and kind in _included(world, one)), None)
        if facet is None:
            continue
        if not line.bypass:
            yield line.finding(edit, "deny", facet)
        elif not any(_could_take_imaging(world, one) for one in visit):
            yield line.finding(edit, "review", facet)


def _imaging(world: World, day: date, code: str) -> str:
    rows = world.rows("edits/imaging-codes", "code", code, day)
    return str(rows[0]["guidance"]) if rows else ""


def _included(world: World, line: Line) -> tuple[str, ...]:
    value = world.code(line.day, line.code)
    return value.guidance_included if value else ()


def _could_take_imaging(world: World, line: Line) -> bool:
    """Whether the line is a further procedure that imaging may have guided: no facet, no imaging, no drug, visit or sedation."""
    if line.facet or _imaging(world, line.day, line.code):
        return False
    value = world.code_ever(line.code)
    passive = value is not None and not _PASSIVE.isdisjoint(value.technique)
    visit = any("visit" in (row["what"] or "") for row in world.rows("codes/others", "code", line.code))
    return not (passive or visit or world.rows("edits/sedation-codes", "code", line.code))


def sedation_not_covered(world: World, claims: Claims) -> Iterator[Found]:
    """Sedation or anesthesia with a facet procedure, by whomever, that the payer's text refuses or leaves to the record."""
    for line in claims.checked:
        levels = [row["level"] for row in world.rows("edits/sedation-codes", "code", line.code, line.day)]
        facets = [one for one in claims.of_day[line.person, line.day] if one.facet]
        if not levels or not facets:
            continue
        found: list[tuple[Severity, Line]] = []
        for kind in sorted({one.facet.kind for one in facets if one.facet}):
            first = next(one for one in facets if one.facet and one.facet.kind == kind)
            for one in world.said(line.day, line.book, "sedation"):
                if not isinstance(one.value, Criterion) or not bears_on(world, one.value, kind):
                    continue
                status = _at_each([_with(one.value.test, level) for level in levels])
                if status == "not_met":
                    found.append((certain(one), first))
                elif status == "unknown":
                    found.append(("review", first))
        if found:
            severity = min(severity for severity, _ in found)
            with_it = min((one for graded, one in found if graded == severity), key=lambda one: one.id)
            yield line.finding("sedation-not-covered", severity, with_it, levels=levels)


def _at_each(statuses: list[Status]) -> Status:
    return statuses[0] if len(set(statuses)) == 1 else "unknown"


def _with(test: Test | None, level: str) -> Status:
    """Return whether a criterion is met when only the level of sedation is known."""
    return _evaluate(test, level).status if test else "unknown"


def _evaluate(test: Test, level: str) -> Outcome:
    if test.all:
        return all_of(_evaluate(one, level) for one in test.all)
    if test.any:
        return any_of(_evaluate(one, level) for one in test.any)
    if test.none:
        return not_of(any_of(_evaluate(one, level) for one in test.none))
    if test.prior is not None:
        return Outcome("unknown", {}, ("history",))
    return compare(test, level if test.asks == _SEDATION else None, None)


def destruction_includes_injection(world: World, claims: Claims) -> Iterator[Found]:
    """An injection beside an ablation of the same region and side by the same provider on the same day."""
    for line in claims.checked:
        if line.facet is None or line.facet.kind != INJECTION or not line.book.payer:
            continue
        ablation = next(
            (
                one
                for one in claims.together(line)
                if one.facet
                and one.facet.kind == ABLATION
                and one.facet.region == line.facet.region
                and overlap(line, one)
            ),
            None,
        )
        severity = _destroyed(world, line)
        if ablation and severity:
            yield line.finding("destruction-includes-injection", "review" if line.bypass else severity, ablation)


def _destroyed(world: World, line: Line) -> Severity | None:
    """Return how sure the rule is: the payer's own, else the public program's, which is only a hint for other payers."""
    asked: list[tuple[Book, bool]] = [(line.book, True), *((book, False) for book in world.program_rules(line.day))]
    for book, own in asked:
        for one in world.said(line.day, book, "bundled-services"):
            if isinstance(one.value, Billing) and one.value.layout == "report_more_extensive":
                return "deny" if own and one.dated.evidence != "inferred" and not one.conflicting else "review"
    return None
