"""What changed and when, read from the histories themselves: every entry that says `change` is an event."""

from __future__ import annotations

from datetime import date

import msgspec

from facetwise.briefing.subject import regions_of
from facetwise.document.model import Event
from facetwise.knowledge.kinds import Code, Statement
from facetwise.knowledge.store import Dated, Store, Thing
from facetwise.problems import FacetwiseError, Problem, nearest


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event of `facetwise changes`: what changed on `date`, who says so, and what it means."""

    date: str
    payer: str
    text: str
    means: str
    sources: tuple[str, ...]
    evidence: str
    thing: str
    conflict: bool = False
    layer: str = ""


def between(store: Store, start: date, end: date, code: str = "", payers: tuple[str, ...] = ()) -> list[Change]:
    """Return the changes from `start` to `end`, both included, newest first.

    Raises FacetwiseError on an unknown code or payer.
    """
    known = {thing.slug: thing for thing in store.things.values() if thing.kind == "payer"}
    for payer in payers:
        if payer not in known:
            close = ", ".join(nearest(payer, known, 3))
            raise FacetwiseError(
                Problem(
                    "", 0, f"payer {payer!r} is not known", "the id of a payer", f"nearest: {close}" if close else ""
                )
            )
    asked = code.strip().upper()
    value = _code(store, asked) if asked else None
    groups = _groups(store, asked)
    wanted = _followed(store, payers)
    found = []
    for thing in store.things.values():
        for dated in thing.history:
            if not dated.change or dated.start is None or not start <= dated.start <= end:
                continue
            if wanted and thing.payer not in wanted and not set(_named(dated)) & wanted:
                continue
            if value is not None and not _bears(thing, dated, asked, value, groups):
                continue
            found.append(
                Change(
                    date=dated.since,
                    payer=_who(store, thing, dated),
                    text=dated.change,
                    means=dated.means,
                    sources=tuple(dict.fromkeys(dated.all_sources())),
                    evidence=dated.evidence or "",
                    thing=thing.id,
                    conflict=bool(dated.sides),
                    layer="" if dated.layer == store.layers[0] else dated.layer,
                )
            )
    merged: dict[tuple[str, str], Change] = {}
    for change in sorted(found, key=lambda one: (one.payer, one.thing)):
        # The same event told by several things (two codes of one list, four contractors' articles) is one event.
        key = (change.date, change.text)
        merged[key] = _together(merged[key], change) if key in merged else change
    return sorted(merged.values(), key=lambda change: (change.date, change.payer, change.text), reverse=True)


def events(store: Store, day: date, code: str, payers: tuple[str, ...], since: date) -> tuple[Event, ...]:
    """Return the changes up to `day` for a briefing; those after `since` are marked as recent."""
    return tuple(
        Event(
            date=change.date,
            text=change.text,
            who="" if names_itself(change) else change.payer,
            means=change.means,
            sources=change.sources,
            evidence=change.evidence,
            recent=change.date > since.isoformat(),
            conflict=change.conflict,
        )
        for change in between(store, date.min, day, code, payers)
    )


def names_itself(change: Change) -> bool:
    """Whether the sentence already says whose change it is."""
    return bool(change.payer) and "," not in change.payer and change.payer.split()[0].lower() in change.text.lower()


def to_json(found: list[Change], start: date, end: date, code: str, digest: str) -> bytes:
    """Return the changes as one JSON document."""
    content = {"code": code, "from": start.isoformat(), "to": end.isoformat(), "knowledge": digest, "changes": found}
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _together(one: Change, other: Change) -> Change:
    payers = one.payer
    if other.payer and other.payer not in payers:
        payers = f"{payers}, {other.payer}" if payers else other.payer
    return msgspec.structs.replace(
        one,
        payer=payers,
        means=one.means or other.means,
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
        conflict=one.conflict or other.conflict,
    )


def _code(store: Store, code: str) -> Code:
    thing = next((thing for thing in store.things.values() if thing.kind == "code" and thing.slug == code), None)
    value = next((dated.value for dated in reversed(thing.history) if dated.value), None) if thing else None
    if not isinstance(value, Code):
        codes = sorted(thing.slug for thing in store.things.values() if thing.kind == "code")
        close = ", ".join(nearest(code, codes, 5))
        expected = f"a code of the knowledge; the nearest are {close}" if close else "a code of the knowledge"
        raise FacetwiseError(Problem("", 0, f"code {code!r} is not in the knowledge", expected))
    return value


def _groups(store: Store, code: str) -> set[str]:
    table = store.tables.get("codes/groups")
    return {record["group"] for _, record in table.records() if record["code"] == code} if table else set()


def _followed(store: Store, payers: tuple[str, ...]) -> set[str]:
    follows = {
        thing.slug: getattr(thing.history[-1].value, "follows", ())
        for thing in store.things.values()
        if thing.kind == "payer"
    }
    wanted: set[str] = set()
    waiting = list(payers)
    while waiting:
        one = waiting.pop()
        if one not in wanted:
            wanted.add(one)
            waiting.extend(follows.get(one, ()))
    return wanted


def _values(dated: Dated) -> list[object]:
    return [one.value for one in (dated.sides or (dated,)) if one.value is not None]


def _named(dated: Dated) -> list[str]:
    return [payer for value in _values(dated) for payer in getattr(value, "payers", ())]


def _bears(thing: Thing, dated: Dated, code: str, value: Code, groups: set[str]) -> bool:
    if thing.kind == "code":
        return thing.slug == code
    for one in _values(dated):
        codes, families = getattr(one, "codes", ()), getattr(one, "families", ())
        if isinstance(one, Statement):
            if code in codes or groups & set(families) or (not codes and not families and "facet" in groups):
                return True
            continue
        applies = getattr(one, "applies", None)
        techniques = set(applies.technique) if applies else set()
        regions = set(applies.region) if applies else set()
        if codes and code not in codes:
            continue
        if techniques and not techniques & set(value.technique):
            continue
        if regions and value.region and not regions & regions_of(value.region):
            continue
        if not codes and not techniques and "facet" not in groups:
            continue
        return True
    return not _values(dated) and "facet" in groups


def _who(store: Store, thing: Thing, dated: Dated) -> str:
    keys = [thing.payer] if thing.payer else _named(dated)
    names = []
    for key in keys:
        payer = next((one for one in store.things.values() if one.kind == "payer" and one.slug == key), None)
        if payer:
            day = dated.start or date.max
            held = next((one for one in payer.history if one.holds_on(day)), payer.history[-1])
            names.append(getattr(held.value, "name", key))
    return ", ".join(names)
