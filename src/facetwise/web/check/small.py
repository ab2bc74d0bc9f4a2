"""Small checks: the lines of a claim or a few, judged in this process on SQLite, in about a millisecond."""

from __future__ import annotations

import datetime
import io
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec

from facetwise.claims.columns import NAMES, READ_ADDS
from facetwise.claims.rows import read_rows
from facetwise.edits.one_claim import Checker
from facetwise.findings import SEVERITIES
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem, did_you_mean

_EPOCH = datetime.date(1970, 1, 1)
_GIVEN = frozenset(NAMES) - frozenset(READ_ADDS)
_ROW = "row "
Row = dict[str, Any]


class Checks:
    """Judges lines with one checker, and a second while the first is at work. It follows the catalog of this machine."""

    def __init__(self, knowledge: Knowledge, most: int = 200):
        self._most = most
        self._knowledge = knowledge
        self._slots = (_Slot(), _Slot())
        self._payers: Any = None

    def ready(self) -> bool:
        """Whether a check can begin at once: opening the tables of a catalog that changed takes seconds."""
        stamp = _stamp()
        return any(one.checker is not None and one.stamp == stamp and not one.lock.locked() for one in self._slots)

    def of_rows(self, text: str, payer: str = "", state: str = "") -> bytes:
        """Return the answer, as JSON, on a body of `lines`; its own payer and state go before those given.

        Raises FacetwiseError for what is no claim line.
        """
        asked = msgspec.json.decode(text)
        lines, history = asked["lines"], asked.get("history")
        return self._answer(lines, history, asked.get("payer") or payer, asked.get("state") or state, [])

    def of_fhir(self, body: bytes, payer: str = "", state: str = "") -> bytes:
        """Return the answer, as JSON, on a FHIR Claim or a Bundle of claims. Raises FacetwiseError for too many lines."""
        from facetwise.claims.fhir import read_fhir
        from facetwise.claims.rejected import REJECTED_SCHEMA, Counts, Quarantine

        quarantine = Quarantine()
        lines: list[Row] = []
        for batch in read_fhir(io.BytesIO(body).read, 0, self._last_day(), quarantine, Counts()):
            if len(lines) + batch.num_rows > self._most:
                raise FacetwiseError(
                    Problem(
                        "",
                        0,
                        f"more than {self._most} lines",
                        f"at most {self._most}",
                        "send them to /api/v1/check/stream",
                    )
                )
            lines += [{name: value for name, value in row.items() if value is not None} for row in batch.to_pylist()]
        refused = [
            {name: value for name, value in zip(REJECTED_SCHEMA.names, one, strict=True) if name != "file"}
            for one in quarantine.records
        ]
        return self._answer(lines, None, payer, state, refused)

    def _answer(self, lines: list[Row], history: list[Row] | None, payer: str, state: str, refused: list[Row]) -> bytes:
        unknown: Counter[str] = Counter()
        payers = self._known_payers()
        for judged, rows in ((True, lines), (False, history or ())):
            for row in rows:
                written = (row.get("payer") or "").strip()
                if not payers.resolve(written, row.get("claim_filing_indicator_code")):
                    if payer:
                        row["payer"] = payer
                    elif judged:
                        unknown[written] += 1
                if state and not (row.get("state") or "").strip():
                    row["state"] = state.upper()
        with self._checker() as checker:
            try:
                findings = [one.as_record() for one in checker.check(lines, history)] if lines else []
            except FacetwiseError as error:
                raise self._placed(error, lines) from None
            reference = checker.reference
        days = [(_day(row) - _EPOCH).days for row in (*lines, *(history or ()))]
        answer = {
            "claims": len({row["claim_id"].strip() for row in lines}),
            "lines": len(lines),
            "rejected": sum(one["lines"] for one in refused),
            "findings": findings,
            "releases": reference.releases(min(days), max(days)) if days else {},
            "knowledge": self._knowledge.digest,
            "history_lines": len(history or ()),
            "history_left_out": _left_out(lines, history or ()),
            "counts": _counts(findings, lines),
            "payers_unknown": [{"payer": name, "lines": count} for name, count in unknown.most_common()],
            "rejected_records": refused,
        }
        return msgspec.json.encode(answer)

    def _placed(self, error: FacetwiseError, lines: list[Row]) -> FacetwiseError:
        """Return an error about rows with their places in the body."""
        name = "history"
        try:
            read_rows(lines, self._last_day())
        except FacetwiseError:
            name = "lines"
        return FacetwiseError(
            [
                Problem("", 0, f"{name}[{int(one.file.removeprefix(_ROW)) - 1}]: {one.found}", one.expected, one.mend)
                if one.file.startswith(_ROW)
                else one
                for one in error.problems
            ]
        )

    def _known_payers(self) -> Any:
        if self._payers is None:
            from facetwise.claims.payer import Payers

            self._payers = Payers(self._knowledge.store)
        return self._payers

    def _last_day(self) -> datetime.date:
        return max(self._knowledge.store.horizon.until, datetime.date.today())

    @contextmanager
    def _checker(self) -> Iterator[Checker]:
        """Give a checker to this thread alone: the first that is free, else the last when it is."""
        slot = next((one for one in self._slots if one.lock.acquire(blocking=False)), None)
        if slot is None:
            slot = self._slots[-1]
            slot.lock.acquire()
        try:
            stamp = _stamp()
            if slot.checker is None or slot.stamp != stamp:
                if slot.checker is not None:
                    slot.checker.close()
                slot.checker = None
                slot.checker, slot.stamp = Checker(self._knowledge), stamp
            yield slot.checker
        finally:
            slot.lock.release()


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.checker: Checker | None = None
        self.stamp: tuple[int, int] | None = None


