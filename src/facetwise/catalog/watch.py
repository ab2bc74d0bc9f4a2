"""`facetwise data watch`: which versions of the policies that the knowledge cites are in force, and which facts that touches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from facetwise.catalog.coverage_api import FIELDS, CoverageApi, Listed, clean, has, whole_number
from facetwise.catalog.coverage_api import field as field_of
from facetwise.catalog.policy_text import CODES, PolicyText, TextStore, difference, plain_text
from facetwise.knowledge.kinds import Policy
from facetwise.knowledge.store import Dated, Store
from facetwise.problems import FacetwiseError, Problem

ROUTES = "catalog/coverage-api"
_CODE = ("hcpc_code_id", "icd10_code_id", "hcpcs_code_id", "code_id", "code")
_GROUP = ("hcpc_code_group", "icd10_covered_group", "icd10_noncovered_group", "group")

State = Literal[
    "current", "behind", "coming", "ahead", "missing", "retired", "retired_there", "in_force_there", "not_established"
]
TEXT_STATES: tuple[State, ...] = ("current", "behind", "coming", "ahead", "not_established")


@dataclass(frozen=True, slots=True)
class Route:
    """Where the API gives policies of one type (table catalog/coverage-api of the knowledge)."""

    policy_type: str
    under: str
    base: str
    report: str
    document: str
    parameter: str
    fields: tuple[str, ...]
    code_lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A policy that the knowledge cites. `since` is the first day of our version; None when undated."""

    thing: str
    slug: str
    identifier: str
    payer: str
    version: str
    since: date | None
    retired: bool
    route: Route

    @property
    def number(self) -> str:
        """The digits of the identifier, by which the API asks for a document."""
        return "".join(sign for sign in self.identifier if sign.isdigit())


