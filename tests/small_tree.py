"""Small trees of knowledge for tests, and what the compiler and lint make of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from facetwise.knowledge import Knowledge, Store
from facetwise.knowledge.lint import Report, lint_layers
from facetwise.knowledge.store import BASE_LAYER, Dated

LINT = Path(__file__).parent / "knowledge" / "lint"
Files = Mapping[str, str | bytes | None]


def base_files() -> dict[str, str]:
    """The files of the smallest good tree, path by path."""
    content: dict[str, dict[str, str]] = read_case(LINT / "tree.yaml")
    return content["files"]


def read_case(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def write(root: Path, files: Files) -> Path:
    """Write files below `root`; None leaves one out."""
    for name, content in files.items():
        if content is None:
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def write_tree(root: Path, changed: Files | None = None) -> Path:
    """Write the smallest good tree with some files changed, added, or (None) left out."""
    return write(root, {**base_files(), **(changed or {})})


def lint(root: Path, *overlays: Path) -> Report:
    return lint_layers([(BASE_LAYER, root), *((overlay.name, overlay) for overlay in overlays)])


def errors(root: Path, *overlays: Path) -> list[str]:
    return [str(problem) for problem in lint(root, *overlays).errors]


def store(root: Path, *overlays: Path) -> Store:
    report = lint(root, *overlays)
    assert not report.errors, "\n".join(map(str, report.errors))
    assert report.store is not None
    return report.store


def knowledge(root: Path, *overlays: Path) -> Knowledge:
    return Knowledge(store(root, *overlays))


def on(held: Store, thing: str, day: str) -> Dated | None:
    """What a thing says on a day, whatever the horizon."""
    asked = date.fromisoformat(day)
    found = [dated for dated in held.things[thing].history if dated.holds_on(asked)]
    assert len(found) < 2
    return found[0] if found else None


def cell(held: Store, thing: str, day: str) -> Any:
    dated = on(held, thing, day)
    return getattr(dated.value, "cell", None) if dated else None
