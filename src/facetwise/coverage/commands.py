"""The command line of `facetwise cover`: the determination, the page for the chart, the checklist, the comparison."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.coverage.case import Case
    from facetwise.document.model import Document
    from facetwise.knowledge import Knowledge

_PAGES = ("html", "pdf", "markdown")
_FORMATS = ("json", "table", *_PAGES)
_PAPERS = ("a4", "us-letter")
_ENDINGS = {".html": "html", ".htm": "html", ".pdf": "pdf", ".md": "markdown", ".markdown": "markdown", ".json": "json"}
_NOT_MET = 1
# Files of many cases are judged set-wise.
_MANY = (".parquet", ".ndjson", ".jsonl")
# What a checklist asks for in the place of a case: the option, its place in a case, its name in the help, and help.
_ASKED = {
    "payer": (("payer",), "P", "with --checklist: a payer of the knowledge"),
    "state": (("state",), "STATE", "with --checklist: the state, which picks the contractor"),
    "date": (("date_of_service",), "DATE", "with --checklist: the day of the procedure (default: today)"),
    "technique": (("procedure", "technique"), "T", "with --checklist: such as medial_branch_block"),
    "purpose": (("procedure", "purpose"), "PURPOSE", "with --checklist: diagnostic or therapeutic"),
    "region": (("procedure", "region"), "REGION", "with --checklist: such as lumbar"),
    "setting": (("setting",), "SETTING", "with --checklist: office, asc or hopd"),
}
_NEEDED = ("payer", "technique", "region")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the case and the options of `cover`."""
    command.add_argument(
        "case", metavar="CASE", nargs="?", help="a YAML or JSON file, one case or a list; - for standard input"
    )
    view = command.add_mutually_exclusive_group()
    view.add_argument("--explain", action="store_true", help="a page for the chart: each criterion with its evidence")
    view.add_argument(
        "--checklist",
        action="store_true",
        help="the blank page: what the record must contain, from CASE without its patient, or from the options below",
    )
    view.add_argument(
        "--versus",
        metavar="CHANGE",
        action="append",
        default=[],
        help="beside the same case under payer=P, state=STATE or date=DATE, or several with commas; up to three times",
    )
    command.add_argument(
        "--format",
        choices=_FORMATS,
        help="default: by the ending of FILE, else json; of --explain and --checklist markdown",
    )
    command.add_argument("--paper", choices=_PAPERS, default=_PAPERS[0], help="the paper of a PDF (default: a4)")
    command.add_argument("-o", "--output", metavar="FILE", help="write here instead of standard output")
    for name, (_, shown, told) in _ASKED.items():
        command.add_argument(f"--{name}", metavar=shown, help=told)
    command.add_argument("--history", metavar="FILE", help="of a Parquet file of cases: their earlier procedures")
    command.add_argument("--memory-limit", metavar="SIZE", help="of a Parquet or NDJSON file: such as 2GB")
    command.add_argument("--threads", metavar="N", type=int, help="of a Parquet or NDJSON file (default: all)")


def run(options: argparse.Namespace) -> int:
    """Run `cover`; return the exit code: 1 when a case is not met."""
    from facetwise.knowledge import load

    if options.case and options.case.lower().endswith(_MANY):
        from facetwise.coverage.setwise import run_setwise

        return run_setwise(options)
    form = _form(options)
    _agree(options, form)
    if options.checklist:
        from facetwise.coverage.checklist import checklist

        knowledge = load(options.knowledge)
        case = _one(options, knowledge) if options.case else _asked_case(options, knowledge)
        _draw(options, checklist(case, knowledge), form)
        return 0
    if options.versus:
        return _versus(options, load(options.knowledge), form)
    if options.explain or form in _PAGES:
        return _explain(options, load(options.knowledge), form)
    return _plain(options, load(options.knowledge), form)


def _form(options: argparse.Namespace) -> str:
    default = "markdown" if options.explain or options.checklist else "json"
    form: str = options.format or _ENDINGS.get(Path(options.output or "").suffix.lower(), default)
    return form


