"""Where the payer stands on the code: third level, ultrasound guidance, techniques that it does not cover."""

from __future__ import annotations

from collections.abc import Iterator

from edits.oracle.claims import Claims, Line
from edits.oracle.finding import Found
from edits.oracle.world import World, hard
from facetwise.knowledge.kinds import Position
from facetwise.payers import Said

_ULTRASOUND = "ultrasound"


def _refuses(value: Position) -> bool:
    return value.position in ("not_covered", "appeal_only")


def _covers(value: Position) -> bool:
    return value.position in ("covered", "covered_with_criteria")


def _naming(world: World, line: Line, question: str) -> list[Said]:
    """Return the payer's positions that name the line's code, for any technique that the code may report."""
    techniques = world.techniques_of(line.day, line.code)
    return [
        one
        for one in world.said(line.day, line.book, question, techniques)
        if isinstance(one.value, Position) and line.code in one.value.codes and one.value.when is None
    ]


def _by_ultrasound(line: Line) -> bool:
    return line.facet is not None and _ULTRASOUND in line.facet.guidance


def third_level(world: World, claims: Claims) -> Iterator[Found]:
    """A third level that the payer refuses, or on which it has not been heard. Ultrasound-guided codes are judged as such."""
    for line in claims.checked:
        if line.facet is None or line.facet.rank != "third_and_further" or _by_ultrasound(line) or not line.book.payer:
            continue
        said = _naming(world, line, "third-level-position") or _naming(world, line, "code-position")
        refused = [one for one in said if _refuses(one.value)]
        if refused:
            yield line.finding("third-level-not-covered", "deny" if hard(refused, _refuses) else "review")
        elif not any(_covers(one.value) for one in said):
            yield line.finding("fact-not-established", "review", apart="third-level", code=line.code)


def ultrasound_guided(world: World, claims: Claims) -> Iterator[Found]:
    """A facet code guided by ultrasound that the payer refuses, or on which it has not been heard."""
    for line in claims.checked:
        if line.facet is None or not _by_ultrasound(line) or not line.book.payer:
            continue
        techniques = world.techniques_of(line.day, line.code)
        said = [
            one
            for one in world.said(line.day, line.book, "ultrasound-position", techniques, guidance=_ULTRASOUND)
            if isinstance(one.value, Position) and _ULTRASOUND in one.value.applies.guidance
        ]
        said += _naming(world, line, "code-position")
        refused = [one for one in said if _refuses(one.value)]
        if refused:
            yield line.finding("ultrasound-guided", "deny" if hard(refused, _refuses) else "review")
        elif not any(_covers(one.value) for one in said):
            yield line.finding("ultrasound-guided", "review", known=len(said))


def technique_not_covered(world: World, claims: Claims) -> Iterator[Found]:
    """A code all of whose techniques the payer excludes, or a code that it lists as not covered.

    A listing for some techniques only (the unlisted code) bears on a line with a facet diagnosis, for a person to look at.
    """
    edit = "technique-not-covered"
    for line in claims.checked:
        excluded = _all_excluded(world, line)
        if excluded:
            yield line.finding(edit, "deny" if hard(excluded, _refuses) else "review")
        if line.facet and (line.facet.rank == "third_and_further" or _by_ultrasound(line)):
            continue
        refused = [one for one in _naming(world, line, "code-position") if _refuses(one.value)]
        whole = [one for one in refused if not one.value.applies.technique]
        if whole:
            yield line.finding(edit, "deny" if hard(whole, _refuses) else "review")
        elif refused and facet_diagnosis(world, line):
            yield line.finding(edit, "review")


def _all_excluded(world: World, line: Line) -> list[Said]:
    techniques = world.techniques_of(line.day, line.code)
    found: list[Said] = []
    for technique in techniques:
        said = [
            one
            for one in world.said(line.day, line.book, "excluded-techniques", (technique,))
            if technique in one.value.applies.technique and not one.value.applies.guidance and _refuses(one.value)
        ]
        if not said:
            return []
        found += said
    return found


def facet_diagnosis(world: World, line: Line) -> bool:
    """Whether the line points to a diagnosis of facet pain, as fine as it is billed."""
    known = [
        row for one in line.diagnoses for row in world.rows("diagnoses/facet-diagnoses", "code", dotted(one), line.day)
    ]
    return any(row["billable"] is not False for row in known)


def dotted(diagnosis: str) -> str:
    """Return a diagnosis as the knowledge writes it: claims leave the dot out."""
    return f"{diagnosis[:3]}.{diagnosis[3:]}" if len(diagnosis) > 3 else diagnosis
