"""The command line of `facetwise data pull` and `facetwise data watch`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.knowledge.store import Store


def add_arguments(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `pull` and `watch` to the subcommands of `facetwise data`; each sets `run`, a function of the options."""
    add_pull(subparsers)
    add_watch(subparsers)


def add_pull(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `facetwise data pull`."""
    pull = subparsers.add_parser(
        "pull",
        help="fetch an official release and load it",
        description="Fetch the official file of a release over HTTPS, check it and load it into the catalog.",
        epilog="Where no address of a file is established, the page that offers it is named, and nothing is fetched.",
    )
    pull.add_argument("kind", metavar="KIND", help="a kind of release, such as physician_fee")
    pull.add_argument("--date", metavar="DATE", help="a day of service that the release holds for (default: today)")
    pull.add_argument("--url", metavar="URL", help="fetch this address instead of the one in the knowledge")
    pull.add_argument("--sha256", metavar="HEX", default="", help="refuse the file unless this is its checksum")
    _common(pull)
    pull.set_defaults(run=run_pull)


def add_watch(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `facetwise data watch`."""
    watch = subparsers.add_parser(
        "watch",
        help="which policies and releases have newer versions",
        description=(
            "Ask the CMS Coverage API which versions of the Medicare policies that the knowledge cites are in force, and "
            "say which of ours are behind and which facts cite them; likewise for official releases, as far as facts name them."
        ),
    )
    watch.add_argument("--date", metavar="DATE", help="the day that is asked about (default: today)")
    watch.add_argument(
        "--texts",
        action="store_true",
        help="keep the texts on this machine and show what changed; needs the licence terms of AMA, ADA and AHA accepted",
    )
    watch.add_argument(
        "--accept-license", action="store_true", help="accept these terms without being asked (for scripts)"
    )
    watch.add_argument("--api", metavar="URL", help="another address of the API (default: the one in the knowledge)")
    _common(watch)
    watch.set_defaults(run=run_watch)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    command.add_argument(
        "--knowledge",
        metavar="DIR",
        action="append",
        default=[],
        type=Path,
        help="lay your own knowledge over ours; may be given several times, the last wins",
    )


def run_pull(options: argparse.Namespace) -> int:
    """Run `facetwise data pull`; return the exit code."""
    from facetwise.catalog.progress import Progress
    from facetwise.catalog.pull import pull
    from facetwise.catalog.watch_report import pull_json, pull_text

    store = _store(options)
    pulled = pull(store, options.kind, _day(options.date), url=options.url or "", sha256=options.sha256, meter=Progress)
    if options.format == "json":
        _print_json(pull_json(pulled))
    else:
        print(pull_text(pulled))
    return 0


def run_watch(options: argparse.Namespace) -> int:
    """Run `facetwise data watch`; return the exit code."""
    from facetwise.catalog.coverage_api import CoverageApi
    from facetwise.catalog.database import home_directory
    from facetwise.catalog.policy_text import TextStore
    from facetwise.catalog.watch import Texts, compare, fetch_texts, knowledge_day, routes
    from facetwise.catalog.watch_releases import compare_releases, in_catalog
    from facetwise.catalog.watch_report import watch_json, watch_text

    store = _store(options)
    day = _day(options.date)
    if day != knowledge_day(store, day):
        print(f"facetwise: the knowledge answers for {knowledge_day(store, day)}, not for {day}", file=sys.stderr)
    base = options.api or next((route.base for route in routes(store)), "")
    api = CoverageApi(base, lambda: options.accept_license or ask_license())
    releases = compare_releases(store, day, in_catalog())
    compared = compare(store, day, api)
    texts = fetch_texts(compared, api, TextStore(home_directory() / "watch")) if options.texts else Texts()
    missing = api.missing.lines()
    if options.format == "json":
        _print_json(watch_json(store, day, api.base, compared, releases, texts, missing))
    else:
        print(watch_text(day, api.base, compared, releases, texts, missing))
    if texts.license == "not_accepted":
        print(
            "facetwise: the texts were not asked for, since the licence terms are not accepted; "
            "--accept-license accepts them",
            file=sys.stderr,
        )
    return 0


def ask_license() -> bool:
    """Ask the user on a terminal whether the licence terms are accepted; anything but a plain yes is a no."""
    from facetwise.catalog.coverage_api import TERMS

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"\n{TERMS}\nThe texts stay on this machine, open to you only.", file=sys.stderr)
    print(
        "Do you accept the licence terms of the AMA, the ADA and the AHA? [yes/no] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("yes", "y")


def _store(options: argparse.Namespace) -> Store:
    from facetwise.knowledge import load

    return load(options.knowledge).store


def _day(text: str | None) -> date:
    if text is None:
        return date.today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FacetwiseError(
            Problem("", 0, f"--date {text!r} is not a date", "a date such as 2026-03-02 (year, month, day)")
        ) from None


def _print_json(content: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
    sys.stdout.buffer.flush()