def _stamp() -> tuple[int, int] | None:
    """Return what tells one state of the catalog from the next; None where there is none."""
    from facetwise import catalog

    try:
        found = catalog.catalog_path().stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def name_unknown_keys(text: str) -> None:
    """Raise FacetwiseError that names the place of each key of a line that is no column, and the nearest that is one."""
    asked = msgspec.json.decode(text)
    problems = [
        Problem("", 0, f"{name}[{number}].{key}: unknown key", "a column of the claim-line table", did_you_mean(key, _GIVEN))
        for name in ("lines", "history")
        for number, line in enumerate(asked.get(name) or () if isinstance(asked, dict) else ())
        if isinstance(line, dict)
        for key in line
        if key not in _GIVEN
    ]  # fmt: skip
    if problems:
        raise FacetwiseError(problems)


def _left_out(lines: Iterable[Row], history: Iterable[Row]) -> int:
    """Return how many rows of the history are of claims that are checked, which the checker leaves out."""
    claims = {_whose(row) for row in lines}
    return sum(_whose(row) in claims for row in history)


def _whose(row: Row) -> tuple[str, str]:
    return row["claim_id"].strip(), (row.get("person_id") or "").strip()


def _day(row: Row) -> datetime.date:
    day: Any = row["claim_line_start_date"]
    return datetime.date.fromisoformat(day) if isinstance(day, str) else day


def _counts(findings: list[Row], lines: list[Row]) -> list[Row]:
    """Return how many findings of each edit and severity, on how many lines, which charge so much in all."""
    charges = {
        (row["claim_id"], row["claim_line_number"]): Decimal(str(row.get("charge_amount") or 0)) for row in lines
    }
    found: dict[tuple[str, str], tuple[list[int], set[tuple[Any, Any]]]] = {}
    for one in findings:
        number, places = found.setdefault((one["edit"], one["severity"]), ([0], set()))
        number[0] += 1
        places.add((one["claim_id"], one["claim_line_number"]))
    order = sorted(found, key=lambda key: (SEVERITIES.index(key[1]), -found[key][0][0], key[0]))
    return [
        {
            "edit": edit,
            "severity": severity,
            "findings": found[edit, severity][0][0],
            "lines": len(found[edit, severity][1]),
            "charges": f"{sum((charges.get(one, Decimal(0)) for one in found[edit, severity][1]), Decimal(0)):.2f}",
        }
        for edit, severity in order
    ]
