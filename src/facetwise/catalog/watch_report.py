"""What `facetwise data watch` and `data pull` tell: text for a terminal, or one JSON document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from facetwise.catalog.pull import Pulled
from facetwise.catalog.watch import Compared, Texts
from facetwise.catalog.watch_releases import Release
from facetwise.knowledge.store import Store

_WIDTH = 100
_MOST_FACTS = 10
_STATES = {
    "current": "current",
    "behind": "BEHIND",
    "coming": "a version is coming",
    "ahead": "ours is newer",
    "missing": "NOT LISTED",
    "retired": "retired",
    "retired_there": "RETIRED THERE",
    "in_force_there": "IN FORCE THERE",
    "not_established": "not established",
    "in_part": "in part",
    "none": "nothing held",
}
_QUIET = ("current", "retired")


def watch_text(
    day: date, api: str, compared: list[Compared], releases: list[Release], texts: Texts, missing: list[str]
) -> str:
    """Return the whole report as text."""
    lines = [f"Medicare policies on {day.isoformat()}, as {api} lists them", ""]
    rows = [("POLICY", "PAYER", "OURS", "IN FORCE", "STATE", "CITED BY")]
    for one in compared:
        theirs = _version(str(one.theirs.version or ""), one.theirs.effective) if one.theirs else "-"
        cited = f"{_count(len(one.facts), 'fact')}, {_count(sum(one.tables.values()), 'row')}"
        ours = one.ours
        rows.append(
            (ours.identifier, ours.payer, _version(ours.version, ours.since), theirs, _STATES[one.state], cited)
        )
    lines += _table(rows)
    for one in compared:
        if one.state not in _QUIET or one.remark:
            lines += ["", *_detail(one)]
    behind = sum(one.state == "behind" for one in compared)
    current = sum(one.state == "current" for one in compared)
    lines += [
        "",
        f"{len(compared)} policies: {behind} behind, {current} current, {len(compared) - behind - current} other",
    ]
    lines += ["", *_release_lines(day, releases)]
    for one, older, newer, changed in texts.differences:
        lines += ["", f"{one.ours.identifier}: what changed from version {older.version} to {newer.version}", ""]
        lines.append(changed or "Nothing changed in the texts that were asked for.")
    notes = [*texts.notes, *missing]
    if texts.license == "not_accepted":
        notes.insert(
            0, "The licence terms were not accepted: only the public reports were asked, and no text was kept."
        )
    if texts.kept:
        notes.append(f"{len(texts.kept)} texts are kept in {texts.kept[0].parents[1]}; they are not to be passed on.")
    if notes:
        lines += ["", "Notes"]
        for note in notes:
            lines += _wrapped(note, "- ")
    return "\n".join(lines)


def _detail(one: Compared) -> list[str]:
    said = f"{one.ours.identifier} ({_STATES[one.state].lower()})" + (f": {one.remark}" if one.remark else "")
    lines = _wrapped(said)
    if one.theirs and one.theirs.updated and one.state not in _QUIET:
        lines += _wrapped(f"updated there on {one.theirs.updated}; {one.theirs.url}".rstrip("; "), "  ")
    if one.state not in _QUIET and one.facts:
        lines.append("  facts that cite it:")
        lines += [f"    {fact.thing}" for fact in one.facts[:_MOST_FACTS]]
        if len(one.facts) > _MOST_FACTS:
            lines.append(f"    and {len(one.facts) - _MOST_FACTS} more (--format json lists all)")
    if one.state not in _QUIET and one.tables:
        lines += _wrapped(
            ", ".join(f"{name} ({_count(count, 'row')})" for name, count in one.tables.items()), "  tables: "
        )
    return lines


def _release_lines(day: date, releases: Iterable[Release]) -> list[str]:
    lines = [f"Official releases, as far as the facts name them by {day.isoformat()}", ""]
    rows = [("KIND", "NEWEST KNOWN", "KNOWLEDGE HOLDS", "STATE", "CATALOG HOLDS", "STATE")]
    due = []
    for one in releases:
        newest = _version(one.newest.release, one.newest.start) if one.newest else "-"
        held = ", ".join(one.knowledge_holds) or (f"until {one.knowledge_until}" if one.knowledge_until else "-")
        loaded = one.catalog_holds[-1].release if one.catalog_holds else "-"
        later = " (newer due)" if one.due else ""
        ours, loaded_state = _STATES[one.knowledge] + later, _STATES[one.catalog] + (later if one.catalog_holds else "")
        rows.append((one.kind, newest, held, ours, loaded, loaded_state))
        if one.due:
            due.append(one)
    lines += _table(rows)
    for one in due:
        assert one.newest is not None
        said = f"{one.kind}: {one.newest.release} ended {one.newest.end}; a newer one is due and none is named here."
        lines += _wrapped(f"{said} See {one.page}" if one.page else said)
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _version(version: str, day: date | None) -> str:
    return " ".join(part for part in (version or "no version", day.isoformat() if day else "") if part)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _wrapped(text: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def watch_json(
    store: Store,
    day: date,
    api: str,
    compared: list[Compared],
    releases: list[Release],
    texts: Texts,
    missing: list[str],
) -> dict[str, Any]:
    """Return the whole report as one document."""
    return {
        "as_of": day.isoformat(),
        "knowledge": store.digest,
        "api": api,
        "policies": [_policy(one) for one in compared],
        "releases": [_release(one) for one in releases],
        "texts": {
            "license": texts.license,
            "kept": [str(path) for path in texts.kept],
            "differences": [
                {"policy": one.ours.identifier, "from": older.version, "to": newer.version, "diff": changed}
                for one, older, newer, changed in texts.differences
            ],
            "notes": texts.notes,
        },
        "missing": missing,
    }


def _policy(one: Compared) -> dict[str, Any]:
    theirs = one.theirs
    return {
        "identifier": one.ours.identifier,
        "type": one.ours.route.policy_type,
        "payer": one.ours.payer,
        "thing": one.ours.thing,
        "state": one.state,
        "remark": one.remark,
        "ours": {"version": one.ours.version, "from": _iso(one.ours.since), "retired": one.ours.retired},
        "theirs": {
            "version": theirs.version,
            "effective": _iso(theirs.effective),
            "retirement": _iso(theirs.retirement),
            "updated": _iso(theirs.updated),
            "note": theirs.note,
            "title": theirs.title,
            "contractor": theirs.contractor,
            "url": theirs.url,
        }
        if theirs
        else None,
        "facts": [{"thing": fact.thing, "by_name": fact.by_name, "sources": list(fact.sources)} for fact in one.facts],
        "tables": one.tables,
    }


def _release(one: Release) -> dict[str, Any]:
    newest = one.newest
    return {
        "kind": one.kind,
        "newest": {
            "release": newest.release,
            "from": _iso(newest.start),
            "until": _iso(newest.end),
            "url": newest.url,
            "sources": list(newest.sources),
        }
        if newest
        else None,
        "page": one.page,
        "newer_due": one.due,
        "knowledge": {"state": one.knowledge, "releases": one.knowledge_holds, "until": _iso(one.knowledge_until)},
        "catalog": {
            "state": one.catalog,
            "releases": [
                {"release": entry.release, "from": _iso(entry.start), "until": _iso(entry.end)}
                for entry in one.catalog_holds
            ],
        },
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def pull_json(pulled: Pulled) -> dict[str, Any]:
    """Return what a pull brought as one document."""
    file = pulled.file
    return {
        "kind": pulled.kind,
        "release": pulled.release,
        "url": file.url,
        "path": str(file.path),
        "sha256": file.sha256,
        "bytes": file.size,
        "fetched_at": file.fetched_at,
        "fetched": file.fresh,
        "replaces_sha256": file.was,
        "loaded": [
            {name: _shown(getattr(one, name)) for name in ("kind", "release", "rows", "rejected") if hasattr(one, name)}
            for one in pulled.loaded
        ],
    }


def _shown(value: object) -> object:
    return value if isinstance(value, int | str) or value is None else str(value)


def pull_text(pulled: Pulled) -> str:
    """Return what a pull brought as text."""
    file = pulled.file
    what = "fetched" if file.fresh else "was here already and is still what the server has"
    lines = [
        f"{file.path.name}: {what}, {file.size:,} bytes",
        f"sha256 {file.sha256}",
        f"from {file.url}",
        f"in {file.path}",
    ]
    if file.was:
        lines.append(f"The publisher replaced the file: before, its sha256 was {file.was}")
    lines += [f"loaded: {_one_loaded(one)}" for one in pulled.loaded]
    if pulled.loaded and all(getattr(one, "kind", pulled.kind) != pulled.kind for one in pulled.loaded):
        lines.append(f"Nothing in this file is {pulled.kind}.")
    return "\n".join(lines)


def _one_loaded(one: object) -> str:
    parts = [str(getattr(one, name)) for name in ("kind", "release") if getattr(one, name, "")]
    rows = getattr(one, "rows", None)
    return " ".join(parts or [str(one)]) + (f", {rows:,} rows" if isinstance(rows, int) else "")
