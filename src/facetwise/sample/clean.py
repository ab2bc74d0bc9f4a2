"""Clean facet procedures: laid out as the payer wants them on that day, within its limits, with what it wants beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from facetwise.knowledge.kinds import Family
from facetwise.knowledge.parts import Rank
from facetwise.sample.books import Book, fits
from facetwise.sample.mix import Mix, PlainVisit
from facetwise.sample.ncci import Ncci
from facetwise.sample.patterns import (
    BOTH,
    BOTH_MODIFIER,
    CENTER,
    HOSPITAL,
    LEFT,
    PROFESSIONAL,
    RIGHT,
    SIDE_MODIFIER,
    Claim,
    Line,
    Pattern,
)

REGIONS = ("cervical_thoracic", "lumbar_sacral")
SIDES = (RIGHT, LEFT, BOTH)
SETTINGS = ("office", "asc", "hopd")
PURPOSES = ("diagnostic", "therapeutic", "ablation")
MOST_LEVELS = 3
_GUIDANCE = "fluoroscopy"
_BILL_TYPE = "131"  # hospital outpatient, admit through discharge
_PLACE = {"office": "11", "asc": "24", "hopd": "22"}
_FORM = {"asc": CENTER, "hopd": HOSPITAL}
_TECHNIQUE = {
    "diagnostic": "medial_branch_block",
    "therapeutic": "medial_branch_block",
    "ablation": "radiofrequency_ablation",
}


class Variant(NamedTuple):
    """What was done, and where."""

    purpose: str
    region: str
    side: str
    levels: int
    setting: str


def variants() -> Iterator[Variant]:
    """Yield every variant in a fixed order; three levels are for ablation of one side only."""
    for purpose in PURPOSES:
        for region in REGIONS:
            for side in SIDES:
                for levels in range(1, MOST_LEVELS + 1):
                    for setting in SETTINGS:
                        yield Variant(purpose, region, side, levels, setting)


@dataclass(slots=True)
class Maker:
    """Writes the claims of facet procedures under one book; groups of diagnoses that it needs are added to `diagnoses`."""

    book: Book
    mix: Mix
    ncci: Ncci
    diagnoses: dict[str, tuple[tuple[str, int], ...]]
    _families: dict[tuple[str, str], Family | None] = field(default_factory=dict)
    _reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def family(self, purpose: str, region: str) -> Family:
        """Return the codes of a procedure in a region."""
        key = (_TECHNIQUE[purpose], region)
        if key not in self._families:
            self._families[key] = next(
                (
                    dated.value
                    for _, dated in self.book.view.of_kind("family")
                    if isinstance(dated.value, Family)
                    and _TECHNIQUE[purpose] in dated.value.technique
                    and region in dated.value.region
                    and _GUIDANCE in dated.value.guidance
                ),
                None,
            )
        found = self._families[key]
        if found is None:
            raise LookupError(f"no family of codes for {key}")
        return found

    def pattern(self, variant: Variant) -> Pattern | None:
        """Return the clean claims of a variant; None where the payer refuses it, limits it or an edit has something against it."""
        family = self.family(variant.purpose, variant.region)
        sides = 2 if variant.side == BOTH else 1
        if variant.levels > 2 and (variant.purpose != "ablation" or sides == 2):
            return None
        limits = [one.value for one in self.book.limits("levels-per-session", family.technique)]
        claims = self.claims(variant)
        codes = {line.code for claim in claims for line in claim.lines}
        if not fits(limits, variant.levels, sides) or any(self.book.refuses(code, family.technique) for code in codes):
            return None
        if self.ncci.findings(self.book.view, claims, self.book.start, self.book.end):
            return None
        return Pattern(claims, self.book.start, self.book.end)

    def claims(self, variant: Variant) -> tuple[Claim, ...]:
        """Return the professional claim and, outside an office, the facility's."""
        forms = [PROFESSIONAL, *([_FORM[variant.setting]] if variant.setting in _FORM else [])]
        return tuple(self.claim(variant, form) for form in forms)

    def claim(self, variant: Variant, form: str = PROFESSIONAL) -> Claim:
        """Return one claim of a variant."""
        lines = tuple(
            line for rank, side, units in self.levels(variant) for line in self.lines(variant, form, rank, side, units)
        )
        return self.with_lines(variant, form, lines)

    def with_lines(self, variant: Variant, form: str, lines: tuple[Line, ...]) -> Claim:
        """Return a claim of a variant with these lines, authorized where the payer wants that or may want it."""
        family = self.family(variant.purpose, variant.region)
        claim = Claim(
            form=form,
            place="" if form == HOSPITAL else _PLACE[variant.setting],
            bill_type=_BILL_TYPE if form == HOSPITAL else "",
            provider={PROFESSIONAL: "pain", CENTER: "center", HOSPITAL: "hospital"}[form],
            diagnoses=self.reasons(variant),
            lines=lines,
        )
        wanted = any(
            self.book.authorization(line.code, family.technique, variant.setting, claim.claim) in ("yes", "depends")
            for line in lines
        )
        return claim if not wanted else claim_authorized(claim)

    def levels(self, variant: Variant) -> list[tuple[Rank, str, int]]:
        """Return the rank, the side and the levels of each code to report; further levels of one side share a line."""
        ranks: dict[str, Rank] = {rank.level: rank for rank in self.family(variant.purpose, variant.region).ranks}
        found = [(ranks["first"], variant.side, 1)]
        if "each_further" in ranks:
            further = variant.levels - 1
            found += [(ranks["each_further"], variant.side, further)] if further else []
        else:
            found += [
                (ranks[level], variant.side, 1) for level in ("second", "third_and_further")[: variant.levels - 1]
            ]
        return found

    def lines(self, variant: Variant, form: str, rank: Rank, side: str, units: int) -> list[Line]:
        """Return the lines of one code in the payer's layout."""
        claim = "professional" if form == PROFESSIONAL else "facility"
        family = self.family(variant.purpose, variant.region)
        extra: tuple[str, ...] = ()
        if variant.purpose == "diagnostic":
            extra = self.book.diagnostic_modifiers(rank.code, family.technique[0], claim)
        charge = self.mix.charges[form, rank.level]
        if side != BOTH:
            return [Line(rank.code, (SIDE_MODIFIER[side], *extra), units, charge)]
        layout = self.book.layout(rank.code, claim, variant.setting)
        if layout == "rt_lt_two_lines":
            return [Line(rank.code, (SIDE_MODIFIER[one], *extra), units, charge) for one in (RIGHT, LEFT)]
        if layout == "one_line_two_units":
            return [Line(rank.code, extra, 2 * units, charge)]
        return [Line(rank.code, (BOTH_MODIFIER, *extra), units, charge * 3 // 2)]

    def reasons(self, variant: Variant) -> str:
        """Return the group of diagnoses that support the procedure in its region by the payer's list, where it has one."""
        key = (_TECHNIQUE[variant.purpose], variant.region)
        if key not in self._reasons:
            self._reasons[key] = self._supporting(variant)
        return self._reasons[key]

    def _supporting(self, variant: Variant) -> str:
        first = self.family(variant.purpose, variant.region).ranks[0].code
        listed = self.book.supports(first)
        known = [
            (row["code"], row["region"])
            for _, row in self.book.view.rows("diagnoses/facet-diagnoses")
            if row["billable"]
        ]
        words = variant.region.split("_")
        codes = [code for code, region in known if region in words]
        name = f"facet {variant.region}"
        if listed is not None:
            supporting = [code for code in listed.supports if code not in listed.marked]
            codes = [code for code in codes if code in supporting] or supporting
            name += " " + " ".join(codes)
        self.diagnoses.setdefault(name, tuple((code, 1) for code in codes))
        return name

    def plain(self, visit: PlainVisit) -> Claim:
        """Return the claim of a visit that no payer's rule shapes."""
        return plain_claim(visit)


def plain_claim(visit: PlainVisit) -> Claim:
    """Return the claim of a visit that no payer's rule shapes."""
    form = {"center": CENTER, "hospital": HOSPITAL}.get(visit.provider, PROFESSIONAL)
    lines = tuple(Line(one.code, one.modifiers, one.units, one.charge) for one in visit.lines)
    return Claim(form, visit.place, visit.bill_type, visit.provider, visit.diagnoses, lines)


def claim_authorized(claim: Claim) -> Claim:
    """Return the claim with a prior-authorization number."""
    return Claim(
        claim.form,
        claim.place,
        claim.bill_type,
        claim.provider,
        claim.diagnoses,
        claim.lines,
        True,
        claim.days_before,
        claim.history,
    )
