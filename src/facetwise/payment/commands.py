"""The command `price`: its options, and the answer as JSON or as a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.payment.catalog_fees import Catalog

_OPTIONS = {
    "payer": ("P", "a payer of the knowledge"),
    "date_of_service": ("DATE", "the day of the service, such as 2026-03-02"),
    "setting": ("SETTING", "office, asc or hopd"),
    "place_of_service": ("POS", "in the place of --setting: 11, 19, 22 or 24"),
    "claim": ("CLAIM", "professional or facility (default: professional)"),
    "locality": ("MAC/LOC", "contractor and locality, such as 15202/00; or national"),
    "state": ("STATE", "where the state has one Medicare locality"),
    "zip": ("ZIP", "five digits; needs the ZIP file in the catalog"),
    "apm_participant": ("BOOL", "true or false: a qualifying participant in an alternative payment model"),
    "deductible": ("AMOUNT", "what is still open of the patient's deductible (default: 0)"),
    "wage_index": ("INDEX", "the surgery center's wage index"),
    "cbsa": ("AREA", "the surgery center's area; needs the wage index file in the catalog"),
}


def add_price(commands: Any) -> argparse.ArgumentParser:
    """Add `price` to the commands of the command line; return its parser, for the options that all commands share."""
    price: argparse.ArgumentParser = commands.add_parser(
        "price",
        help="expected Medicare allowed amount, line by line",
        description="Price claim lines as Medicare allows them, with each step and its source. LINES is what 'facetwise "
        "code' prints, or a list of such objects; a Parquet or CSV file of lines is priced set-wise.",
    )
    price.add_argument(
        "lines", metavar="LINES", help="a JSON or YAML file; - for standard input; or a .parquet or .csv file"
    )
    for name, (shown, told) in _OPTIONS.items():
        price.add_argument("--" + name.replace("_", "-"), metavar=shown, help=told)
    price.add_argument(
        "--compare", action="store_true", help="the same lines in office, surgery center and hospital, both claims"
    )
    price.add_argument("--format", choices=("json", "table"), default="json", help="default: json")
    price.add_argument("-o", "--output", metavar="FILE", help="of a Parquet or CSV file: write the priced lines here")
    price.add_argument("--memory-limit", metavar="SIZE", help="of a Parquet or CSV file: such as 2GB")
    price.add_argument("--threads", metavar="N", type=int, help="of a Parquet or CSV file (default: all)")
    return price


def run_price(options: argparse.Namespace) -> int:
    """Run `price`; return the exit code."""
    from facetwise.payment.setwise import is_setwise, run_setwise

    if is_setwise(options.lines):
        _refuse(options, {"compare": False, "deductible": None, "payer": None})
        mac, slash, locality = (options.locality or "").partition("/")
        options.mac, options.locality = (mac or None, locality or None) if slash else (None, None)
        return run_setwise(options)
    _refuse(options, {"output": None, "memory_limit": None, "threads": None})
    return _scalar(options)


def _refuse(options: argparse.Namespace, unused: dict[str, Any]) -> None:
    for name, default in unused.items():
        if getattr(options, name) != default:
            kind = "a Parquet or CSV file" if name not in ("output", "memory_limit", "threads") else "JSON or YAML"
            raise FacetwiseError(Problem(options.lines, 0, f"--{name.replace('_', '-')} has no use with {kind}"))


def _scalar(options: argparse.Namespace) -> int:
    import msgspec

    from facetwise.knowledge import load
    from facetwise.payment.compare import compare
    from facetwise.payment.price import Pricer
    from facetwise.payment.request import read_requests
    from facetwise.payment.terminal import comparison_table, price_table

    text, name = _input(options.lines)
    knowledge = load(options.knowledge)
    given = {name: value for name in _OPTIONS if (value := getattr(options, name)) is not None}
    requests, is_list = read_requests(text, name, knowledge, given, compare=options.compare)
    pricer = Pricer(knowledge, open_catalog())
    answers: list[Any]
    if options.compare:
        answers = [compare(request, pricer, knowledge) for request in requests]
    else:
        pricer.prefetch(requests)
        answers = [pricer.price(request) for request in requests]
    if options.format == "table":
        show: Any = comparison_table if options.compare else price_table
        print("\n\n".join(show(answer) for answer in answers))
        return 0
    content = msgspec.json.encode(answers if is_list else answers[0])
    sys.stdout.buffer.write(msgspec.json.format(content, indent=2) + b"\n")
    sys.stdout.buffer.flush()
    return 0


def open_catalog() -> Catalog | None:
    """Return the user's catalog for reading; None, and nothing heavy imported, where none has been made."""
    from facetwise import catalog

    return catalog.open_catalog() if catalog.catalog_path().is_file() else None


def _input(source: str) -> tuple[str, str]:
    """Return the text of a file, or of standard input for "-", and its name for messages."""
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8"), "standard input"
        return Path(source).read_text(encoding="utf-8"), source
    except UnicodeDecodeError as error:
        raise FacetwiseError(
            Problem(source, 0, f"byte {error.start} is not UTF-8", "UTF-8 text", "save the file as UTF-8")
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(Problem(source, 0, f"it cannot be read: {reason}", "a readable file, or -")) from None
