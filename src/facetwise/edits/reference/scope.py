"""What the knowledge says of one payer on one day, asked often and answered once; and the facet codes of that day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from facetwise.coding.judge import fallbacks, payer_name
from facetwise.coding.verdicts import standing
from facetwise.edits.reference.spans import Row
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Code, Family
from facetwise.payers import Rules, Said, bears

INJECTION, ABLATION = "injection", "ablation"
DiagnosisKey = tuple[tuple[str, ...], tuple[str, ...]]  # the diagnoses that support, and those of them with a footnote


@dataclass(frozen=True, slots=True)
class FacetCode:
    """A facet code on a day: what it reports, and on whose word."""

    code: str
    kind: str
    region: str
    rank: str
    units_rule: str
    family: str
    techniques: tuple[str, ...]
    citations: tuple[str, ...]
    guidance: tuple[str, ...] = ()
    guidance_included: tuple[str, ...] = ()


@dataclass
class Scope:
    """The rules of one payer on one day. `said` answers as `Rules.said` does, from answers that are looked up once.

    `lists` numbers the lists of diagnoses.
    """

    view: View
    asked: Rules
    codes: dict[str, FacetCode]
    lists: dict[DiagnosisKey, int] = field(default_factory=dict)
    _all: dict[tuple[str, str], list[Said]] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """The payer's name for messages."""
        return payer_name(self.asked)

    @cached_property
    def backs(self) -> list[Rules]:
        """Whose rules are taken, openly, where the payer's own are silent."""
        return fallbacks(self.view, self.asked)

    def said(self, question: str, technique: str = "", **facts: str) -> list[Said]:
        """Return what the payer says to a question of a procedure with these facts."""
        return self.said_by(self.asked, question, technique, **facts)

    def said_by(self, rules: Rules, question: str, technique: str = "", **facts: str) -> list[Said]:
        """Return what these rules say to a question of a procedure with these facts."""
        key = (rules.whose, question)
        if key not in self._all:
            self._all[key] = rules.said(question)
        return [one for one in self._all[key] if bears(getattr(one.value, "applies", None), technique, facts)]

    def said_of(self, question: str, techniques: tuple[str, ...], **facts: str) -> list[Said]:
        """Return what is said of any of these techniques, each answer once."""
        found: dict[tuple[int, int], Said] = {}
        for technique in techniques:
            for one in self.said(question, technique, **facts):
                found.setdefault((id(one.dated), id(one.answer.thing)), one)
        return list(found.values())

    def kinds(self, techniques: tuple[str, ...]) -> list[str]:
        """Return the kinds (injection, ablation) that a rule for these techniques bears on as a whole.

        A claim does not tell a block from an injection into the joint, so a rule for one of them cannot be judged.
        """
        by_kind: dict[str, set[str]] = {}
        for one in self.codes.values():
            by_kind.setdefault(one.kind, set()).update(one.techniques)
        wanted = set(techniques)
        return [kind for kind in (INJECTION, ABLATION) if kind in by_kind and (not wanted or by_kind[kind] <= wanted)]


def certain(one: Said) -> bool:
    """Whether a rule may deny: neither inferred nor in dispute."""
    return not one.conflicting and one.dated.evidence != "inferred"


def hard(one: Said, says: Callable[[Any], bool]) -> bool:
    """Whether what is said stands: not inferred, and where sources disagree, each of them `says` the same here."""
    sides = one.answer.dated.sides if one.answer.dated is not None else ()
    agreed = all(side.value is not None and says(side.value) for side in sides)
    return one.dated.evidence != "inferred" and (not one.conflicting or agreed)


def rule(scope: Scope, said: list[Said], *, severity: str, fix: str, lead: str = "") -> Row:
    """Return the columns that every rule row has, from those who say it; the first's standing is told."""
    words = " ".join(dict.fromkeys(one.value.statement for one in said))
    return {
        "payer": scope.name,
        "severity": severity,
        "statement": f"{lead}{words}{_standing(said)}".strip(),
        "fix": fix,
        "evidence": next((one.dated.evidence for one in said if one.dated.evidence), None) or "",
        "citations": cited(said),
    }


def _standing(said: list[Said]) -> str:
    """Return what must be added to the words of the first: disputed, presumed, inferred. It is why no denial is foretold."""
    if not said:
        return ""
    return standing(said[0]) + (" (Inferred from other texts.)" if said[0].dated.evidence == "inferred" else "")


def cited(said: list[Said]) -> str:
    """Return the sources of what is said, each once, separated by blanks."""
    return " ".join(dict.fromkeys(key for one in said for key in one.citations))


def plain(text: str) -> str:
    """Return words of the vocabulary fit to stand in a JSON text that SQL puts together."""
    return text.replace("\\", "/").replace('"', "'")


def deny_if(sure: bool) -> str:
    """Return the severity of a refusal that is, or is not, established."""
    return "deny" if sure else "review"


def facet_codes(view: View) -> dict[str, FacetCode]:
    """Return the facet codes of the view's day: those of the families of a facet technique in a region, by level."""
    words = view.store.vocabulary.words
    found: dict[str, FacetCode] = {}
    for thing, dated in view.of_kind("family"):
        value = dated.value
        # The code of a cyst procedure is only inferred to be that of the injection; it adds no code of its own.
        if not isinstance(value, Family) or dated.evidence == "inferred" or not value.region:
            continue
        kind = _kind(value, words)
        for rank in value.ranks if kind else ():
            if rank.level == "any" or rank.code in found:
                continue
            found[rank.code] = FacetCode(
                code=rank.code,
                kind=kind,
                region=value.region[0],
                rank=rank.level,
                units_rule=rank.units,
                family=thing.slug,
                techniques=value.technique,
                citations=dated.sources,
                guidance=value.guidance,
                guidance_included=_included(view, rank.code),
            )
    return found


def _kind(value: Family, words: dict[str, dict[str, str]]) -> str:
    techniques = set(value.technique)
    if techniques <= set(words["ablation_technique"]):
        return ABLATION
    if techniques <= set(words["injection_technique"]):
        return INJECTION
    return ""


def _included(view: View, code: str) -> tuple[str, ...]:
    thing = f"codes/{code}"
    value: Any = view.value(thing) if thing in view.store.things else None
    return value.guidance_included if isinstance(value, Code) else ()
