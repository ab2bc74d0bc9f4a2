"""The command line of `facetwise check`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.edits.check import Asked
    from facetwise.edits.result import Checked
    from facetwise.knowledge import Knowledge

ENGINES = ("duckdb", "spark")
_REFUSED = 1
_QUIET = 2.0  # seconds before progress is shown


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the claims and the options of `check`."""
    command.add_argument(
        "claims", metavar="CLAIMS", nargs="+", help="837P, 837I, FHIR Claim, CSV or Parquet files; - for standard input"
    )
    command.add_argument(
        "--history", metavar="FILE", action="append", default=[], help="earlier claims: counted, not judged"
    )
    command.add_argument("--payer", metavar="P", default="", help="the payer of lines that tell none (an id)")
    command.add_argument("--state", metavar="S", default="", help="the state of lines that tell none, such as OH")
    command.add_argument("--payers", metavar="FILE", help="a CSV with the columns claim_payer,payer: whom claims mean")
    command.add_argument(
        "--format", choices=("json", "table", "csv", "parquet"), help="default: by the ending of FILE, else table"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write the findings here instead of standard output")
    command.add_argument(
        "--rejected",
        metavar="FILE",
        help="what could not be read, NDJSON (default: beside -o, as FILE.rejected.ndjson)",
    )
    command.add_argument(
        "--report", metavar="FILE", help="also write a report, one HTML page that carries all it needs"
    )
    command.add_argument(
        "--repair",
        metavar="FILE",
        help="also write the claims with their form repaired, and the list of what changed as FILE.changes.csv",
    )
    command.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="default: duckdb")
    command.add_argument(
        "--master", metavar="URL", default="", help="with --engine spark: the cluster (default: local[*])"
    )
    command.add_argument("--memory-limit", metavar="SIZE", default="", help="such as 2GB")
    command.add_argument("--threads", metavar="N", type=int, default=0, help="default: all")
    command.add_argument("--resume", action="store_true", help="take up a run of the same files that broke off")


def run(options: argparse.Namespace) -> int:
    """Run `check`; return 1 when a finding says that something would be rejected or denied, else 0."""
    from facetwise.claims.payer import read_map
    from facetwise.edits import output
    from facetwise.edits.batch import Settings
    from facetwise.edits.check import Asked, checked
    from facetwise.edits.sources import refuse_output
    from facetwise.knowledge import load

    out = Path(options.output) if options.output else None
    form = options.format or (output.ENDINGS.get(out.suffix.lower(), "json") if out else "table")
    if form == "parquet" and out is None:
        raise FacetwiseError(
            Problem("", 0, "Parquet does not belong on standard output", mend="name a file with -o FILE")
        )
    if options.master and options.engine != "spark":
        raise FacetwiseError(Problem("", 0, "--master is for --engine spark", "both, or neither"))
    if options.threads < 0:
        raise FacetwiseError(Problem("", 0, f"--threads {options.threads}", "0 (all) or more"))
    inputs = [*options.claims, *options.history]
    rejected = Path(options.rejected) if options.rejected else out and out.with_name(f"{out.name}.rejected.ndjson")
    also = [Path(name) for name in (options.report, options.repair) if name]
    for name in (out, rejected, *also):
        if name is not None:
            refuse_output(name, inputs)
    knowledge = load(options.knowledge)
    asked = Asked(
        claims=tuple(options.claims),
        history=tuple(options.history),
        mapped_payers=tuple(read_map(Path(options.payers), knowledge.store).items()) if options.payers else (),
        default_payer=options.payer,
        state=options.state,
        engine=options.engine,
        master=options.master,
        settings=Settings(options.memory_limit, options.threads),
        resume=options.resume,
    )
    begin = time.perf_counter()
    progress = _Progress()
    with checked(asked, knowledge, out, progress) as result:
        if out is not None:
            output.write(result, form, out)
        else:
            _print(result, form)
        progress("done", 1.0)
        seconds = time.perf_counter() - begin
        if rejected is not None:
            output.keep_rejected(result, rejected)
        _also(options, result, knowledge, asked)
        _tell(result, out, rejected, seconds)
        if not result.lines and result.rejected_records:
            raise _nothing_read(result)
        return _REFUSED if result.refused else 0