@dataclass(frozen=True, slots=True)
class Citation:
    """A thing that cites a policy: by name among its `policies`, or through sources that bear the identifier."""

    thing: str
    by_name: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One policy against the API. `tables` counts the rows that cite it; `remark` says what the state does not."""

    ours: Watched
    theirs: Listed | None
    state: State
    remark: str
    facts: tuple[Citation, ...]
    tables: dict[str, int]


@dataclass(slots=True)
class Texts:
    """What became of the texts: `license` says whether the terms were accepted, `notes` what could not be had."""

    license: Literal["not_asked", "not_accepted", "accepted"] = "not_asked"
    kept: list[Path] = field(default_factory=list)
    differences: list[tuple[Compared, PolicyText, PolicyText, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def routes(store: Store) -> list[Route]:
    """Return where the API gives what. Raises FacetwiseError when the knowledge has no such table."""
    table = store.tables.get(ROUTES)
    if table is None:
        raise FacetwiseError(Problem("", 0, f"the knowledge has no table {ROUTES}", "the knowledge as shipped"))
    return [
        Route(
            record["policy_type"],
            record["under"],
            record["base"],
            record["report"],
            record["document"],
            record["parameter"],
            record["fields"] or (),
            record["code_lists"] or (),
        )
        for _, record in table.records()
    ]


def knowledge_day(store: Store, day: date) -> date:
    """Return `day`, or the nearest day that the knowledge answers for."""
    return min(max(day, store.horizon.from_), store.horizon.until)


def watched(store: Store, day: date) -> list[Watched]:
    """Return the policies that the API can be asked about, as the knowledge has them on `day`, by identifier."""
    found = []
    for route in routes(store):
        for thing in store.things.values():
            if thing.kind != "policy" or not thing.id.startswith(route.under + "/"):
                continue
            dated = next((one for one in thing.history if one.holds_on(day)), None)
            value = dated.value if dated else None
            if dated is None or not isinstance(value, Policy) or value.type != route.policy_type:
                continue
            retired = value.status == "retired"
            found.append(
                Watched(thing.id, thing.slug, value.identifier, thing.payer, value.version, dated.start, retired, route)
            )
    return sorted(found, key=lambda one: (one.route.policy_type != "lcd", one.identifier))


def compare(store: Store, day: date, api: CoverageApi) -> list[Compared]:
    """Ask the public reports and return each policy with its state on `day`. Raises FacetwiseError."""
    ours = watched(store, knowledge_day(store, day))
    listed: dict[str, list[Listed]] = {}
    for route in dict.fromkeys(one.route for one in ours):
        for row in api.report(route.report, f"the report of {route.policy_type}s"):
            listed.setdefault(f"{route.policy_type} {_number(row.identifier)}", []).append(row)
    found = []
    for one in ours:
        rows = [
            row
            for row in listed.get(f"{one.route.policy_type} {one.number}", [])
            if row.identifier in (one.identifier.upper(), one.number)
        ]
        state, theirs, remark = judge(one, rows, day)
        facts, tables = citing(store, knowledge_day(store, day), one)
        found.append(Compared(one, theirs, state, remark, facts, tables))
    return found


def _number(identifier: str) -> str:
    return "".join(sign for sign in identifier if sign.isdigit())


def judge(ours: Watched, rows: list[Listed], day: date) -> tuple[State, Listed | None, str]:
    """Return the state of a policy, the row that it rests on, and what else there is to say."""
    if not rows:
        if ours.retired:
            return "retired", None, "retired in the knowledge, and not listed"
        return "missing", None, "it may be retired, renamed or under another number"
    living = [row for row in rows if not row.retired_on(day)]
    if not living:
        last = max(rows, key=_newest)
        return ("retired" if ours.retired else "retired_there"), last, _ended(last)
    in_force = [row for row in living if row.effective is None or row.effective <= day]
    theirs = max(in_force or living, key=_newest)
    coming = max((row for row in living if row.effective and row.effective > day), key=_newest, default=None)
    remark = f"{_named(coming)} takes effect on {coming.effective}" if coming else ""
    if ours.retired:
        return "in_force_there", theirs, remark or "retired in the knowledge"
    if ours.version and theirs.version is not None and (mine := whole_number(ours.version)) is not None:
        if not in_force and mine != theirs.version:
            return "coming", theirs, remark
        if mine != theirs.version:
            return ("behind" if mine < theirs.version else "ahead"), theirs, remark
        if theirs.effective and ours.since and theirs.effective != ours.since:
            remark = f"same version, but the dates differ{'; ' + remark if remark else ''}"
        return "current", theirs, remark
    # One of the two has no version: the dates are all there is.
    if theirs.effective and ours.since:
        if theirs.effective == ours.since:
            return "current", theirs, "judged by the dates: no version on one side"
        if theirs.effective > ours.since:
            state: State = "behind" if in_force else "coming"
            return state, theirs, "judged by the dates: no version on one side"
    return "not_established", theirs, "no version on one side, and the dates do not tell"


def _newest(row: Listed) -> tuple[int, date]:
    return (row.version if row.version is not None else -1, row.effective or date.min)


def _named(row: Listed) -> str:
    return f"version {row.version}" if row.version is not None else "a version without number"


def _ended(row: Listed) -> str:
    return f"retired there on {row.retirement}" if row.retirement else "retired there"


def citing(store: Store, day: date, policy: Watched) -> tuple[tuple[Citation, ...], dict[str, int]]:
    """Return the things that cite the policy, and the number of rows by table.

    Those that name it come first, then those whose source is about this document alone.
    """
    word = re.compile(rf"\b{re.escape(policy.identifier)}\b", re.I)
    keys = {key for key, source in store.sources.items() if word.search(source.identifier)}
    facts: list[Citation] = []
    for thing in store.things.values():
        dated = next((one for one in thing.history if one.holds_on(day)), None)
        if dated is None or thing.id == policy.thing:
            continue
        by_name = any(policy.slug in getattr(value, "policies", ()) for value in _values(dated))
        cited = tuple(sorted(keys.intersection(dated.all_sources())))
        if by_name or cited:
            facts.append(Citation(thing.id, by_name, cited))
    tables = {}
    for name, table in store.tables.items():
        count = sum(1 for row, _ in table.records(day) if not keys.isdisjoint(row.sources))
        if count:
            tables[name] = count
    alone = {key for key in keys if store.sources[key].identifier.upper() == policy.identifier.upper()}
    facts.sort(key=lambda one: (not one.by_name, alone.isdisjoint(one.sources), one.thing))
    return tuple(facts), tables


def _values(dated: Dated) -> Iterator[Any]:
    yield dated.value
    for side in dated.sides:
        yield from _values(side)


def fetch_texts(compared: list[Compared], api: CoverageApi, kept: TextStore) -> Texts:
    """Keep the text of each version in force, and of ours where it is behind, and compare the two.

    Nothing is asked and nothing is written when the user does not accept the licence terms.
    """
    texts = Texts()
    if not api.accepted():
        texts.license = "not_accepted"
        return texts
    texts.license = "accepted"
    api.ready()
    for one in compared:
        if one.theirs is None or one.state not in TEXT_STATES:
            continue
        if one.theirs.version is None:
            texts.notes.append(f"{one.ours.identifier}: the report names no version, so no text was asked for")
            continue
        newer = _text(one.ours, one.theirs.version, api, kept, texts)
        if newer is None or one.state not in ("behind", "coming"):
            continue
        mine = whole_number(one.ours.version) if one.ours.version else None
        older = _text(one.ours, mine, api, kept, texts) if mine is not None else None
        older = older or kept.newest_before(one.ours.identifier, newer.version)
        if older is None:
            texts.notes.append(f"{one.ours.identifier}: no text of our version is to be had, so nothing is compared")
            continue
        texts.differences.append((one, older, newer, difference(older, newer)))
    return texts


def _text(policy: Watched, version: int, api: CoverageApi, kept: TextStore, texts: Texts) -> PolicyText | None:
    text = kept.get(policy.identifier, version)
    if text is None:
        try:
            text = _ask(policy, version, api, texts)
        except FacetwiseError as error:
            texts.notes.append(f"{policy.identifier} version {version}: {error}")
            return None
        if text is not None:
            texts.kept.append(kept.keep(text))
    return text


def _ask(policy: Watched, version: int, api: CoverageApi, texts: Texts) -> PolicyText | None:
    route = policy.route
    query = {route.parameter: policy.number, "ver": str(version)}
    name = f"{policy.identifier} version {version}"
    row = next(iter(api.rows(route.document, query, name, licensed=True)), None)
    if row is None:
        texts.notes.append(f"{name}: the API has no such document")
        return None
    given = whole_number(field_of(row, FIELDS["version"]))
    if given is not None and given != version:
        texts.notes.append(f"{name}: the API gives version {given} instead, which is not kept as this one")
        return None
    sections = {}
    for wanted in route.fields:
        if not has(row, (wanted,)):
            api.missing.add(f"the documents of {route.policy_type}s", wanted, (wanted,), row)
        elif text := plain_text(str(field_of(row, (wanted,)) or "")):
            sections[wanted] = text
    if not sections:
        texts.notes.append(f"{name}: the document has none of the texts looked for")
        return None
    for wanted in route.code_lists:
        try:
            rows = list(api.rows(route.document + wanted, query, name, licensed=True))
        except FacetwiseError as error:
            texts.notes.append(f"{name}, {wanted}: {error}")
            continue
        sections[CODES + wanted] = "\n".join(_codes(rows, wanted, api))
    return PolicyText(policy.identifier, version, sections)


def _codes(rows: list[dict[str, Any]], wanted: str, api: CoverageApi) -> list[str]:
    codes = set()
    for row in rows:
        code, group = clean(field_of(row, _CODE)), clean(field_of(row, _GROUP))
        if code:
            codes.add(f"{code} (group {group})" if group else code)
        else:
            api.missing.add(f"the code list {wanted}", "the code", _CODE, row)
    return sorted(codes)
