"""The payers' billing rules as rows: both sides of a level, the diagnostic modifier, what is included, the border pair."""

from __future__ import annotations

from collections.abc import Iterator

from facetwise.coding.code import LAYOUTS
from facetwise.coding.judge import payer_name
from facetwise.edits.reference.scope import Scope, certain, cited, deny_if, rule
from facetwise.edits.reference.spans import Row
from facetwise.knowledge.kinds import Billing, Criterion
from facetwise.knowledge.parts import Test
from facetwise.payers import Said

_CLAIMS = ("professional", "facility")
_NEVER = "The record is not to be changed to fit the claim."
_DIAGNOSTIC = "diagnostic"
_LAYOUT_FIX = {
    LAYOUTS[0]: "Report both sides on one line with modifier 50 and one unit",
    LAYOUTS[1]: "Report two lines of one unit, one with RT and one with LT",
    LAYOUTS[2]: "Report both sides on one line with modifier 50 and one unit, or on two lines with RT and LT",
    LAYOUTS[3]: "Report both sides on one line with two units",
}
_REGIONS = {1: "one", 2: "two"}


def billing(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of bilateral_rule, diagnostic_modifier, imaging_rule, destruction_rule and junction_pair."""
    yield from _bilateral(scope)
    yield from _diagnostic(scope)
    yield from _imaging(scope)
    yield from _destruction(scope)
    yield from _junction(scope)


def _bilateral(scope: Scope) -> Iterator[tuple[str, Row]]:
    settings = (*scope.view.store.vocabulary.words["setting"], "")
    for claim in _CLAIMS:
        for code in scope.codes:
            for setting in settings:
                row = _layout(scope, claim, setting, code)
                if row is not None:
                    yield "bilateral_rule", {"code": code, "claim": claim, "setting": setting, **row}


def _layout(scope: Scope, claim: str, setting: str, code: str) -> Row | None:
    """As coding's bilateral_layout: the payer's own, else the program's; nothing where neither says it."""
    question = f"bilateral-{claim}"
    for whose in (scope.asked, *scope.backs):
        for one in scope.said_by(whose, question, claim=claim, setting=setting, codes=code):
            if not isinstance(one.value, Billing) or one.value.layout not in LAYOUTS:
                continue
            if one.value.applies.setting and not setting:
                continue  # whether it bears is not known
            own = whose is scope.asked
            lead = f"How {scope.name} wants both sides reported is not established. {payer_name(whose)}: "
            fix = f"{_LAYOUT_FIX[one.value.layout]}, if both sides were treated. {_NEVER}"
            severity = deny_if(own and certain(one))
            return {
                "layout": one.value.layout,
                "own": int(own),
                **rule(scope, [one], severity=severity, fix=fix, lead="" if own else lead),
            }
    return None


def _diagnostic(scope: Scope) -> Iterator[tuple[str, Row]]:
    first, wanted = _before_therapy(scope)
    for facet in scope.codes.values():
        seen: set[str] = set()
        for one in scope.said_of("diagnostic-modifier", facet.techniques):
            value = one.value
            if not isinstance(value, Billing) or (value.codes and facet.code not in value.codes):
                continue
            if value.applies.purpose and _DIAGNOSTIC not in value.applies.purpose:
                continue
            for modifier in value.modifiers:
                if modifier not in seen:
                    seen.add(modifier)
                    fix = f"Put {modifier} on the line only if the record says that it was diagnostic. {_NEVER}"
                    words = rule(scope, [one, *first], severity="review", fix=fix)
                    yield "diagnostic_modifier", {"code": facet.code, "modifier": modifier, "wanted": wanted, **words}


def _before_therapy(scope: Scope) -> tuple[list[Said], int]:
    """Return who says how many diagnostic procedures come before a first therapeutic one, and how many."""
    for one in scope.said("therapeutic-first"):
        if isinstance(one.value, Criterion) and one.value.test is not None:
            wanted = _earlier_diagnostic(one.value.test)
            if wanted:
                return [one], wanted
    return [], 0


def _earlier_diagnostic(test: Test) -> int:
    """Return the number of diagnostic procedures that a test wants in every case."""
    if test.prior is not None and _DIAGNOSTIC in test.prior.purpose:
        return int(test.count.at_least or 1) if test.count is not None else 1
    return max((_earlier_diagnostic(one) for one in test.all), default=0)


def _imaging(scope: Scope) -> Iterator[tuple[str, Row]]:
    fix = (
        "Take the guidance line off, unless it guided another procedure of the day; then report it with that one and the"
        " modifier that says so."
    )
    included = [
        one
        for one in scope.said("bundled-services")
        if isinstance(one.value, Billing) and one.value.layout == "included"
    ]
    for facet in scope.codes.values():
        own = [one for one in included if not one.value.codes or facet.code in one.value.codes]
        # The code itself holds its guidance, so a payer's own words on it, however sure, do not make it less so.
        row = rule(scope, own, severity="deny", fix=fix)
        row["statement"] = row["statement"] or "The code holds its imaging guidance."
        row["citations"] = " ".join(dict.fromkeys((*row["citations"].split(), *facet.citations)))
        for guidance in facet.guidance_included:
            yield "imaging_rule", {"code": facet.code, "guidance": guidance, **row}


def _destruction(scope: Scope) -> Iterator[tuple[str, Row]]:
    fix = "Do not report an injection into a joint that was ablated on the same side in the same session."
    for whose in (scope.asked, *scope.backs):
        for one in scope.said_by(whose, "bundled-services"):
            if not isinstance(one.value, Billing) or one.value.layout != "report_more_extensive":
                continue
            own = whose is scope.asked
            lead = "" if own else f"{scope.name} has no rule of its own in the knowledge; this is the program's. "
            row = rule(scope, [one], severity=deny_if(own and certain(one)), fix=fix, lead=lead)
            yield "destruction_rule", {"own": int(own), **row}
            return


def _junction(scope: Scope) -> Iterator[tuple[str, Row]]:
    """As coding's junction.find, but by code: a claim does not tell the joints."""
    seen: set[tuple[str, str]] = set()
    pairs: list[tuple[str, str, str, Said]] = []
    for one in scope.said("junction-pair"):
        value = one.value
        if not isinstance(value, Billing) or len(value.joints) != 2 or len(value.codes) != 2:
            continue
        upper, lower = value.codes
        known = scope.codes.get(upper)
        if known is not None and lower in scope.codes and (upper, lower) not in seen:
            seen.add((upper, lower))
            pairs.append((known.kind, upper, lower, one))
    for kind, upper, lower, one in pairs:
        regions = _REGIONS.get(one.value.regions or 0, "not_established")
        if regions == "one" and not certain(one):
            regions = "not_established"
        fix = "Ask the contractor as how many regions it counts the pair, and keep its answer with the record."
        row = rule(scope, [one], severity="review", fix=fix)
        region = one.value.region or scope.codes[lower].region
        yield (
            "junction_pair",
            {"kind": kind, "upper": upper, "lower": lower, "regions": regions, "region": region, **row},
        )
        for code, other in ((upper, lower), (lower, upper)):
            named = {"code": code, "other": other, "statement": row["statement"], "citations": cited([one])}
            yield "junction", named
