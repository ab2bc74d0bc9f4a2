"""Arrows run one way: a room imports only rooms below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import facetwise

SOURCE = Path(facetwise.__file__).parent
# From the bottom up; a row may be imported by those below it in this list, and its members not by one another.
ROOMS = (
    ("problems", "findings"),
    ("headers", "streams", "knowledge"),
    ("payers", "catalog", "claims", "document"),
    ("coding", "coverage", "payment"),
    ("edits",),
    ("sample", "briefing"),
    ("web",),
    ("mcp",),
    ("cli",),
    ("__main__",),
)
_PLACE = {room: number for number, row in enumerate(ROOMS) for room in row}


def _room(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def _imported(path: Path) -> list[tuple[int, str]]:
    """Return line and room of everything of ours that a module imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        found += [(node.lineno, name.split(".")[1]) for name in names if name.startswith("facetwise.")]
    return [(line, room) for line, room in found if room != "__version__"]


def test_every_room_has_its_place() -> None:
    rooms = {_room(path) for path in SOURCE.rglob("*.py")} - {"__init__"}
    assert rooms == set(_PLACE)


@pytest.mark.parametrize("room", sorted(_PLACE))
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    paths = [path for path in SOURCE.rglob("*.py") if _room(path) == room]
    wrong = [
        f"{path.relative_to(SOURCE)}:{line} imports {other}"
        for path in paths
        for line, other in _imported(path)
        if other != room and _PLACE[other] >= _PLACE[room]
    ]
    assert not wrong
