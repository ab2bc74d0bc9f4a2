"""The command line. Nothing heavy is imported until a command needs it, so that help answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise import __version__
from facetwise.catalog import commands as catalog_commands
from facetwise.catalog import pull_commands
from facetwise.coverage.commands import add_arguments as add_cover_arguments
from facetwise.edits.commands import add_arguments as add_check_arguments
from facetwise.mcp.commands import add_mcp
from facetwise.payment.commands import add_price
from facetwise.problems import FacetwiseError, Problem
from facetwise.sample.commands import add_sample
from facetwise.web.commands import add_serve

if TYPE_CHECKING:
    from facetwise.knowledge import Knowledge

FORMATS = ("html", "pdf", "markdown", "json")
PAPERS = ("a4", "us-letter")
AUDIENCES = ("billing", "clinical", "policy")
_ENDINGS = {".html": "html", ".htm": "html", ".pdf": "pdf", ".md": "markdown", ".markdown": "markdown", ".json": "json"}
_WRONG_CALL = 2


class _Parser(argparse.ArgumentParser):
    """argparse, with errors in the words of this project."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise FacetwiseError(Problem("", 0, message, mend=f"see '{self.prog} --help'"))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    main_parser = _Parser(
        prog="facetwise",
        description="Cited, dated answers about facet joint procedures and the codes that report them.",
        epilog="Every answer carries its date and its sources; what no source establishes is called not established.",
    )
    main_parser.add_argument("--version", action="version", version=f"facetwise {__version__}")
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    brief = commands.add_parser(
        "brief",
        help="a cited national briefing on a procedure code",
        description="Write the national coding-and-coverage briefing on a procedure code, as of a date.",
    )
    brief.add_argument("code", metavar="CODE", help="a procedure code")
    brief.add_argument(
        "--as-of", metavar="DATE", help="the day that is asked about, such as 2026-03-02 (default: today)"
    )
    brief.add_argument("--audience", choices=AUDIENCES, help="put first what these readers need; nothing is left out")
    brief.add_argument(
        "--payer", metavar="P", nargs="+", default=[], help="compare these payers only (ids of the knowledge)"
    )
    brief.add_argument("--format", choices=FORMATS, help="default: by the ending of FILE, else markdown")
    brief.add_argument("--paper", choices=PAPERS, default=PAPERS[0], help="the paper of a PDF (default: a4)")
    brief.add_argument("-o", "--output", metavar="FILE", help="write here instead of standard output")
    _knowledge_option(brief)

    changes = commands.add_parser(
        "changes",
        help="what changed, when, and what it means",
        description="List what changed over a span of dates, newest first, for a code, a payer or everything.",
    )
    changes.add_argument("code", metavar="CODE", nargs="?", help="only what bears on this procedure code")
    changes.add_argument("--from", dest="start", metavar="DATE", required=True, help="first day")
    changes.add_argument("--to", dest="end", metavar="DATE", required=True, help="last day, included")
    changes.add_argument("--payer", metavar="P", nargs="+", default=[], help="only these payers and whom they follow")
    changes.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    _knowledge_option(changes)

    code = commands.add_parser(
        "code",
        help="claim lines from the joints or nerves treated",
        description="Turn an encounter (what was treated, where, when, for whom) into the claim lines that the payer wants.",
    )
    code.add_argument(
        "encounter", metavar="ENCOUNTER", help="a YAML or JSON file, one encounter or a list; - for standard input"
    )
    code.add_argument("--format", choices=("json", "table"), default="json", help="default: json")
    _knowledge_option(code)

    cover = commands.add_parser(
        "cover",
        help="coverage criteria, limits and prior authorization for a case",
        description="Judge a case by its payer's criteria, limits and positions on its day, and say what is missing.",
    )
    add_cover_arguments(cover)
    _knowledge_option(cover)

    check = commands.add_parser(
        "check",
        help="claim edits: what would be refused or denied, why, what to do",
        description="Check claims (837P, 837I, FHIR, CSV, Parquet) line by line against the edits, with sources.",
    )
    add_check_arguments(check)
    _knowledge_option(check)

    _knowledge_option(add_price(commands))

    data = commands.add_parser(
        "data",
        help="official releases: load, fetch, list, watch",
        description="Official releases (fee schedules, NCCI edits, code sets) in the catalog on this machine.",
    )
    releases = data.add_subparsers(dest="data_command", metavar="COMMAND", required=True, parser_class=_Parser)
    catalog_commands.add_arguments(releases)
    pull_commands.add_arguments(releases)

    _knowledge_option(add_sample(commands))
    _knowledge_option(add_serve(commands))
    _knowledge_option(add_mcp(commands))

    lint = commands.add_parser(
        "lint",
        help="check the knowledge",
        description="Check the knowledge, and any laid over it: keys, dates, sources, references, contradictions.",
    )
    lint.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _knowledge_option(lint)
    return main_parser


