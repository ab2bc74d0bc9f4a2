"""From the files of the knowledge, and of overlays laid over it, to one compiled store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetwise.knowledge import history, schema
from facetwise.knowledge.history import Span
from facetwise.knowledge.kinds import (
    DATED,
    DATELESS,
    GRADES,
    Horizon,
    Question,
    Source,
    Statement,
    TableHeader,
    Vocabulary,
)
from facetwise.knowledge.reading import Document, Path_, read_document
from facetwise.knowledge.store import Dated, Store, Thing, content_digest
from facetwise.knowledge.tables import Table, read_table
from facetwise.problems import FacetwiseError, Problem, did_you_mean

# Files of cases stand beside the knowledge that they test and are no knowledge themselves.
CASES = ".cases.yaml"
_KIND_KEYS = (*DATED, *DATELESS, "statements")
# A statement says that something is not established with `status`.
_ITEM_KEYS = tuple(key for key in history.ENTRY_KEYS if key != "not_established")
_THING_KEYS = ("history", "extends", "replaces", "held_by")


@dataclass(slots=True)
class _File:
    id: str
    kind: str
    slug: str
    document: Document
    layer: str
    path: Path


@dataclass(slots=True)
class Compilation:
    """What came of reading: the store (None when something is too broken to go on), and everything wrong."""

    store: Store | None
    problems: list[Problem]
    spans: dict[str, list[Span]] = field(default_factory=dict)


def knowledge_files(root: Path) -> list[Path]:
    """Return the YAML files below `root`, in the order of their names."""
    return sorted(path for path in root.rglob("*.yaml") if not path.name.endswith(CASES) and not _hidden(root, path))


def _hidden(root: Path, path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _name(root: Path, path: Path) -> str:
    return f"{root.resolve().name}/{path.relative_to(root).as_posix()}"


def compile_layers(layers: list[tuple[str, Path]]) -> Compilation:
    """Compile the layers (name, directory), the base first. Nothing is raised for what a file says."""
    problems: list[Problem] = []
    files: dict[str, list[_File]] = {}
    count = 0
    for layer, root in layers:
        for path in knowledge_files(root):
            count += 1
            found = _open(layer, root, path, problems)
            if found is not None and _fits_below(found, files.get(found.id, []), problems):
                files.setdefault(found.id, []).append(found)
        problems.extend(
            Problem(_name(root, path), 0, "a file of this ending is not read", "a name that ends in .yaml")
            for path in sorted(root.rglob("*.yml"))
            if not _hidden(root, path)
        )
    sources: dict[str, Source] = {}
    source_layers: dict[str, str] = {}
    source_files: dict[str, str] = {}
    questions: dict[str, Question] = {}
    question_files: dict[str, str] = {}
    tables: dict[str, Table] = {}
    vocabulary = Vocabulary(title="")
    horizon: Horizon | None = None
    for versions in files.values():
        for one in versions:
            if one.kind not in DATELESS:
                continue
            value = _dateless(one, problems)
            if value is None:
                continue
            if isinstance(value, Source):
                _alone(one, versions[0], source_files, problems)
                sources[one.slug] = value
                source_layers[one.slug] = one.layer
                source_files[one.slug] = one.document.file
            elif isinstance(value, Question):
                _alone(one, versions[0], question_files, problems)
                questions[one.slug] = value
                question_files[one.slug] = one.document.file
            elif isinstance(value, Vocabulary):
                vocabulary = _joined(vocabulary, value)
            elif isinstance(value, Horizon):
                horizon = value
            elif isinstance(value, TableHeader):
                if Path(value.file).name != value.file or not value.file.endswith(".csv"):
                    problems.append(
                        Problem(
                            one.document.file,
                            one.document.line(("file",)),
                            f"file {value.file!r}",
                            "the name of a .csv file in the same directory",
                        )
                    )
                    continue
                path = one.path.parent / value.file
                name = str(Path(one.document.file).parent / value.file)
                table = read_table(value, one.id, path, name, one.layer, problems)
                under = tables.get(one.id)
                if under is not None and (list(under.columns.items()), under.key) != (
                    list(table.columns.items()),
                    table.key,
                ):
                    problems.append(
                        Problem(
                            one.document.file,
                            one.document.line(("columns",)),
                            f"columns or key unlike those of {one.id} in the layer below",
                            f"key {', '.join(under.key)} and columns "
                            + ", ".join(f"{column}: {kind}" for column, kind in under.columns.items()),
                        )
                    )
                    continue
                tables[one.id] = table if under is None else _added(under, table)
    payers = {
        str(Path(name).parent): versions[0].slug for name, versions in files.items() if versions[0].kind == "payer"
    }
    builder = _Builder(files, sources, payers, problems)
    things = builder.things()
    if horizon is None:
        problems.append(
            Problem(
                "horizon.yaml",
                0,
                "the knowledge has no horizon",
                "'horizon: horizon' with title, from, until, reviewed",
            )
        )
        return Compilation(None, problems, builder.spans)
    store = Store(
        layers=tuple(layer for layer, _ in layers),
        digest=content_digest(things, tables, sources, questions, vocabulary, horizon),
        horizon=horizon,
        things=things,
        tables=tables,
        sources=sources,
        source_layers=source_layers,
        source_files=source_files,
        questions=questions,
        question_files=question_files,
        vocabulary=vocabulary,
        files=count,
    )
    return Compilation(store, problems, builder.spans)


def _open(layer: str, root: Path, path: Path, problems: list[Problem]) -> _File | None:
    name = _name(root, path)
    try:
        document = read_document(path, name)
    except FacetwiseError as error:
        problems.extend(error.problems)
        return None
    kind = next((key for key in document.data if key in _KIND_KEYS), None)
    if kind is None:
        first = next(iter(document.data), "")
        problems.append(
            Problem(
                name,
                1,
                f"the file does not say what it is (first key {first!r})",
                "a kind as first key: " + ", ".join(_KIND_KEYS),
                did_you_mean(first, _KIND_KEYS),
            )
        )
        return None
    slug = path.parent.name if path.stem == "payer" else path.stem
    if document.data[kind] != slug:
        problems.append(
            Problem(
                name,
                document.line((kind,)),
                f"{kind}: {document.data[kind]}",
                f"{slug!r}, the name of its path",
                "rename the file or the thing",
            )
        )
        return None
    return _File(path.relative_to(root).with_suffix("").as_posix(), kind, slug, document, layer, path)


def _fits_below(one: _File, below: list[_File], problems: list[Problem]) -> bool:
    """Whether a file of an overlay is of the kind of the file of this path below it."""
    if not below or below[-1].kind == one.kind:
        return True
    problems.append(
        Problem(
            one.document.file,
            one.document.line((one.kind,)),
            f"a {one.kind} over {one.id}, which is a {below[-1].kind} in the layer below",
            "things of one kind",
            "give the file another name",
        )
    )
    return False


def _alone(one: _File, first: _File, files: dict[str, str], problems: list[Problem]) -> None:
    """Report a second source or question of one name: facts cite it by its name alone, wherever its file lies."""
    if one is first and one.slug in files:
        problems.append(
            Problem(
                one.document.file,
                one.document.line((one.kind,)),
                f"a second {one.kind} {one.slug!r}; the first is {files[one.slug]}",
                "a name of its own",
                "rename one of the two",
            )
        )


def _dateless(one: _File, problems: list[Problem]) -> Any:
    kind = DATELESS[one.kind]
    data = {key: value for key, value in one.document.data.items() if key != one.kind}
    unknown = schema.unknown_keys(one.document, (), data, kind)
    problems.extend(unknown)
    return None if unknown else schema.convert(one.document, [()], data, kind, problems)


def _joined(left: Vocabulary, right: Vocabulary) -> Vocabulary:
    words = dict(left.words)
    for name, labels in right.words.items():
        words[name] = {**words.get(name, {}), **labels}
    return Vocabulary(
        title=left.title or right.title,
        words=words,
        units={**left.units, **right.units},
        asks={**left.asks, **right.asks},
    )


def _added(under: Table, over: Table) -> Table:
    places = [list(over.columns).index(column) for column in over.key]
    replaced = {tuple(row.cells[place] for place in places) for row in over.rows}
    kept = tuple(row for row in under.rows if tuple(row.cells[place] for place in places) not in replaced)
    return Table(under.id, over.title, over.columns, over.key, kept + over.rows, over.layer, over.file, over.note)


def _question(spans: list[Span]) -> str:
    """Return the question that a thing answers; an entry that is not established answers it too, with that."""
    asked = (one.fields.get("question") for span in spans for one in (span, *span.sides))
    return next((question for question in asked if isinstance(question, str)), "")


class _Builder:
    def __init__(
        self, files: dict[str, list[_File]], sources: dict[str, Source], payers: dict[str, str], problems: list[Problem]
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

    def _layered(self, one: _File, name: str, under: list[Span] | None) -> list[Span]:
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

    def _thing(self, one: _File, spans: list[Span], name: str) -> Thing:
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

    def _dated(self, one: _File, index: int, span: Span, name: str) -> Dated:
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

    def _evidence(self, span: Span, one: _File) -> Any:
        if span.evidence:
            if span.evidence not in GRADES:
                self.problems.append(
                    Problem(span.file, span.line, f"evidence {span.evidence!r}", "one of " + ", ".join(GRADES))
                )
                return None
            return span.evidence
        grades = [self.sources[key].evidence for key in span.sources if key in self.sources]
        return min(grades, key=GRADES.index) if grades else None

    def _statements(self, one: _File) -> list[Thing]:
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
            holder = _File(name, "statement", slug, document, one.layer, one.path)
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

    def _dated_item(self, one: _File, span: Span, at: Path_) -> Dated:
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
