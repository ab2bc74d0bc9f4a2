"""Planted errors: each recipe spoils a clean visit in one way and names the findings that this brings about.

A recipe yields (claims, expected findings) for a payer's book, or nothing where the payer's rules have no such error. What the NCCI tables
say of the spoiled lines is added to every list, since a line that is wrong in one way is often over a unit limit as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from facetwise.knowledge.kinds import Position
from facetwise.sample.books import families, techniques_of
from facetwise.sample.clean import REGIONS, Maker, Variant, claim_authorized, plain_claim
from facetwise.sample.mix import PlainLine
from facetwise.sample.outcomes import (
    border_pair,
    counts_sessions,
    levels_over,
    purpose_tells,
    sedation_status,
    third_level_edit,
)
from facetwise.sample.patterns import (
    BOTH,
    BOTH_MODIFIER,
    LEFT,
    PROFESSIONAL,
    RIGHT,
    SIDE_MODIFIER,
    Claim,
    Expected,
    Line,
    Pattern,
)

Planted = Iterator[tuple[tuple[Claim, ...], tuple[Expected, ...]]]
Recipe = Callable[[Maker], Planted]
_REFUSED = ("not_covered", "appeal_only")
_KNOWN = "fact-not-established"
_OFFICE = "office"
_LONG_AGO = (200, 230, 260, 290, 320, 340, 350, 360)  # days before, outside half a year and within one


def planted(maker: Maker, plain: str) -> Iterator[Pattern]:
    """Yield the patterns with an error under the maker's book; `plain` is the visit that errors outside facet care are put on."""
    book = maker.book
    recipes = dict(ANY_PAYER)
    if book.asked is not None:
        recipes |= KNOWN_PAYER
    for name, recipe in recipes.items():
        for claims, expected in recipe(maker) if name in KNOWN_PAYER else recipe(_On(maker, plain)):
            more = maker.ncci.findings(book.view, claims, book.start, book.end)
            merged = {(one.edit, one.claim, one.line): one for one in (*more, *expected)}
            yield Pattern(claims, book.start, book.end, name, tuple(sorted(merged.values())))


class _On(Maker):
    """A maker whose errors go on a plain visit."""

    def __init__(self, maker: Maker, plain: str):
        super().__init__(maker.book, maker.mix, maker.ncci, maker.diagnoses)
        self.visit = plain_claim(maker.mix.visits[plain])

    def stand_ins(self, role: str) -> Iterator[tuple[Claim, Line]]:
        """Yield the visit with each of the codes of a role added, and the line."""
        for one in self.mix.stand_ins.get(role, ()):
            line = _line(self, one)
            yield replace(self.visit, lines=(*self.visit.lines, line)), line


def _line(maker: Maker, one: PlainLine) -> Line:
    return Line(one.code, one.modifiers, one.units, maker.mix.charges["professional", "other"])


def _office(purpose: str, region: str, side: str = RIGHT, levels: int = 1) -> Variant:
    return Variant(purpose, region, side, levels, _OFFICE)


# -- errors of any claim -----------------------------------------------------------------------------------------


def _add_on_alone(on: Maker) -> Planted:
    assert isinstance(on, _On)
    for claim, line in on.stand_ins("add-on"):
        primaries = on.ncci.primaries(line.code, on.book.start)
        if primaries and not primaries & {one.code for one in claim.lines}:
            yield (claim,), (Expected("add-on-without-primary", 0, len(claim.lines)),)


def _too_many_units(on: Maker) -> Planted:
    assert isinstance(on, _On)
    for claim, line in on.stand_ins("too-many"):
        if any(line.units > value for _, _, value, _ in on.ncci.limits.get((1, line.code), ())):
            spoiled = (replace(claim, lines=(line,)),)
            if on.ncci.findings(on.book.view, spoiled, on.book.start, on.book.end):
                yield spoiled, ()


def _ended_code(on: Maker) -> Planted:
    assert isinstance(on, _On)
    for claim, line in on.stand_ins("ended"):
        thing = next(
            (one for one in on.book.view.store.things.values() if one.kind == "code" and one.slug == line.code), None
        )
        if thing is not None and all(dated.end and dated.end < on.book.start for dated in thing.history):
            yield (claim,), (Expected("code-not-effective", 0, len(claim.lines)),)


# -- errors of facet claims --------------------------------------------------------------------------------------


