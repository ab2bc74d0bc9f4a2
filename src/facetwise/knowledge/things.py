"""From files to things: histories laid over each other by `extends`, typed values, grades of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facetwise.knowledge import history, schema
from facetwise.knowledge.history import Span
from facetwise.knowledge.kinds import DATED, Source, Statement
from facetwise.knowledge.parts import GRADES
from facetwise.knowledge.reading import Document, Path_
from facetwise.knowledge.store import Dated, Thing
from facetwise.problems import FacetwiseError, Problem, did_you_mean

# A statement says that something is not established with `status`.
_ITEM_KEYS = tuple(key for key in history.ENTRY_KEYS if key != "not_established")
_THING_KEYS = ("history", "extends", "replaces", "held_by")


@dataclass(slots=True)
class File:
    """A file that says what it is: its name, kind, own name, content, layer and place."""

    id: str
    kind: str
    slug: str
    document: Document
    layer: str
    path: Path


def _question(spans: list[Span]) -> str:
    """Return the question that a thing answers; an entry that is not established answers it too, with that."""
    asked = (one.fields.get("question") for span in spans for one in (span, *span.sides))
    return next((question for question in asked if isinstance(question, str)), "")


class Builder:
    """Builds the dated things of a set of files; what is wrong is appended to `problems`."""

    def __init__(
        self, files: dict[str, list[File]], sources: dict[str, Source], payers: dict[str, str], problems: list[Problem]
    ):
        self.files = files
        self.sources = sources
        self.payers = payers
        self.problems = problems
        self.spans: dict[str, list[Span]] = {}
        self.building: list[str] = []

    def things(self) -> dict[str, Thing]:
        result: dict[str, Thing] = {}
        for name in sorted(self.files):
            versions = self.files[name]
            if versions[0].kind == "statements":
                for one in versions:
                    for thing in self._statements(one):
                        result[thing.id] = thing
            elif versions[0].kind in DATED:
                spans = self._spans_of(name)
                if spans is not None:
                    result[name] = self._thing(versions[-1], spans, name)
        return result

    def _payer(self, name: str) -> str:
        for parent in Path(name).parents:
            if str(parent) in self.payers:
                return self.payers[str(parent)]
        return ""

    def _spans_of(self, name: str) -> list[Span] | None:
        if name in self.spans:
            return self.spans[name]
        if name in self.building:
            one = self.files[name][-1]
            self.problems.append(
                Problem(
                    one.document.file,
                    one.document.line(("extends",)),
                    "extends itself, by way of " + " and ".join(self.building),
                )
            )
            return None
        self.building.append(name)
        spans: list[Span] | None = None
        try:
            for one in self.files[name]:
                spans = self._layered(one, name, spans)
        except FacetwiseError as error:
            self.problems.extend(error.problems)
            spans = None
        finally:
            self.building.pop()
        if spans is not None:
            self.spans[name] = spans
        return spans

    def _layered(self, one: File, name: str, under: list[Span] | None) -> list[Span]:
        document = one.document
        static = {
            key: value
            for key, value in document.data.items()
            if key not in (one.kind, "history", "extends", "replaces")
        }
        kind = DATED[one.kind]
        extra = (one.kind, *_THING_KEYS)
        unknown = schema.unknown_keys(document, (), document.data, kind, extra)
        for index, entry in enumerate(document.data.get("history") or []):
            at: Path_ = ("history", index)
            if isinstance(entry, dict):
                unknown += schema.unknown_keys(document, at, entry, kind, history.ENTRY_KEYS)
                for number, side in enumerate(entry.get("conflict") or []):
                    unknown += schema.unknown_keys(document, (*at, "conflict", number), side, kind, history.SIDE_KEYS)
        if unknown:
            raise FacetwiseError(unknown)
        extends = document.data.get("extends")
        replaces = document.data.get("replaces")
        if replaces is not None and (under is None or replaces != name):
            raise FacetwiseError(
                Problem(
                    document.file,
                    document.line(("replaces",)),
                    f"replaces {replaces!r}, which is not the thing of this path in a layer below",
                    f"{name!r}, over a layer that has it",
                    did_you_mean(str(replaces), self.files) if replaces not in (name, None) else "remove 'replaces'",
                )
            )
        if under is not None and extends is None and replaces is None:
            raise FacetwiseError(
                Problem(
                    document.file,
                    1,
                    f"{name} is already in the layer below",
                    f"'extends: {name}' to state differences or 'replaces: {name}' to put it aside",
                )
            )
        if extends is None:
            return history.read_spans(document, one.layer, static)
        if extends == name and under is not None:
            return history.overlay_spans(under, document, one.layer, static)
        if not isinstance(extends, str) or extends not in self.files:
            raise FacetwiseError(
                Problem(
                    document.file,
                    document.line(("extends",)),
                    f"extends {extends!r}, which does not exist",
                    "the path of a thing, without .yaml",
                    did_you_mean(str(extends), self.files),
                )
            )
        if self.files[extends][-1].kind != one.kind:
            raise FacetwiseError(
                Problem(
                    document.file,
                    document.line(("extends",)),
                    f"a {one.kind} extends {extends}, which is a {self.files[extends][-1].kind}",
                    "things of one kind",
                )
            )
        base = self._spans_of(extends)
        if base is None:
            raise FacetwiseError(
                Problem(document.file, document.line(("extends",)), f"what it extends ({extends}) is broken")
            )
        return history.overlay_spans(base, document, one.layer, static)

    def _thing(self, one: File, spans: list[Span], name: str) -> Thing:
        dated = tuple(self._dated(one, index, span, name) for index, span in enumerate(spans))
        return Thing(
            id=name,
            kind=one.kind,
            slug=one.slug,
            payer=self._payer(name),
            question=_question(spans),
            history=dated,
            layer=one.layer,
            file=one.document.file,
        )

    def _dated(self, one: File, index: int, span: Span, name: str) -> Dated:
        value = None
        if not span.sides and not span.not_established:
            own = [at for at, line in one.document.lines.items() if line == span.line and at[:1] == ("history",)]
            places: list[Path_] = [*(own[:1]), ()]
            if span.file != one.document.file:
                places = [()]
            value = schema.convert(one.document, places, span.fields, DATED[one.kind], self.problems)
        return Dated(
            since=span.since,
            start=span.start,
            end=span.end,
            value=value,  # type: ignore[arg-type]
            sources=tuple(span.sources),
            evidence=self._evidence(span, one),
            note=span.note,
            change=span.change,
            means=span.means,
            not_established=span.not_established,
            sides=tuple(self._dated(one, index, side, name) for side in span.sides),
            layer=span.layer,
            file=span.file,
            line=span.line,
        )

    def _evidence(self, span: Span, one: File) -> Any:
        if span.evidence:
            if span.evidence not in GRADES:
                self.problems.append(
                    Problem(span.file, span.line, f"evidence {span.evidence!r}", "one of " + ", ".join(GRADES))
                )
                return None
            return span.evidence
        grades = [self.sources[key].evidence for key in span.sources if key in self.sources]
        return min(grades, key=GRADES.index) if grades else None

    def _statements(self, one: File) -> list[Thing]:
        document = one.document
        static = {key: value for key, value in document.data.items() if key not in (one.kind, "items", "title")}
        known = (one.kind, "items", "title")
        bad = schema.unknown_keys(document, (), document.data, Statement, known)
        items = document.data.get("items")
        if not isinstance(items, list) or not items:
            bad.append(Problem(document.file, document.line(("items",)), "no items", "'items:' with statements"))
        if bad:
            self.problems.extend(bad)
            return []
        assert isinstance(items, list)
        result = []
        seen: set[str] = set()
        for index, item in enumerate(items):
            at: Path_ = ("items", index)
            line = document.line(at)
            if not isinstance(item, dict):
                self.problems.append(
                    Problem(document.file, line, "an item that is no mapping", "id, text, from, sources")
                )
                continue
            slug = item.get("id")
            if not slug or slug in seen:
                self.problems.append(
                    Problem(
                        document.file, line, f"id {slug!r}", "an id of its own for each item, such as 'id: pain-scale'"
                    )
                )
                continue
            seen.add(slug)
            unknown = schema.unknown_keys(document, at, item, Statement, (*_ITEM_KEYS, "id"))
            for number, side in enumerate(item.get("conflict") or []):
                there = (*at, "conflict", number)
                unknown += schema.unknown_keys(document, there, side, Statement, history.SIDE_KEYS)
            if unknown:
                self.problems.extend(unknown)
                continue
            rest = {key: value for key, value in item.items() if key != "id"}
            span = history.read_span(document, at, rest, one.layer, static, self.problems)
            if span is None:
                continue
            name = f"{one.id}#{slug}"
            holder = File(name, "statement", slug, document, one.layer, one.path)
            dated = self._dated_item(holder, span, at)
            result.append(
                Thing(
                    id=name,
                    kind="statement",
                    slug=slug,
                    payer=self._payer(one.id),
                    history=(dated,),
                    layer=one.layer,
                    file=document.file,
                )
            )
        return result

    def _dated_item(self, one: File, span: Span, at: Path_) -> Dated:
        value = (
            schema.convert(one.document, [at, ()], span.fields, Statement, self.problems) if not span.sides else None
        )
        return Dated(
            since=span.since,
            start=span.start,
            end=span.end,
            value=value,
            sources=tuple(span.sources),
            evidence=self._evidence(span, one),
            note=span.note,
            change=span.change,
            means=span.means,
            sides=tuple(self._dated_item(one, side, at) for side in span.sides),
            layer=span.layer,
            file=span.file,
            line=span.line,
        )
