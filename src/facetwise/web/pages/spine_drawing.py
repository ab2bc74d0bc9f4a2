"""The drawn spine, from behind: rows of vertebrae and joints with the nerves between them, made from the anatomy tables.

A nerve lies between the joints that it goes to; one that goes to a single joint lies beyond it, away from the joint's
other nerve, or above the joint that it alone supplies.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from facetwise.coding.anatomy import SIDES
from facetwise.coding.code import Treated
from facetwise.knowledge import View

# The picture is laid over a grid of half rows: a joint or vertebra is two of them high, and begins one after another.
HALF_ROW = 22
WIDTH = 356
_MIDDLE = WIDTH // 2
_MARK = 125  # where the joints' marks stand, from the left edge
_NERVE_END = 84


@dataclass(frozen=True, slots=True)
class Item:
    """A vertebra or a joint in a segment, by its row; and the nerves that lie there."""

    kind: str
    name: str
    row: int
    nerves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the spine. The middle one is folded: few are treated there."""

    name: str
    items: tuple[Item, ...]
    folded: bool
    drawing: Markup

    @property
    def first(self) -> str:
        return next(item.name for item in self.items if item.kind == "joint")

    @property
    def last(self) -> str:
        return next(item.name for item in reversed(self.items) if item.kind == "joint")


@dataclass(frozen=True, slots=True)
class Mark:
    """How a joint's side or a nerve's side is shown: chosen by hand, and full, half (`missing` says which) or neither."""

    chosen: bool = False
    state: str = ""
    missing: str = ""


def segments(view: View) -> list[Segment]:
    """Return the spine of the view's day in segments from head to tail."""
    columns = ("order", "joint", "part", "upper", "lower", "nerve_1", "nerve_2")
    rows = [record for _, record in view.rows("anatomy/joints")]
    # The anatomy hardly changes from day to day, so the drawing is kept by what it shows.
    return list(_segments(tuple(tuple((name, record[name]) for name in columns) for record in rows)))


@functools.lru_cache(maxsize=8)
def _segments(rows: tuple[tuple[tuple[str, Any], ...], ...]) -> tuple[Segment, ...]:
    joints = [dict(row) for row in rows]
    joints.sort(key=lambda record: int(record["order"]))
    at = _nerve_places(joints)
    parts = list(dict.fromkeys(record["part"] for record in joints))
    found = []
    for number, part in enumerate(parts):
        own = [record for record in joints if record["part"] == part]
        folded = 0 < number < len(parts) - 1
        names: list[tuple[str, str]] = []
        for place, record in enumerate(own):
            # The vertebra between two segments is drawn with the one that is open.
            if place or not folded:
                names.append(("vertebra", record["upper"]))
            names.append(("joint", record["joint"]))
        if not folded:
            names.append(("vertebra", own[-1]["lower"]))
        items = tuple(
            Item(kind, name, row, tuple(at.get((kind, name), ()))) for row, (kind, name) in enumerate(names, start=1)
        )
        shift = number / max(1, len(parts) - 1)
        found.append(Segment(part, items, folded, _drawn(items, shift, tail=number == len(parts) - 1)))
    return tuple(found)


def _nerve_places(joints: list[dict[str, str]]) -> dict[tuple[str, str], list[str]]:
    """Return which nerves lie at which vertebra or joint."""
    served: dict[str, list[dict[str, str]]] = {}
    for record in joints:
        for nerve in (record["nerve_1"], record["nerve_2"]):
            if nerve:
                served.setdefault(nerve, []).append(record)
    found: dict[tuple[str, str], list[str]] = {}
    for nerve, own in served.items():
        first = own[0]
        other = first["nerve_2"] if nerve == first["nerve_1"] else first["nerve_1"]
        if len(own) > 1:
            place = ("vertebra", first["lower"])
        else:
            above = not other or nerve == first["nerve_1"]
            place = ("vertebra", first["upper"] if above else first["lower"])
        found.setdefault(place, []).append(nerve)
    return found


def marks(treated: Iterable[Treated], chosen: set[str]) -> dict[str, Mark]:
    """Return how each joint and nerve is shown, by "L4-L5:left"; `chosen` are those that were picked by hand."""
    found = {key: Mark(chosen=True) for key in chosen}
    for one in treated:
        for name, sides in one.levels.joints.items():
            for side in sides:
                key = f"{name}:{side}"
                found[key] = Mark(key in chosen, "full")
        for half in one.levels.half:
            key = f"{half.joint}:{half.side}"
            found[key] = Mark(key in chosen, "half", ", ".join(half.missing))
        for side in SIDES:
            for nerve in one.levels.nerves.get(side, frozenset()):
                key = f"{nerve}:{side}"
                found[key] = Mark(key in chosen, "full")
    return found


