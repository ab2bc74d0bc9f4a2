"""The question `check` for one claim, or all claims of one person: rows of the claim-line table, or a FHIR R4 Claim."""

from __future__ import annotations

import datetime
import threading
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from facetwise.claims.columns import CLAIM_TYPES, COLUMNS, READ_ADDS
from facetwise.edits.one_claim import Checker, read_rows
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem, did_you_mean

_EPOCH = datetime.date(1970, 1, 1)
_TEXT = Annotated[str, Meta(max_length=200)]
# By the type that a column has in DuckDB; an amount may be a number or a text, as in the API.
_NUMBER: Any = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")] | Annotated[float, Meta(ge=0, le=1e12)]
_KINDS: dict[str, Any] = {
    "VARCHAR": _TEXT,
    "INTEGER": Annotated[int, Meta(ge=1, le=1_000_000)],
    "DATE": datetime.date,
    "DECIMAL(9,3)": _NUMBER,
    "DECIMAL(12,2)": _NUMBER,
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` answers, as its JSON has it."""

    claims: int
    lines: int
    findings: list[dict[str, Any]]
    releases: dict[str, list[dict[str, str]]]
    knowledge: str


def line_type() -> type[msgspec.Struct]:
    """Return the type of one claim line: the columns of the claim-line table but for those that reading adds."""
    fields: list[Any] = []
    for column in COLUMNS:
        if column.name in READ_ADDS:
            continue
        kind: Any = Literal[CLAIM_TYPES] if column.name == "claim_type" else _KINDS[column.type]
        said = _said(kind | None if column.nullable else kind, column.meaning)
        fields.append((column.name, said, None) if column.nullable else (column.name, said))
    return msgspec.defstruct(
        "ClaimLine", fields, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True, module=__name__
    )


def _said(kind: Any, text: str) -> Any:
    return Annotated[kind, Meta(description=text)]


def claim_type(most: int) -> type[msgspec.Struct]:
    """Return the type of what is checked: `lines`, or a FHIR Claim, and earlier lines; at most `most` of each."""
    line: Any = line_type()
    lines = Annotated[list[line], Meta(min_length=1, max_length=most, description="The lines of one claim, or of all claims of one person.")]  # fmt: skip
    earlier = Annotated[list[line], Meta(max_length=most, description="Earlier lines: counted, not judged. Left out, not documented; [] says none.")]  # fmt: skip
    fhir = Annotated[dict[str, Any] | None, Meta(description="A FHIR R4 Claim, in place of lines.")]
    return msgspec.defstruct(
        "ClaimToCheck",
        [("lines", lines | None, None), ("fhir_claim", fhir, None), ("history", earlier | None, None)],
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        module=__name__,
    )


def name_unknown_keys(text: str) -> None:
    """Raise FacetwiseError that names the place of each unknown key of a line, and the nearest known one."""
    asked = msgspec.json.decode(text)
    known = [column.name for column in COLUMNS if column.name not in READ_ADDS]
    problems = [
        Problem(
            "", 0, f"{name}[{number}].{key}: unknown key", "a column of the claim-line table", did_you_mean(key, known)
        )
        for name in ("lines", "history")
        for number, line in enumerate(asked.get(name) or () if isinstance(asked, dict) else ())
        if isinstance(line, dict)
        for key in line
        if key not in known
    ]
    if problems:
        raise FacetwiseError(problems)


class Desk:
    """Judges claims with one checker, which is made when the first claim comes. May be asked from several threads."""

    def __init__(self, knowledge: Knowledge, most: int):
        self._knowledge = knowledge
        self._most = most
        self._lock = threading.Lock()
        self._checker: Checker | None = None

    def check(self, asked: Any) -> Answer:
        """Return the findings. Raises FacetwiseError for lines that are none."""
        if (asked.lines is None) == (asked.fhir_claim is None):
            raise FacetwiseError(Problem("", 0, "neither lines nor fhir_claim, or both", "one of them"))
        if asked.lines is not None:
            rows = [_row(one) for one in asked.lines]
        else:
            rows = [dict(one) for one in _fhir_rows(asked.fhir_claim)]
            if len(rows) > self._most:
                raise FacetwiseError(Problem("", 0, f"fhir_claim has {len(rows)} items", f"at most {self._most}"))
        history = None if asked.history is None else [_row(one) for one in asked.history]
        with self._lock:
            if self._checker is None:
                self._checker = Checker(self._knowledge)
            findings = self._checker.check(rows, history)
            releases = self._checker.reference.releases
        days = [(one - _EPOCH).days for row in rows if isinstance(one := row["claim_line_start_date"], datetime.date)]
        return Answer(
            claims=len({row["claim_id"] for row in rows}),
            lines=len(rows),
            findings=[one.as_record() for one in findings],
            releases=releases(min(days), max(days)) if days else {},
            knowledge=self._knowledge.digest,
        )


def _row(line: Any) -> dict[str, Any]:
    given = ((name, value) for name, value in msgspec.structs.asdict(line).items() if value is not None)
    # A number becomes the text that was sent, so that no amount is a float.
    return {name: f"{value:.15g}" if isinstance(value, float) else value for name, value in given}


def _fhir_rows(claim: dict[str, Any]) -> list[Any]:
    if claim.get("resourceType") != "Claim":
        raise FacetwiseError(Problem("", 0, "fhir_claim: this is no Claim", "resourceType: Claim"))
    rows = read_rows(claim)
    if not rows:
        raise FacetwiseError(Problem("", 0, "fhir_claim: it has no line that can be read", "a Claim with items"))
    return list(rows)
