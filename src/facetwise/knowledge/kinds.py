"""The kinds of thing that the knowledge holds, one class a kind.

A file says its kind by its first key (`criterion: relief-of-prior-ablation`); the other keys are the fields of the
class below. Fields without a default must be given, in the file or in each entry of its history. Unknown keys are
errors. What each kind is for, with examples, is in docs/knowledge.md.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from facetwise.knowledge.parts import (
    Applies,
    Asked,
    Audience,
    Coverage,
    Evidence,
    ExampleLine,
    Neighbour,
    Part,
    Rank,
    Section,
    Step,
    Test,
    Topic,
    Value,
    Window,
)


class Source(Part, frozen=True):
    """Who said it. Undated by itself: a source is cited, it does not hold."""

    title: str
    publisher: str
    url: str
    evidence: Evidence
    date: str = "not established"
    identifier: str = ""
    version: str = ""
    published: str = ""
    effective: str = ""
    canonical_url: str = ""
    repository: str = ""
    claims_period: str = ""
    extent: str = ""
    vintage: str = ""
    weight: Literal["normal", "low"] = "normal"
    note: str = ""
    uncited: str = ""


class Code(Value, frozen=True, tag="code"):
    """A procedure code in our own words. `descriptor` is for overlays that hold an AMA licence."""

    title: str
    description: str
    system: Literal["CPT category I", "CPT category III", "CPT anesthesia", "HCPCS level II"]
    role: Literal["primary", "add_on", "standalone"]
    family: str = ""
    technique: tuple[str, ...] = ()
    region: str = ""
    rank: Literal["", "first", "second", "third_and_further", "each_further"] = ""
    bases: tuple[str, ...] = ()
    unit: str = ""
    guidance_included: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    briefing: Literal["full", "thin", "none"] = "none"
    descriptor: str = ""


class Family(Value, frozen=True, tag="family"):
    """Which codes report a technique in a region, by level."""

    title: str
    technique: tuple[str, ...]
    ranks: tuple[Rank, ...]
    region: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    statement: str = ""


class Modifier(Value, frozen=True, tag="modifier"):
    """A claim modifier: what it says, and when it is used in this field; `seldom` sets it apart in a table."""

    title: str
    description: str
    when: tuple[str, ...] = ()
    bears_on: tuple[str, ...] = ()
    bypasses_ncci: Literal["yes", "no", "not_established"] = "not_established"
    seldom: bool = False
    order: int = 500


class Payer(Value, frozen=True, tag="payer"):
    """Somebody who pays, or whose rules payers use.

    `follows` names whose facts hold where it states none; `short` is its name for a crowded table.
    """

    title: str
    role: Literal[
        "program", "contractor", "medicare_advantage", "commercial", "blue", "vendor", "medicaid", "government"
    ]
    group: str
    short: str = ""
    follows: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    order: int = 500
    note: str = ""

    @property
    def name(self) -> str:
        """The name for a crowded place: the short one where there is one."""
        return self.short or self.title


class Policy(Value, frozen=True, tag="policy"):
    """A document that a payer publishes, by version."""

    identifier: str
    title: str
    type: Literal["lcd", "article", "medical_policy", "guideline", "list", "rule", "notice"]
    status: Literal["in_force", "retired", "proposed", "not_established"] = "in_force"
    version: str = ""
    pairs_with: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    url: str = ""


class Jurisdiction(Value, frozen=True, tag="jurisdiction"):
    """A Medicare jurisdiction: who runs it, for which states, under which policies (ids of kind policy)."""

    title: str
    contractor: str
    states: tuple[str, ...]
    policies: tuple[str, ...] = ()


class Criterion(Value, frozen=True, tag="criterion"):
    """Something the record must show. `cell` is the comparison's short form of `statement`."""

    question: str
    statement: str
    cell: str
    applies: Applies = Applies()
    test: Test | None = None
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class Limit(Value, frozen=True, tag="limit"):
    """How much, how often. No `at_most` means that the number is not established."""

    question: str
    statement: str
    cell: str
    counts: str
    window: Window
    at_most: Decimal | None = None
    per: tuple[str, ...] = ()
    applies: Applies = Applies()
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class Position(Value, frozen=True, tag="position"):
    """Where a payer stands on a code, a technique or a circumstance."""

    question: str
    position: Coverage
    statement: str
    cell: str
    codes: tuple[str, ...] = ()
    applies: Applies = Applies()
    when: Test | None = None
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class PriorAuthorization(Value, frozen=True, tag="prior_authorization"):
    """Whether a decision must be had beforehand. `required: depends` says that plans differ."""

    question: str
    required: Literal["yes", "no", "depends"]
    statement: str
    cell: str
    codes: tuple[str, ...] = ()
    reviewer: str = ""
    applies: Applies = Applies()
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class Billing(Value, frozen=True, tag="billing"):
    """How a payer wants something reported. `layout` is a word of the vocabulary that the coder acts on.

    For named joints, `codes` stand in the order of `joints`; `regions` and `region` say as how many regions, and as
    which, they count where the payer says so.
    """

    question: str
    statement: str
    cell: str
    layout: str
    claim: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    counts_as: str = ""
    regions: int | None = None
    region: str = ""
    applies: Applies = Applies()
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class Documentation(Value, frozen=True, tag="documentation"):
    """What the record must hold, item by item."""

    question: str
    statement: str
    cell: str
    items: tuple[str, ...]
    applies: Applies = Applies()
    policies: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class DiagnosisList(Value, frozen=True, tag="diagnosis_list"):
    """Diagnoses that support a procedure. `marked` carry the list's footnote, said in `mark`."""

    question: str
    statement: str
    cell: str
    supports: tuple[str, ...]
    marked: tuple[str, ...] = ()
    mark: str = ""
    codes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