def _second_level_alone(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region, levels=2))
        if maker.ncci.primaries(claim.lines[-1].code, maker.book.start):
            yield (replace(claim, lines=claim.lines[1:]),), ()


def _pair(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region))
        for one in maker.mix.stand_ins.get("other-procedure", ()):
            # Both lines name the same side, so that the side modifiers show no separate site.
            line = replace(_line(maker, one), modifiers=claim.lines[0].modifiers[:1])
            spoiled = (replace(claim, lines=(*claim.lines, line)),)
            if maker.ncci.findings(maker.book.view, spoiled, maker.book.start, maker.book.end):
                yield spoiled, ()


def _two_units(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region))
        first = claim.lines[0]
        yield (replace(claim, lines=(replace(first, units=2),)),), (Expected("units-not-one", 0, 1),)


def _right_and_left(maker: Maker) -> Planted:
    for region in REGIONS:
        variant = _office("diagnostic", region, BOTH)
        claim = maker.claim(variant)
        if maker.book.layout(claim.lines[0].code, "professional", _OFFICE) != "modifier_50_one_line":
            continue
        both = claim.lines[0]
        extra = both.modifiers[1:]
        lines = tuple(
            replace(both, modifiers=(SIDE_MODIFIER[side], *extra), charge=both.charge * 2 // 3)
            for side in (RIGHT, LEFT)
        )
        yield (replace(claim, lines=lines),), (Expected("bilateral-reporting", 0, 2, 0, 1),)


def _both_sides_at_center(maker: Maker) -> Planted:
    for region in REGIONS:
        variant = Variant("diagnostic", region, BOTH, 1, "asc")
        professional, center = maker.claims(variant)
        first = center.lines[0]
        if maker.book.layout(first.code, "facility", "asc") != "rt_lt_two_lines":
            continue
        spoiled = replace(first, modifiers=(BOTH_MODIFIER, *first.modifiers[1:]), charge=first.charge * 2)
        yield (professional, replace(center, lines=(spoiled,))), (Expected("bilateral-reporting", 1, 1),)


def _both_and_right(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region, BOTH))
        first = claim.lines[0]
        if maker.book.layout(first.code, "professional", _OFFICE) == "modifier_50_one_line":
            spoiled = replace(first, modifiers=(BOTH_MODIFIER, SIDE_MODIFIER[RIGHT], *first.modifiers[1:]))
            yield (replace(claim, lines=(spoiled,)),), (Expected("bilateral-reporting", 0, 1),)


def _no_side(maker: Maker) -> Planted:
    for purpose in ("diagnostic", "ablation"):
        for region in REGIONS:
            claim = maker.claim(_office(purpose, region))
            first = claim.lines[0]
            yield (
                (replace(claim, lines=(replace(first, modifiers=first.modifiers[1:]),)),),
                (Expected("laterality-missing", 0, 1),),
            )


def _third_level(maker: Maker, *, second: bool) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region, levels=3))
        lines = claim.lines if second else (claim.lines[0], claim.lines[2])
        found = [Expected(third_level_edit(maker, lines[-1].code, region), 0, len(lines))]
        found += [Expected(edit, 0, len(lines)) for edit in levels_over(maker, "diagnostic", region, len(lines))]
        yield (replace(claim, lines=lines),), tuple(found)


def _three_levels(maker: Maker) -> Planted:
    yield from _third_level(maker, second=True)


def _first_and_third(maker: Maker) -> Planted:
    yield from _third_level(maker, second=False)


def _ablation_levels(maker: Maker) -> Planted:
    for region in REGIONS:
        for levels in (3, 4):
            claim = maker.claim(_office("ablation", region, LEFT, levels))
            over = levels_over(maker, "ablation", region, levels)
            if over:
                yield (claim,), tuple(Expected(edit, 0, len(claim.lines)) for edit in over)


def _two_regions(maker: Maker) -> Planted:
    family = maker.family("diagnostic", REGIONS[0])
    limits = [one.value for one in maker.book.limits("regions-per-session", family.technique)]
    if not any(one.window.kind == "session" and one.at_most is not None and one.at_most < 2 for one in limits):
        return
    for purpose, above, below in (("diagnostic", 2, 1), ("diagnostic", 1, 2), ("ablation", 1, 1)):
        first = maker.claim(_office(purpose, REGIONS[0], levels=above))
        second = maker.claim(_office(purpose, REGIONS[1], levels=below))
        lines = (*first.lines, *second.lines)
        if not border_pair(maker, purpose, {line.code for line in lines}):
            claim = replace(first, lines=lines, authorized=first.authorized or second.authorized)
            # Where the limit on levels is not per region, the two regions add up; it is said of the highest level.
            over = levels_over(maker, purpose, REGIONS[0], above + below, within="session")
            highest = above if above > below else len(lines)
            found = [Expected("region-limit", 0, len(lines)), *(Expected(edit, 0, highest) for edit in over)]
            yield (claim,), tuple(found)


