"""From the files of the knowledge, and of overlays laid over it, to one compiled store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetwise.knowledge import schema
from facetwise.knowledge.history import Span
from facetwise.knowledge.kinds import (
    DATED,
    DATELESS,
    Horizon,
    Question,
    Source,
    TableHeader,
    Vocabulary,
)
from facetwise.knowledge.reading import read_document
from facetwise.knowledge.store import Store, content_digest
from facetwise.knowledge.tables import Table, read_table
from facetwise.knowledge.things import Builder, File
from facetwise.problems import FacetwiseError, Problem, did_you_mean

# Files of cases stand beside the knowledge that they test and are no knowledge themselves.
CASES = ".cases.yaml"
_KIND_KEYS = (*DATED, *DATELESS, "statements")


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
    files: dict[str, list[File]] = {}
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
    builder = Builder(files, sources, payers, problems)
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


def _open(layer: str, root: Path, path: Path, problems: list[Problem]) -> File | None:
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
    return File(path.relative_to(root).with_suffix("").as_posix(), kind, slug, document, layer, path)


def _fits_below(one: File, below: list[File], problems: list[Problem]) -> bool:
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


def _alone(one: File, first: File, files: dict[str, str], problems: list[Problem]) -> None:
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


def _dateless(one: File, problems: list[Problem]) -> Any:
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
