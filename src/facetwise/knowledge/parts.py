"""Mappings and words that the kinds of thing are made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, get_args

import msgspec

Evidence = Literal["primary", "secondary", "superseded", "inferred"]
GRADES = get_args(Evidence)  # the best first
Coverage = Literal["covered", "covered_with_criteria", "not_covered", "appeal_only", "not_established"]
Verified = Literal["complete", "partial", "identity_only", "none"]
Section = Literal[
    "overview",
    "billing-code",
    "clinical-context",
    "coding",
    "payers",
    "documentation",
    "payment",
    "usage",
    "changes",
    "limits-of-the-data",
]
Audience = Literal["billing", "clinical", "policy"]


class Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, kw_only=True):
    """A mapping inside a thing."""


class Value(Part, frozen=True, tag_field="_kind", kw_only=True):
    """What a thing of some kind says over one span of dates."""


# -- parts shared by several kinds ------------------------------------------------------------------------------


class Applies(Part, frozen=True):
    """When a fact bears on a procedure. An empty list does not restrict; words are those of knowledge/vocabulary."""

    technique: tuple[str, ...] = ()
    purpose: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    claim: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class Measure(Part, frozen=True):
    """A bound with its unit, such as {at_least: 14, unit: days}."""

    unit: str
    at_least: Decimal | None = None
    more_than: Decimal | None = None
    at_most: Decimal | None = None
    less_than: Decimal | None = None


class Test(Part, frozen=True, rename={"is_": "is"}):
    """A three-valued comparison: one leaf (`asks` or `prior`), or `all`, `any` or `none` of further tests.

    `asks` names a fact of the case (knowledge/vocabulary); a number is compared in `unit`. `prior` counts earlier
    procedures of the history that fit `where`, with `count`, the days `apart` and how far back (`within`).
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    asks: str | None = None
    is_: str | None = None
    one_of: tuple[str, ...] = ()
    at_least: Decimal | None = None
    more_than: Decimal | None = None
    at_most: Decimal | None = None
    less_than: Decimal | None = None
    unit: str | None = None
    all: tuple[Test, ...] = ()
    any: tuple[Test, ...] = ()
    none: tuple[Test, ...] = ()
    prior: Prior | None = None
    count: Measure | None = None
    apart: Measure | None = None
    within: Measure | None = None


class Prior(Part, frozen=True):
    """Which earlier procedures are meant, and what they share with this one (`same`: level, side, region, site)."""

    technique: tuple[str, ...] = ()
    purpose: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    where: tuple[Test, ...] = ()
    same: tuple[str, ...] = ()


class Window(Part, frozen=True):
    """The span over which a limit counts: one session, a calendar year, or a rolling length in days or months."""

    kind: Literal["session", "day", "calendar_year", "rolling", "per_event", "year_not_defined"]
    length: Decimal | None = None
    unit: str | None = None


class Neighbour(Part, frozen=True):
    """Another code that is mistaken for this one, or reported in its place."""

    code: str
    why: str


class Rank(Part, frozen=True):
    """Which code a family reports for a level, and in what number."""

    level: Literal["first", "second", "third_and_further", "each_further", "any"]
    code: str
    units: Literal["one", "one_a_side_and_day", "one_a_level", "one_an_encounter"]


class Topic(Part, frozen=True):
    """How far one topic of one payer is verified."""

    topic: str
    state: Verified
    evidence: Evidence | None = None
    since: date | None = None
    note: str = ""


class Step(Part, frozen=True):
    """One step of a worked example."""

    title: str
    text: str


class ExampleLine(Part, frozen=True):
    """One claim line of a worked example."""

    code: str
    modifiers: tuple[str, ...] = ()
    units: int = 1
    joints: tuple[str, ...] = ()
    why: str = ""


class Asked(Part, frozen=True):
    """A fact that a case may state: its type, its unit where it is a number, and words for people."""

    type: Literal["number", "boolean", "word", "date"]
    label: str
    unit: str | None = None
    words: str | None = None
