"""The command `sample`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.sample.make import Made

_FORMATS = ("parquet", "csv", "837", "fhir")


def add_sample(commands: Any) -> argparse.ArgumentParser:
    """Add the command to a parser's commands and return its parser."""
    command: argparse.ArgumentParser = commands.add_parser(
        "sample",
        help="claims made up for tests, with the errors planted in them",
        description="Write made-up claims, their history and the list of the errors that were planted in them.",
    )
    command.add_argument(
        "-o", "--output", metavar="DIR|FILE", required=True, help="a directory, or the file of the claims"
    )
    command.add_argument("--lines", metavar="N", type=int, default=100_000, help="lines at most (default: 100000)")
    command.add_argument("--seed", metavar="S", type=int, default=1, help="another seed, other claims (default: 1)")
    command.add_argument(
        "--errors",
        metavar="SHARE",
        type=float,
        default=0.02,
        help="planted findings as a share of lines (default: 0.02)",
    )
    command.add_argument("--format", choices=_FORMATS, help="default: by the ending of FILE, else parquet")
    command.add_argument("--from", dest="start", metavar="DATE", help="first day (default: a year before the last)")
    command.add_argument("--to", dest="end", metavar="DATE", help="last day (default: when the knowledge was reviewed)")
    command.add_argument("--memory-limit", metavar="SIZE", help="at most this much memory, such as 2GB")
    command.add_argument("--threads", metavar="N", type=int, help="at most this many threads")
    command.add_argument("--json", action="store_true", help="print the summary as JSON on standard output")
    return command


def run_sample(options: argparse.Namespace) -> int:
    """Run the command; return the exit code."""
    import msgspec

    from facetwise.catalog import catalog_path
    from facetwise.knowledge import load
    from facetwise.sample.make import Asked, files_of, make

    files, form = files_of(Path(options.output), options.format)
    asked = Asked(
        options.lines, options.seed, options.errors, _day(options.start, "--from"), _day(options.end, "--to"), form
    )
    knowledge = load(options.knowledge)
    catalog = catalog_path()
    made = make(
        knowledge,
        asked,
        files,
        catalog=catalog if catalog.is_file() else None,
        memory=options.memory_limit or "",
        threads=options.threads or 0,
        progress=_told if sys.stderr.isatty() else None,
    )
    if options.json:
        sys.stdout.buffer.write(
            msgspec.json.format(msgspec.json.encode(made.as_record(asked, knowledge.digest)), indent=2) + b"\n"
        )
    else:
        print(summary(made))
    return 0


def summary(made: Made) -> str:
    """Return what was made, for a person."""
    span = f"{made.span.first.isoformat()} to {made.span.last.isoformat()}"
    rate = made.lines / max(made.seconds, 1e-9)
    lines = [
        f"{made.files.claims}: {made.lines:,} lines of {made.patients:,} patients, {span}",
        f"{made.files.history}: {made.history:,} earlier lines of those who had a facet procedure",
        f"{made.files.planted}: {made.planted:,} findings to expect",
        "",
        *(f"  {edit:<32}{count:>9,}" for edit, count in made.edits.items()),
        "",
        f"{made.seconds:.1f} s, {rate:,.0f} lines a second. Everything here is made up.",
    ]
    return "\n".join(lines)


def _told(step: str, _share: float) -> None:
    print(f"facetwise: {step}", file=sys.stderr)


def _day(text: str | None, what: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FacetwiseError(
            Problem("", 0, f"{what} {text!r} is not a date", "a date such as 2026-03-02 (year, month, day)")
        ) from None
