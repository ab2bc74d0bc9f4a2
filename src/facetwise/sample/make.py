"""Makes a sample: the claims, the history and the list of what was planted, each file whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem, did_you_mean
from facetwise.sample.plan import Span, plan
from facetwise.sample.rows import Rows, opened

FORMATS = ("parquet", "csv", "837", "fhir")
ENDINGS = {"parquet": ".parquet", "csv": ".csv", "837": ".837", "fhir": ".ndjson"}
DEFAULT_LINES, DEFAULT_SEED, DEFAULT_ERRORS = 100_000, 1, 0.02
_YEAR, _HISTORY = 365, 730
_ROW_GROUP = 122_880
_MOST_LINES = 2_000_000_000
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What sample is asked for: how many lines at most, which seed, the share of lines with an error, the days, the format."""

    lines: int = DEFAULT_LINES
    seed: int = DEFAULT_SEED
    errors: float = DEFAULT_ERRORS
    first: date | None = None
    last: date | None = None
    form: str = "parquet"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the sample goes."""

    claims: Path
    history: Path
    planted: Path


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the files, and how much is in each."""

    files: Files
    span: Span
    patients: int
    lines: int
    history: int
    planted: int
    edits: dict[str, int]
    seconds: float

    def as_record(self, asked: Asked, digest: str) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "claims": str(self.files.claims),
            "history": str(self.files.history),
            "planted": str(self.files.planted),
            "seed": asked.seed,
            "from": self.span.first.isoformat(),
            "to": self.span.last.isoformat(),
            "patients": self.patients,
            "lines": self.lines,
            "history_lines": self.history,
            "errors": self.planted,
            "edits": self.edits,
            "knowledge": digest,
        }


def span_of(knowledge: Knowledge, asked: Asked) -> Span:
    """Return the days asked for; left out, the year that ends when the knowledge was last gone through.

    The history is of the two years before. Raises FacetwiseError for days outside the knowledge.
    """
    horizon = knowledge.store.horizon
    last = asked.last or (max(horizon.reviewed, asked.first) if asked.first else horizon.reviewed)
    first = asked.first or last - timedelta(days=_YEAR - 1)
    first = max(first, horizon.from_) if asked.first is None else first
    if last < first:
        raise FacetwiseError(Problem("", 0, f"--to {last} lies before --from {first}", "a span of dates"))
    for name, day in (("--from", first), ("--to", last)):
        if not horizon.from_ <= day <= horizon.until:
            raise FacetwiseError(
                Problem(
                    "", 0, f"{name} {day} lies outside the knowledge", f"a date from {horizon.from_} to {horizon.until}"
                )
            )
    return Span(first, last, max(first - timedelta(days=_HISTORY), horizon.from_))


def files_of(output: Path, form: str | None) -> tuple[Files, str]:
    """Return the files that an output stands for, and the format: a directory, or a file with the others beside it."""
    by_ending = {ending: name for name, ending in ENDINGS.items()}
    if output.suffix and not output.is_dir():
        ending = output.suffix.lower()
        if ending not in by_ending and form is None:
            raise FacetwiseError(
                Problem(
                    str(output),
                    0,
                    f"the ending {ending} names no format",
                    "one of " + ", ".join(by_ending),
                    did_you_mean(ending, by_ending),
                )
            )
        form = form or by_ending[ending]
        stem = output.with_suffix("")
        named = Files(
            output, stem.with_name(f"{stem.name}-history{output.suffix}"), stem.with_name(f"{stem.name}-planted.csv")
        )
        return named, form
    form = form or "parquet"
    return Files(output / f"claims{ENDINGS[form]}", output / f"history{ENDINGS[form]}", output / "planted.csv"), form


def make(
    knowledge: Knowledge,
    asked: Asked,
    files: Files,
    *,
    catalog: Path | None = None,
    memory: str = "",
    threads: int = 0,
    progress: Progress | None = None,
) -> Made:
    """Make a sample. The same request, program and knowledge make the same bytes, however many threads work on it.

    `catalog`: the database of NCCI tables that the clean claims keep to; None: those of the knowledge. Raises FacetwiseError for a request that cannot be met and
    for files that cannot be written.
    """
    if not 1 <= asked.lines <= _MOST_LINES:
        raise FacetwiseError(Problem("", 0, f"--lines {asked.lines}", f"a number from 1 to {_MOST_LINES:,}"))
    if not 0 <= asked.errors < 1:
        raise FacetwiseError(Problem("", 0, f"--errors {asked.errors:g}", "a share of the lines, from 0 to below 1"))
    began = time.perf_counter()
    span = span_of(knowledge, asked)
    told = progress or (lambda _step, _share: None)
    place = files.claims.parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".facetwise-sample-", dir=place))
    except OSError as error:
        raise _unwritable(place, error) from None
    try:
        told("patterns", 0)
        drawn = plan(knowledge, span, catalog)
        with opened(
            drawn,
            asked.seed,
            memory=memory,
            threads=threads,
            spill=work / "spill",
            professional_only=asked.form == "837",
        ) as rows:
            told("patients", 0)
            size = rows.resize(asked.lines, asked.errors)
            counts, edits = _write(rows, work, asked.form, span, told)
        for name in ("claims", "history", "planted"):
            target: Path = getattr(files, name)
            (work / name).replace(target)
    except OSError as error:
        raise _unwritable(place, error) from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)
    return Made(
        files,
        span,
        size.patients,
        counts["claims"],
        counts["history"],
        counts["planted"],
        edits,
        time.perf_counter() - began,
    )


def _write(rows: Rows, work: Path, form: str, span: Span, told: Progress) -> tuple[dict[str, int], dict[str, int]]:
    counts = {}
    for name in ("claims", "history"):
        told(name, 0)
        query = rows.select(old=name == "history")
        if form in ("parquet", "csv"):
            counts[name] = _copy(rows, query, work / name, form)
        else:
            from facetwise.sample.formats import write_form

            counts[name] = write_form(rows, query, work / name, form, span.last)
    told("planted", 0)
    counts["planted"] = _copy(rows, rows.select_planted(), work / "planted", "csv")
    edits = dict(rows.connection.execute("SELECT edit, count(*) FROM planted GROUP BY edit ORDER BY edit").fetchall())
    return counts, edits


def _copy(rows: Rows, query: str, path: Path, form: str) -> int:
    how = f"FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP}" if form == "parquet" else "FORMAT csv, HEADER"
    name = str(path).replace("'", "''")
    found = rows.connection.execute(f"COPY ({query}) TO '{name}' ({how})").fetchone()
    return int(found[0]) if found else 0


def _unwritable(place: Path, error: OSError) -> FacetwiseError:
    reason = (error.strerror or str(error)).lower()
    return FacetwiseError(
        Problem(str(place), 0, f"it cannot be written: {reason}", "a directory that you may write to")
    )