def _too_many_sessions(maker: Maker, *, history: bool) -> Planted:
    for purpose in ("diagnostic", "ablation"):
        for region in REGIONS:
            family = maker.family(purpose, region)
            most = [
                int(one.at_most or 0)
                for one in maker.book.over_time(family.technique)
                if counts_sessions(maker, one, purpose)
            ]
            spaced = any(one.at_most == 1 for one in maker.book.over_time(family.technique))
            if not most or (spaced and not history):
                continue  # sessions in the claims are judged themselves, and these would follow each other too soon
            claim = maker.claim(_office(purpose, region))
            earlier = [claim.before(days, history=history) for days in _LONG_AGO[: min(most)]]
            yield (claim, *earlier), (Expected("session-limit", 0, 1),)


def _sessions_in_history(maker: Maker) -> Planted:
    yield from _too_many_sessions(maker, history=True)


def _sessions_in_claims(maker: Maker) -> Planted:
    yield from _too_many_sessions(maker, history=False)


def _ablation_again(maker: Maker) -> Planted:
    for region in REGIONS:
        family = maker.family("ablation", region)
        spans = [
            one
            for one in maker.book.over_time(family.technique)
            if one.window.kind == "rolling" and one.at_most == 1 and one.applies.technique == family.technique
        ]
        if spans:
            claim = maker.claim(_office("ablation", region))
            yield (claim, claim.before(90, history=True)), (Expected("repeat-too-soon", 0, 1, 1, 1),)