def _drawn(items: tuple[Item, ...], shift: float, *, tail: bool) -> Markup:
    """Return the bones of a segment, and thin lines from each nerve to its joints. `shift`: 0 at the neck, 1 below."""
    height = HALF_ROW * (len(items) + 1)
    shapes, lines, ridges = [], [], []
    joints = {item.row for item in items if item.kind == "joint"}
    for item in items:
        y = HALF_ROW * item.row
        if item.kind == "vertebra":
            last = tail and item is items[-1]
            shapes += _sacrum(y, shift) if last else _vertebra(y, shift)
            if not last:
                ridges.append(_ridge(y))
        for row in (item.row - 1, item.row + 1):
            if item.nerves and row in joints:
                end = HALF_ROW * row
                lines += [
                    f'<path d="M{a},{y} Q{b},{(y + end) / 2:g} {c},{end}"/>'
                    for a, b, c in (
                        (_NERVE_END, _NERVE_END + 18, _MARK),
                        (WIDTH - _NERVE_END, WIDTH - _NERVE_END - 18, WIDTH - _MARK),
                    )
                ]
    bones = "".join(shapes)
    # Drawn twice: first with an outline, then without, so that the parts of a bone grow together.
    text = (
        f'<svg class="bones" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" aria-hidden="true" '
        f'focusable="false"><g class="bone-line">{bones}</g><g class="bone">{bones}</g>'
        f'<g class="ridge">{"".join(ridges)}</g><g class="branch">{"".join(lines)}</g></svg>'
    )
    return Markup(text)  # noqa: S704 - numbers alone; no word of the knowledge stands in it


def _vertebra(y: int, shift: float) -> list[str]:
    half, reach = 21 + 8 * shift, 33 + 16 * shift
    left, right = _MIDDLE - half, _MIDDLE + half
    found = [f'<rect x="{left:g}" y="{y - 13}" width="{2 * half:g}" height="26" rx="9"/>']
    for side, edge in ((-1, left), (1, right)):
        tip = _MIDDLE + side * reach
        found.append(
            f'<path d="M{edge - side * 8:g},{y - 9} C{edge + side * 6:g},{y - 11} {tip:g},{y - 12} {tip + side * 3:g},{y - 5} '
            f'C{tip:g},{y + 2} {edge + side * 6:g},{y + 1} {edge - side * 8:g},{y + 7} Z"/>'
        )
        # The articular processes, up and down to the joints beside the middle.
        mark = _MIDDLE + side * (_MIDDLE - _MARK)
        for end in (y - 17, y + 17):
            found.append(
                f'<path d="M{edge - side * 12:g},{y} L{edge - side * 2:g},{y} L{mark - side * 3:g},{end} '
                f'L{mark - side * 13:g},{end} Z"/>'
            )
    return found


def _ridge(y: int) -> str:
    """The spinous process, as it points to the one who looks."""
    return f'<path d="M{_MIDDLE - 5},{y - 10} Q{_MIDDLE},{y - 14} {_MIDDLE + 5},{y - 10} L{_MIDDLE + 3},{y + 9} Q{_MIDDLE},{y + 13} {_MIDDLE - 3},{y + 9} Z"/>'


def _sacrum(y: int, shift: float) -> list[str]:
    half = 34 + 10 * shift
    left, right = _MIDDLE - half, _MIDDLE + half
    mark = _MIDDLE - _MARK
    found = [
        f'<path d="M{left:g},{y - 6} Q{left + 4:g},{y - 12} {left + 14:g},{y - 12} H{right - 14:g} Q{right - 4:g},{y - 12} {right:g},{y - 6} '
        f'L{_MIDDLE + 22},{y + 21} H{_MIDDLE - 22} Z"/>'
    ]
    for side in (-1, 1):
        x = _MIDDLE + side * mark
        found.append(
            f'<path d="M{x - side * 16:g},{y} L{x + side * 2:g},{y} L{x - side * 3:g},{y - 17} L{x - side * 13:g},{y - 17} Z"/>'
        )
    return found