class Statement(Value, frozen=True, tag="statement"):
    """A dated sentence, shown in a section of the briefings that it bears on."""

    section: Section
    text: str
    codes: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    payers: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    audience: tuple[Audience, ...] = ()
    topic: str = ""
    lead: bool = False
    order: int = 500
    status: Literal["", "not_established"] = ""
    settle: str = ""


class Audit(Value, frozen=True, tag="audit"):
    """A review of claims: who, what, how many failed."""

    title: str
    agency: str
    statement: str
    report: str = ""
    period: str = ""
    subject: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    reviewed: int | None = None
    failed: int | None = None
    error_percent: Decimal | None = None
    improper_dollars: Decimal | None = None
    findings: tuple[str, ...] = ()


class Registry(Value, frozen=True, tag="registry"):
    """How far one payer is verified, topic by topic."""

    payer: str
    topics: tuple[Topic, ...]


class Question(Part, frozen=True):
    """A question that payers answer: one row of the comparison. Undated: the answers have dates.

    `technique` restricts it to codes of these; `any_technique` lets answers stand whatever technique they speak of.
    """

    title: str
    kind: Literal[
        "criterion", "limit", "position", "prior_authorization", "billing", "documentation", "diagnosis_list", "policy"
    ]
    section: Literal["payers", "coding", "documentation", "clinical-context"] = "payers"
    group: str = ""
    technique: tuple[str, ...] = ()
    any_technique: bool = False
    settle: str = ""
    order: int = 500
    headline: bool = False


class Example(Value, frozen=True, tag="example"):
    """A worked example, written for this project: a patient who does not exist, and what is billed."""

    title: str
    codes: tuple[str, ...]
    patient: str
    steps: tuple[Step, ...]
    nerves: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    lines: tuple[ExampleLine, ...] = ()
    verdict: str = ""


class Vocabulary(Part, frozen=True):
    """Words that facts may use: lists of words with labels, units, and the facts that a case may state."""

    title: str
    words: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    units: dict[str, str] = msgspec.field(default_factory=dict)
    asks: dict[str, Asked] = msgspec.field(default_factory=dict)


class Horizon(Part, frozen=True, rename={"from_": "from"}):
    """The dates the knowledge can be asked about, and when it was last gone through against its sources."""

    title: str
    from_: date
    until: date
    reviewed: date


class TableHeader(Part, frozen=True):
    """A fact of many rows: a CSV file beside this header. Its rows carry from, until and sources like any fact."""

    title: str
    file: str
    key: tuple[str, ...]
    columns: dict[str, Literal["text", "code", "date", "decimal", "integer", "boolean", "sources", "words"]]
    note: str = ""
    period: bool = False


Dateless = Source | Question | Vocabulary | Horizon | TableHeader
AnyValue = (
    Code
    | Family
    | Modifier
    | Payer
    | Policy
    | Jurisdiction
    | Criterion
    | Limit
    | Position
    | PriorAuthorization
    | Billing
    | Documentation
    | DiagnosisList
    | Statement
    | Audit
    | Registry
    | Example
)

DATED: dict[str, type[Value]] = {
    "code": Code,
    "family": Family,
    "modifier": Modifier,
    "payer": Payer,
    "policy": Policy,
    "jurisdiction": Jurisdiction,
    "criterion": Criterion,
    "limit": Limit,
    "position": Position,
    "prior_authorization": PriorAuthorization,
    "billing": Billing,
    "documentation": Documentation,
    "diagnosis_list": DiagnosisList,
    "statement": Statement,
    "audit": Audit,
    "registry": Registry,
    "example": Example,
}
DATELESS: dict[str, type[Part]] = {
    "source": Source,
    "question": Question,
    "vocabulary": Vocabulary,
    "horizon": Horizon,
    "table": TableHeader,
}