def _agree(options: argparse.Namespace, form: str) -> None:
    """Raise FacetwiseError where the options do not go together."""
    given = [name for name in _ASKED if getattr(options, name) is not None]
    if form == "table" and (options.explain or options.checklist):
        raise _wrong("a page has no --format table", "html, pdf, markdown or json")
    if form == "pdf" and options.output is None and sys.stdout.isatty():
        raise _wrong("a PDF does not belong on a terminal", "a file", "name one with -o FILE")
    if given and not options.checklist:
        raise _wrong(f"--{given[0]} is for --checklist", "a case that says it", "see --versus for another payer or day")
    if given and options.case:
        raise _wrong(f"CASE and --{given[0]} both say what is asked", "one of the two")
    if options.case is None and not options.checklist:
        raise _wrong("no case is named", "a YAML or JSON file, or - for standard input")
    lacking = [name for name in _NEEDED if getattr(options, name) is None]
    if options.case is None and lacking:
        raise _wrong(
            f"a checklist without a case needs --{' and --'.join(lacking)}", "a CASE, or --payer, --technique, --region"
        )


def _plain(options: argparse.Namespace, knowledge: Knowledge, form: str) -> int:
    from facetwise.coverage import cover, read_cases
    from facetwise.coverage.terminal import determination_text
    from facetwise.streams import json_bytes, read_input

    text, name = read_input(options.case)
    cases = read_cases(text, name, knowledge)
    answers = [cover(case, knowledge) for case in cases]
    if form == "table":
        shown = "\n\n".join(determination_text(case, answer) for case, answer in zip(cases, answers, strict=True))
        _put(options, shown.encode() + b"\n")
    else:
        _put(options, json_bytes(answers if text.lstrip().startswith(("[", "-")) else answers[0]))
    return _NOT_MET if any(answer.outcome == "not_met" for answer in answers) else 0


def _explain(options: argparse.Namespace, knowledge: Knowledge, form: str) -> int:
    from facetwise.coverage import cover
    from facetwise.coverage.report import explained

    case = _one(options, knowledge)
    answer = cover(case, knowledge)
    _draw(options, explained(case, answer, knowledge), form)
    return _NOT_MET if answer.outcome == "not_met" else 0


def _versus(options: argparse.Namespace, knowledge: Knowledge, form: str) -> int:
    from facetwise.coverage.versus import compare, comparison_document, comparison_text
    from facetwise.streams import json_bytes

    case = _one(options, knowledge)
    found = compare(case, options.versus, knowledge)
    if form == "json":
        _put(options, json_bytes(found))
    elif form == "table":
        _put(options, comparison_text(case, found, knowledge).encode() + b"\n")
    else:
        _draw(options, comparison_document(case, found, knowledge), form)
    return _NOT_MET if found.sides[0].outcome == "not_met" else 0


def _one(options: argparse.Namespace, knowledge: Knowledge) -> Case:
    from facetwise.coverage import read_cases
    from facetwise.streams import read_input

    text, name = read_input(options.case)
    cases = read_cases(text, name, knowledge)
    if len(cases) > 1:
        raise FacetwiseError(Problem(name, 0, f"{len(cases)} cases stand here", "one case for a page or a comparison"))
    return cases[0]


def _asked_case(options: argparse.Namespace, knowledge: Knowledge) -> Case:
    """Return the case that the options ask about; faults are told without a place in a file."""
    import json

    from facetwise.coverage import read_cases

    given: dict[str, Any] = {"date_of_service": min(date.today(), knowledge.store.horizon.until).isoformat()}
    for name, (place, _, _) in _ASKED.items():
        value = getattr(options, name)
        if value is not None:
            inner = given.setdefault(place[0], {}) if len(place) > 1 else given
            inner[place[-1]] = value
    try:
        return read_cases(json.dumps(given), "", knowledge)[0]
    except FacetwiseError as error:
        raise FacetwiseError(
            Problem("", 0, problem.found, problem.expected, problem.mend) for problem in error.problems
        ) from None


def _draw(options: argparse.Namespace, document: Document, form: str) -> None:
    from facetwise.document.write import render

    _put(options, render(document, form, options.paper))


def _put(options: argparse.Namespace, content: bytes) -> None:
    from facetwise.document.write import write
    from facetwise.streams import print_bytes

    if options.output is None:
        print_bytes(content)
    else:
        write(Path(options.output), content)


def _wrong(found: str, expected: str, mend: str = "") -> FacetwiseError:
    return FacetwiseError(Problem("", 0, found, expected, mend))