def _knowledge_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--knowledge",
        metavar="DIR",
        action="append",
        default=[],
        type=Path,
        help="lay your own knowledge over ours; may be given several times, the last wins",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        options = parser().parse_args(arguments)
        commands = {
            "brief": _brief,
            "changes": _changes,
            "code": _code,
            "check": _check,
            "cover": _cover,
            "price": _price,
            "data": lambda chosen: int(chosen.run(chosen)),
            "sample": _sample,
            "serve": _serve,
            "mcp": _mcp,
            "lint": _lint,
        }
        return commands[options.command](options)
    except FacetwiseError as error:
        for problem in error.problems:
            print(f"facetwise: {problem}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe has gone; closing quietly is what it expects.
        sys.stderr.close()
        return 0


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FacetwiseError(
            Problem("", 0, f"{what} {text!r} is not a date", "a date such as 2026-03-02 (year, month, day)")
        ) from None


def _load(options: argparse.Namespace) -> Knowledge:
    from facetwise.knowledge import load

    return load(options.knowledge)


def _today(knowledge: Knowledge) -> tuple[date, str]:
    """Return today, or the last day the knowledge answers for, and then a notice that says so."""
    today = date.today()
    until = knowledge.store.horizon.until
    if today <= until:
        return today, ""
    return until, f"the knowledge ends on {until.isoformat()}; the answer is as of that day, not of today"


def _brief(options: argparse.Namespace) -> int:
    from facetwise.briefing.build import build
    from facetwise.document.write import render, write

    knowledge = _load(options)
    notice = ""
    if options.as_of is None:
        day, notice = _today(knowledge)
    else:
        day = _day(options.as_of, "--as-of")
    form = options.format or _ENDINGS.get(Path(options.output or "").suffix.lower(), "markdown")
    if options.output is None and form == "pdf" and sys.stdout.isatty():
        raise FacetwiseError(Problem("", 0, "a PDF does not belong on a terminal", mend="name a file with -o FILE"))
    document = build(knowledge, options.code, day, audience=options.audience or "", payers=tuple(options.payer))
    content = render(document, form, options.paper)
    if options.output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(Path(options.output), content)
        print(f"{options.output}: {document.title}, as of {document.as_of}", file=sys.stderr)
    if notice:
        print(f"facetwise: {notice}", file=sys.stderr)
    return 0


def _changes(options: argparse.Namespace) -> int:
    from facetwise.briefing import changes
    from facetwise.briefing.terminal import timeline_table

    knowledge = _load(options)
    start, end = _day(options.start, "--from"), _day(options.end, "--to")
    if end < start:
        raise FacetwiseError(Problem("", 0, f"--to {end} lies before --from {start}", "a span of dates"))
    found = changes.between(knowledge.store, start, end, options.code or "", tuple(options.payer))
    if options.format == "json":
        sys.stdout.buffer.write(changes.to_json(found, start, end, options.code or "", knowledge.digest))
    else:
        print(timeline_table(found, start, end, knowledge.store))
    return 0


def _code(options: argparse.Namespace) -> int:
    from facetwise.coding import code, read_encounters
    from facetwise.coding.terminal import coded_table
    from facetwise.streams import json_bytes, print_bytes, read_input

    text, name = read_input(options.encounter)
    knowledge = _load(options)
    encounters = read_encounters(text, name, knowledge)
    coded = [code(encounter, knowledge) for encounter in encounters]
    if options.format == "table":
        print("\n\n".join(coded_table(one) for one in coded))
        return 0
    results = [one.result for one in coded]
    print_bytes(json_bytes(results if text.lstrip().startswith(("[", "-")) else results[0]))
    return 0


def _cover(options: argparse.Namespace) -> int:
    from facetwise.coverage.commands import run

    return run(options)


def _check(options: argparse.Namespace) -> int:
    from facetwise.edits.commands import run

    return run(options)


def _price(options: argparse.Namespace) -> int:
    from facetwise.payment.commands import run_price

    return run_price(options)


def _sample(options: argparse.Namespace) -> int:
    from facetwise.sample.commands import run_sample

    return run_sample(options)


def _serve(options: argparse.Namespace) -> int:
    from facetwise.web.commands import run_serve

    return run_serve(options)


def _mcp(options: argparse.Namespace) -> int:
    from facetwise.mcp.commands import run_mcp

    return run_mcp(options)


def _lint(options: argparse.Namespace) -> int:
    from facetwise.briefing.terminal import lint_report
    from facetwise.knowledge.lint import lint_layers
    from facetwise.knowledge.load import layers

    report = lint_layers(layers(options.knowledge))
    print(lint_report(report, as_json=options.format == "json"))
    return _WRONG_CALL if report.errors else 0
