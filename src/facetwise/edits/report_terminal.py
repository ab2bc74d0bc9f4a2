"""The summary of a check for a terminal of 100 columns: the answer, what is wrong most, what to do first, what was not looked at."""

from __future__ import annotations

import textwrap
from decimal import Decimal

from facetwise.edits.report import Group, Groups, NotChecked, Refused, Report

WIDTH = 100
_ROWS = 8
_FIRST = 3
_COLOURS = {"reject": "31", "deny": "31", "review": "33", "info": "2"}
_NOBODY = "(not given)"


def summary(report: Report, *, colour: bool = False) -> str:
    """Return the summary; `colour` for a terminal that wants it. What claims say is shown without control characters."""
    parts = [
        _head(report),
        _edits(report, colour=colour),
        _first(report),
        _groups("By provider", report.providers),
        _groups("By payer", report.payers),
        _refused(report.run.refused),
        _not_checked(report.run.not_checked),
        _foot(report),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def answer(report: Report) -> str:
    """Return the answer in one sentence."""
    run = report.run
    said = f"{run.lines:,} {_many(run.lines, 'line')} of {run.claims:,} {_many(run.claims, 'claim')} checked"
    denied, review = report.denied_lines, report.lines["review"]
    if not denied and not review:
        return f"{said}: nothing found that would be refused, denied or must be reviewed."
    found = []
    if denied:
        found.append(f"{denied:,} would be refused or denied ({money(report.charges)} charged)")
    if review:
        found.append(f"{review:,} more must be reviewed" if denied else f"{review:,} must be reviewed")
    return f"{said}: {', '.join(found)}."


def first_things(report: Report) -> list[tuple[str, str]]:
    """Return what to do first: the edits with the most at stake, each with its lines and charges, and how to mend it."""
    graves = [row for row in report.edits if row.reject + row.deny] or [row for row in report.edits if row.review]
    found = []
    for row in graves[:_FIRST]:
        lines = row.reject + row.deny or row.review
        charges = row.charges if row.reject + row.deny else row.review_charges
        found.append((f"{row.edit}: {lines:,} {_many(lines, 'line')}, {money(charges)}", row.fix))
    return found


def money(amount: Decimal) -> str:
    """Return an amount in dollars and cents."""
    return f"${amount:,.2f}"


def plain(text: str) -> str:
    """Return text from a claim without what would act on a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _head(report: Report) -> list[str]:
    out = _wrapped(answer(report), "", "")
    run = report.run
    if run.rejected:
        out += _wrapped(
            f"{run.rejected:,} {_many(run.rejected, 'line')} could not be read and {_was(run.rejected)} not checked; see below.",
            "",
            "",
        )
    if report.expected is not None and report.expected.denied:
        out += _wrapped(expected_words(report), "", "")
    return out


def expected_words(report: Report) -> str:
    """Return what Medicare would be expected to allow for its denied lines, in words."""
    one = report.expected
    assert one is not None
    if not one.priced:
        return f"None of the {one.denied:,} denied Medicare {_many(one.denied, 'line')} could be priced."
    return (
        f"At stake with Medicare: {money(one.allowed)} expected to be allowed, at national amounts, for {one.priced:,} of its {one.denied:,} "
        f"denied {_many(one.denied, 'line')}."
    )


def _edits(report: Report, *, colour: bool) -> list[str]:
    if not report.edits:
        return []
    out = [
        "What is wrong most",
        f"  {'edit':<32}{'severity':<10}{'denied':>10}{'review':>10}{'info':>8}{'charges at stake':>20}",
    ]
    for row in report.edits:
        severity = f"{row.severity:<10}"
        if colour:
            severity = f"\x1b[{_COLOURS[row.severity]}m{severity}\x1b[0m"
        stake = money(row.charges) if row.reject + row.deny else ""
        counts = "".join(
            f"{_count(number):>{room}}"
            for number, room in ((row.reject + row.deny, 10), (row.review, 10), (row.info, 8))
        )
        out.append(f"  {row.edit:<32}{severity}{counts}{stake:>20}")
    out.append("  A line that several edits deny counts in each of their rows, and once in the total.")
    return out


def _first(report: Report) -> list[str]:
    things = first_things(report)
    if not things:
        return []
    out = ["What to do first"]
    for number, (what, do) in enumerate(things, start=1):
        out += _wrapped(f"{plain(what)}. {plain(do)}", f"  {number}. ", " " * 5)
    return out


def _groups(title: str, groups: Groups) -> list[str]:
    if not groups.rows:
        return []
    out = [title, f"  {'':<28}{'denied':>10}{'review':>10}{'charges at stake':>18}  most often"]
    out += [_group(row) for row in groups.rows[:_ROWS]]
    if groups.total > _ROWS:
        out.append(f"  and {groups.total - _ROWS:,} more")
    return out


def _group(row: Group) -> str:
    name = plain(row.name) or _NOBODY
    name = name if len(name) < 28 else name[:24] + "..."
    room = WIDTH - 70
    most = row.most if len(row.most) <= room else row.most[: room - 3] + "..."
    return f"  {name:<28}{_count(row.denied):>10}{_count(row.review):>10}{money(row.charges):>18}  {most}"


def _refused(refused: tuple[Refused, ...]) -> list[str]:
    if not refused:
        return []
    out = ["What could not be read"]
    for row in refused[:_ROWS]:
        out += _wrapped(
            f"{row.lines:,} {_many(row.lines, 'line')}: {plain(row.reason)} (first: {plain(row.places[0])})",
            "  ",
            " " * 4,
        )
    if len(refused) > _ROWS:
        out.append(f"  and {len(refused) - _ROWS} more reasons")
    return out


def _not_checked(rows: tuple[NotChecked, ...]) -> list[str]:
    if not rows:
        return []
    out = ["What was not checked"]
    for row in rows:
        out += _wrapped(plain(f"{row.what}: {row.why}" + (f" {row.do}" if row.do else "")), "  ", " " * 4)
    return out


def _foot(report: Report) -> list[str]:
    run = report.run
    out = []
    if run.releases:
        named = ", ".join(f"{kind.replace('_', ' ')} {release}" for kind, release in sorted(run.releases.items()))
        out += _wrapped(plain(f"With {named}."), "", "  ")
    out.append(f"knowledge {run.knowledge[:19]}")
    return out


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _many(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=True, break_on_hyphens=False
    )
