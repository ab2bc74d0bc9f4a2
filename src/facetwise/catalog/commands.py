"""The command line of `facetwise data load` and `facetwise data status`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.catalog.load import Loaded
    from facetwise.catalog.status import KindStatus

_MOST_DAYS = 2


def add_arguments(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `load` and `status` to the subcommands of `facetwise data`; each sets `run`, a function of the options."""
    load = subparsers.add_parser(
        "load",
        help="load official files as published",
        description="Load official files, or archives of them, into the catalog. What a file is, its content says, not its name.",
        epilog="All files of one call are loaded, or none; a file that is loaded already changes nothing.",
    )
    load.add_argument("files", metavar="FILE", nargs="*", help="csv, txt, xlsx, or a zip archive of such files")
    load.add_argument(
        "--effective",
        metavar="DAY",
        nargs="+",
        default=[],
        help="the first day, and the last if you state it, for files whose content does not say it",
    )
    load.add_argument("--kind", metavar="KIND", help="take only this kind; settles what a content leaves open")
    load.add_argument(
        "--participation",
        choices=("all", "qualifying_apm", "non_qualifying_apm"),
        default="",
        help="whom a physician fee file is for, where neither its title nor its conversion factor tells",
    )
    load.add_argument("--replace", action="store_true", help="put a release in the place of one of the same first day")
    load.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    load.set_defaults(run=run_load)

    status = subparsers.add_parser(
        "status",
        help="what is loaded, for which days, and what is stale",
        description="List every kind of release: what is loaded, for which days, what is stale today, what is missing.",
    )
    status.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    status.set_defaults(run=run_status)


def run_load(options: argparse.Namespace) -> int:
    """Run `facetwise data load`; return the exit code."""
    from facetwise.catalog.load import load_files

    days, files = _days_and_files(options.effective)
    files = [*options.files, *files]
    if not files:
        raise FacetwiseError(Problem("", 0, "no file is named", mend="see 'facetwise data load --help'"))
    effective = (days[0], days[1] if len(days) == _MOST_DAYS else None) if days else None
    loaded = load_files(
        [Path(file) for file in files],
        effective=effective,
        kind=options.kind,
        participation=options.participation,
        replace=options.replace,
    )
    if options.format == "json":
        from facetwise.catalog.database import catalog_path

        _print_json({"catalog": str(catalog_path()), "loaded": loaded})
    else:
        print("\n".join(_lines_of(loaded)))
    return 0


def _days_and_files(words: list[str]) -> tuple[list[date], list[str]]:
    """Part the days after --effective from files that were named behind them. Raises FacetwiseError."""
    days: list[date] = []
    for place, word in enumerate(words):
        try:
            days.append(date.fromisoformat(word))
        except ValueError:
            if not days:
                raise FacetwiseError(
                    Problem(
                        "", 0, f"--effective {word!r} is not a date", "a date such as 2026-07-01 (year, month, day)"
                    )
                ) from None
            return _checked(days), words[place:]
    return _checked(days), []


def _checked(days: list[date]) -> list[date]:
    if len(days) > _MOST_DAYS:
        raise FacetwiseError(Problem("", 0, f"--effective names {len(days)} days", "the first day, and the last"))
    if len(days) == _MOST_DAYS and days[1] < days[0]:
        raise FacetwiseError(Problem("", 0, f"--effective ends {days[1]}, before it begins {days[0]}"))
    return days


def _lines_of(loaded: list[Loaded]) -> list[str]:
    lines = []
    for one in loaded:
        rejected = f", {one.rejected:,} rejected" if one.rejected else ""
        lines.append(
            f"{one.kind} {one.release}: {one.state}, {one.rows:,} rows{rejected}, "
            f"{one.effective_from} to {one.effective_to}"
        )
        lines += [f"  {note}" for note in one.notes]
    return lines


def run_status(options: argparse.Namespace) -> int:
    """Run `facetwise data status`; return the exit code."""
    from facetwise.catalog.database import catalog_path, open_catalog
    from facetwise.catalog.status import status

    today = date.today()
    with open_catalog() as catalog:
        kinds = status(catalog, today)
    if options.format == "json":
        answer = [
            {
                "kind": one.kind.name,
                "title": one.kind.title,
                "state": one.state,
                "next_due": one.due,
                "releases": one.releases,
            }
            for one in kinds
        ]
        _print_json({"catalog": str(catalog_path()), "today": today, "kinds": answer})
    else:
        print("\n".join([f"{catalog_path()}, {today}", "", *_table(kinds)]))
    return 0


def _table(kinds: list[KindStatus]) -> list[str]:
    rows = [("kind", "state", "release", "from", "to", "rows")]
    for one in kinds:
        if not one.releases:
            rows.append((one.kind.name, one.state, "", "", "", ""))
        for number, held in enumerate(one.releases):
            newest = number == len(one.releases) - 1
            state = one.state + (f" since {one.due}" if one.state == "stale" else "") if newest else ""
            name = one.kind.name if not number else ""
            start, end = held.effective_from.isoformat(), held.effective_to.isoformat()
            rows.append((name, state, held.release, start, end, f"{held.rows:,}"))
            if held.note:
                rows.append(("", "", held.note, "", "", ""))
    widths = [max(len(row[place]) for row in rows if row[3] or place < 2) for place in range(6)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _print_json(content: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
    sys.stdout.buffer.flush()
