"""The payers' limits as rows: levels and regions in a session, sessions over time, and how soon a repetition may come."""

from __future__ import annotations

from collections.abc import Iterator

from facetwise.coverage.logic import days_of
from facetwise.coverage.rulebook import over_all_perhaps
from facetwise.edits.reference.scope import ABLATION, INJECTION, Scope, certain, deny_if, plain, rule
from facetwise.edits.reference.spans import Row
from facetwise.knowledge.kinds import Criterion, Limit
from facetwise.knowledge.parts import Test
from facetwise.payers import Said

_NEVER = "The record is not to be changed to fit the claim."
_COUNTED = {
    "level": "level",
    "joint": "level",
    "levels_each_side": "levels_each_side",
    "injection": "side_sum",
    "block": "side_sum",
    "procedure": "side_sum",
}
_SESSIONS = ("session", "procedure", "injection", "block")
_WIDE = {"region", "session", "patient"}
_NEAR = {"side", "level", "site"}
_DIAGNOSTIC = "diagnostic"
_NOT_SAID = " Its source does not say whether the limit is for each region."


def limits(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of level_limit, region_limit, session_limit and repeat_limit."""
    for slug, question in sorted(scope.view.store.questions.items(), key=lambda item: (item[1].order, item[0])):
        if question.kind != "limit":
            continue
        for one in scope.said(slug):
            value = one.value
            if not isinstance(value, Limit) or value.at_most is None or value.applies.sequence:
                continue
            if value.window.kind == "session":
                yield from _in_session(scope, one, value)
            else:
                yield from _over_time(scope, one, value)
    yield from _spacing(scope)


def _purposes(value: Limit) -> tuple[str, ...]:
    return value.applies.purpose or ("",)


def _words(scope: Scope, one: Said, value: Limit, severity: str) -> Row:
    most = int(value.at_most or 0)
    what = "region" if value.counts == "region" else "level"
    some = f"{most} {what}{'' if most == 1 else 's'}"
    fix = f"See in the record what was treated; the payer allows no more than {some} in a session. {_NEVER}"
    if value.window.kind != "session":
        fix = f"Check the dates of the earlier sessions, and plan the next one when the limit allows it. {_NEVER}"
    return rule(scope, [one], severity=severity, fix=fix)


def _in_session(scope: Scope, one: Said, value: Limit) -> Iterator[tuple[str, Row]]:
    most = int(value.at_most or 0)
    words = _words(scope, one, value, deny_if(certain(one)))
    kinds = scope.kinds(value.applies.technique)
    if value.counts == "region":
        for kind in [""] if kinds == [INJECTION, ABLATION] else kinds:
            yield "region_limit", {"kind": kind, "at_most": most, **words}
        return
    counts = _COUNTED.get(value.counts)
    if counts is None:
        return
    labels = scope.view.store.vocabulary.words["counted"]
    label = labels.get(value.counts, value.counts)
    for kind in kinds:
        for purpose in _purposes(value):
            row = {
                "kind": kind,
                "purpose": purpose,
                "counts": counts,
                # Whether both sides of one joint are one block or two is not said where only their sum is over.
                "unclear": int(value.counts == "block"),
                "counted": plain(label if " " in label else f"{label}s"),
                "at_most": most,
                "per_region": int("region" in value.per),
            }
            yield "level_limit", {**row, **words}


def _over_time(scope: Scope, one: Said, value: Limit) -> Iterator[tuple[str, Row]]:
    window, per = value.window, set(value.per)
    if value.counts not in _SESSIONS or window.kind not in ("rolling", "calendar_year"):
        return
    rolling = window.kind == "rolling"
    days = days_of(window.length, window.unit) if rolling and window.length is not None and window.unit else 0
    if rolling and not days:
        return
    near = bool(per & _NEAR)
    once = rolling and value.at_most == 1
    if not per <= _WIDE and not (per <= _WIDE | _NEAR and (once or value.counts == "session")):
        return
    words = _words(scope, one, value, deny_if(certain(one) and not near))
    table, row = "session_limit", {"at_most": int(value.at_most or 0), "by_year": int(not rolling), "window_days": days}
    if once:
        table, row = "repeat_limit", {"window_days": days, "per_side": int(near)}
    for kind in scope.kinds(value.applies.technique):
        for purpose in _purposes(value):
            what = {"kind": kind, "purpose": purpose, **row}
            yield table, {**what, "per_region": int("region" in per or near or once or not per), **words}
            if over_all_perhaps(value):
                # Used up in one region it is used up by either reading; over all regions only by one of them.
                said = {**words, "severity": "review", "statement": words["statement"] + _NOT_SAID}
                yield table, {**what, "per_region": 0, **said}


def _spacing(scope: Scope) -> Iterator[tuple[str, Row]]:
    """The days that a second diagnostic block keeps from the first, where a criterion's test has them."""
    for one in scope.said("second-diagnostic"):
        value = one.value
        if (
            not isinstance(value, Criterion)
            or value.test is None
            or INJECTION not in scope.kinds(value.applies.technique)
        ):
            continue
        days = _apart(value.test)
        if days:
            fix = f"See whether the record holds the exception that the payer names. {_NEVER}"
            words = rule(scope, [one], severity="review", fix=fix)
            yield (
                "repeat_limit",
                {
                    "kind": INJECTION,
                    "purpose": _DIAGNOSTIC,
                    "window_days": days,
                    "per_side": 1,
                    "per_region": 1,
                    **words,
                },
            )


def _apart(test: Test) -> int:
    """Return the longest distance in days that a test asks of earlier procedures; 0 for none."""
    own = 0
    if test.apart is not None and test.apart.at_least is not None:
        own = days_of(test.apart.at_least, test.apart.unit)
    return max([own, *(_apart(one) for one in (*test.all, *test.any))])