def _diagnostic_again(maker: Maker) -> Planted:
    for region in REGIONS:
        family = maker.family("diagnostic", region)
        claim = maker.claim(_office("diagnostic", region))
        days = maker.book.apart(family.technique)
        if days > 3 and purpose_tells(maker, region):
            yield (claim, claim.before(days // 2, history=True)), (Expected("repeat-too-soon", 0, 1, 1, 1),)


def _no_diagnostic_modifier(maker: Maker) -> Planted:
    for region in REGIONS:
        if purpose_tells(maker, region):
            yield (maker.claim(_office("therapeutic", region)),), (Expected("diagnostic-modifier-missing", 0, 1),)


def _imaging(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region))
        for one in maker.mix.stand_ins.get("imaging", ()):
            lines = (*claim.lines, _line(maker, one))
            yield (replace(claim, lines=lines),), (Expected("imaging-included", 0, len(lines), 0, 1),)


def _ultrasound(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("therapeutic", region))
        for one in maker.mix.stand_ins.get("ultrasound", ()):
            here = any(region in family.region for family in families(maker.book.view, one.code))
            said = maker.book.said("ultrasound-position", "medial_branch_block", guidance="ultrasound")
            covered = [s for s in said if isinstance(s.value, Position) and s.value.position.startswith("covered")]
            if here and not covered:
                line = replace(_line(maker, one), modifiers=claim.lines[0].modifiers[:1])
                yield (claim_authorized(replace(claim, lines=(line,))),), (Expected("ultrasound-guided", 0, 1),)


def _unlisted(maker: Maker) -> Planted:
    region = REGIONS[1]
    claim = maker.claim(_office("therapeutic", region))
    for one in maker.mix.stand_ins.get("unlisted", ()):
        wants = [
            said
            for technique in ("medial_branch_block", "radiofrequency_ablation")
            for said in maker.book.said("imaging-guidance", technique)
        ]
        wants += [
            said
            for said in maker.book.said("excluded-techniques")
            if isinstance(said.value, Position)
            and "none" in said.value.applies.guidance
            and said.value.position in _REFUSED
        ]
        found = [Expected("image-guidance-missing", 0, 1)] if wants else []
        refused = [
            said
            for said in maker.book.said("code-position")
            if isinstance(said.value, Position) and one.code in said.value.codes and said.value.position in _REFUSED
        ]
        found += [Expected("technique-not-covered", 0, 1)] if refused else []
        if found:
            line = replace(_line(maker, one), modifiers=claim.lines[0].modifiers[:1])
            yield (claim_authorized(replace(claim, lines=(line,))),), tuple(found)


def _excluded_technique(maker: Maker) -> Planted:
    claim = plain_claim(maker.mix.visits["sacroiliac"])
    for one in maker.mix.stand_ins.get("excluded-technique", ()):
        if maker.book.excludes(techniques_of(maker.book.view, one.code)):
            yield (
                (claim_authorized(replace(claim, lines=(_line(maker, one),))),),
                (Expected("technique-not-covered", 0, 1),),
            )


def _unsupported(maker: Maker) -> Planted:
    for purpose in ("diagnostic", "ablation"):
        for region in REGIONS:
            claim = maker.claim(_office(purpose, region))
            listed = maker.book.supports(claim.lines[0].code)
            unsupported = maker.mix.diagnoses["unsupported"]
            if listed is not None and not {code for code, _ in unsupported} & set(listed.supports):
                yield (replace(claim, diagnoses="unsupported"),), (Expected("diagnosis-not-supporting", 0, 1),)


def _sedation(maker: Maker) -> Planted:
    for region in REGIONS:
        claim = maker.claim(_office("diagnostic", region))
        said = maker.book.said("sedation", maker.family("diagnostic", region).technique[0])
        levels = {row["code"]: row["level"] for _, row in maker.book.view.rows("edits/sedation-codes")}
        for one in maker.mix.stand_ins.get("sedation", ()):
            tests = [said_.value.test for said_ in said if getattr(said_.value, "test", None) is not None]
            if one.code in levels and any(sedation_status(test, levels[one.code]) is not True for test in tests):
                lines = (*claim.lines, _line(maker, one))
                yield (replace(claim, lines=lines),), (Expected("sedation-not-covered", 0, len(lines), 0, 1),)


def _not_authorized(maker: Maker) -> Planted:
    for purpose in ("diagnostic", "ablation"):
        for region in REGIONS:
            for setting in (_OFFICE, "hopd"):
                variant = Variant(purpose, region, RIGHT, 1, setting)
                technique = maker.family(purpose, region).technique
                claims = tuple(replace(claim, authorized=False) for claim in maker.claims(variant))
                found = [
                    Expected("prior-authorization-missing", number, place)
                    for number, claim in enumerate(claims)
                    for place, line in enumerate(claim.lines, 1)
                    if maker.book.authorization(line.code, technique, setting, claim.claim) == "yes"
                    and not (
                        claim.form == PROFESSIONAL
                        and maker.book.authorization_is_the_facilitys(line.code, technique, setting)
                    )
                ]
                if found:
                    yield claims, tuple(found)


def _injected_and_ablated(maker: Maker) -> Planted:
    for region in REGIONS:
        ablation, injection = maker.claim(_office("ablation", region)), maker.claim(_office("diagnostic", region))
        lines = (*ablation.lines, *injection.lines)
        claim = replace(ablation, lines=lines, authorized=ablation.authorized or injection.authorized)
        yield (claim,), (Expected("destruction-includes-injection", 0, 2, 0, 1),)


ANY_PAYER: dict[str, Recipe] = {
    "add-on alone": _add_on_alone,
    "too many units": _too_many_units,
    "ended code": _ended_code,
}
KNOWN_PAYER: dict[str, Recipe] = {
    "second level alone": _second_level_alone,
    "pair": _pair,
    "two units": _two_units,
    "right and left lines": _right_and_left,
    "both sides on one line of a center": _both_sides_at_center,
    "both sides and right": _both_and_right,
    "no side": _no_side,
    "three levels": _three_levels,
    "first and third level": _first_and_third,
    "ablation of many levels": _ablation_levels,
    "two regions": _two_regions,
    "sessions in history": _sessions_in_history,
    "sessions in claims": _sessions_in_claims,
    "ablation again": _ablation_again,
    "diagnostic again": _diagnostic_again,
    "no diagnostic modifier": _no_diagnostic_modifier,
    "imaging": _imaging,
    "ultrasound": _ultrasound,
    "unlisted": _unlisted,
    "excluded technique": _excluded_technique,
    "unsupported diagnosis": _unsupported,
    "sedation": _sedation,
    "not authorized": _not_authorized,
    "injected and ablated": _injected_and_ablated,
}