def _nothing_read(result: Checked) -> FacetwiseError:
    """Return the error for an input of which no line could be read: its first fault, with the place."""
    from facetwise.edits.output import rejected_records

    first = rejected_records(result)[0]
    segment = first["segment"] if first["segment"] != "?" else ""  # what stands there begins no segment
    place = f"{first['place_kind']} {first['place']:,}" + (f", {segment}" if segment else "")
    return FacetwiseError(
        Problem(
            first["file"],
            0,
            f"no claim line could be read; the first fault, at {place}: {first['reason']}",
            "at least one whole claim",
            "send the file again, whole, as it left the system that wrote it",
        )
    )


def _also(options: argparse.Namespace, result: Checked, knowledge: Knowledge, asked: Asked) -> None:
    """Write the report and the repaired claims, where they are asked for."""
    if options.report:
        from facetwise.edits.report_command import write_report

        write_report(result, knowledge, asked, Path(options.report))
        print(f"{options.report}: the report", file=sys.stderr)
    if options.repair and result.findings_file is not None:
        from facetwise.edits.repair import repair

        made = repair(asked.claims, result.findings_file, knowledge, Path(options.repair), asked.settings.memory_limit)
        print(
            f"{made.claims}: {made.changed:,} lines changed, {made.removed:,} taken into another, {made.added:,} added; "
            f"{made.left:,} findings left alone, see {made.changes}",
            file=sys.stderr,
        )


def _print(result: Checked, form: str) -> None:
    from facetwise.edits import output

    if form == "json":
        for part in output.json_parts(result):
            sys.stdout.buffer.write(part)
    elif form == "csv":
        output.csv_to(result, sys.stdout.buffer)
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.buffer.write(output.table(result, colour=colour).encode() + b"\n")
    sys.stdout.buffer.flush()


def _tell(result: Checked, out: Path | None, rejected: Path | None, seconds: float) -> None:
    said = sys.stderr
    if out is not None:
        rate = f", {result.lines / seconds:,.0f} lines a second" if seconds > _QUIET else ""
        print(
            f"{out}: {result.total:,} findings on {result.lines:,} lines of {result.claims:,} claims"
            f" in {seconds:.1f} s{rate}",
            file=said,
        )
    if result.history_left_out:
        some = f"{result.history_left_out:,} history line{' was' if result.history_left_out == 1 else 's were'}"
        print(f"facetwise: {some} left out, being of claims that are checked", file=said)
    if result.rejected_records:
        where = f"see {rejected}" if rejected else "--rejected FILE writes them down"
        some = f"{result.rejected:,} line{'' if result.rejected == 1 else 's'}" + (
            f" and {result.history_rejected:,} of the history" if result.history_rejected else ""
        )
        lost = result.rejected or result.history_rejected
        told = f"{some} could not be read" if lost else "parts of the input could not be read, no line among them"
        print(f"facetwise: {told}; {where}", file=said)
    if result.payers_unknown:
        payer, lines = result.payers_unknown[0]
        print(
            f"facetwise: the payer of {sum(count for _, count in result.payers_unknown):,} lines is not known"
            f" ({payer or 'none is named'!r}: {lines:,}); --payers FILE or --payer P tells it",
            file=said,
        )


class _Progress:
    """Says on standard error how far a long run is: in place on a terminal, else a line for each tenth."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._last = -1

    def __call__(self, stage: str, done: float) -> None:
        if time.monotonic() - self._begin < _QUIET:
            return
        if sys.stderr.isatty():
            end = "\n" if done >= 1 else ""
            print(f"\r{stage:<10} {done:4.0%}", end=end, file=sys.stderr, flush=True)
        elif int(done * 10) > self._last:
            self._last = int(done * 10)
            print(f"facetwise: {stage}, {done:.0%}", file=sys.stderr, flush=True)
