"""The spine as the knowledge has it: joints in order from head to tail, and the nerves that make each."""

from __future__ import annotations

from dataclasses import dataclass

from facetwise.knowledge import View

LEFT, RIGHT = "left", "right"
SIDES = (LEFT, RIGHT)


@dataclass(frozen=True, slots=True)
class Joint:
    """A facet joint level: its place from the top, its nerves, its region for coding, the sources that say so."""

    name: str
    order: int
    nerves: frozenset[str]
    region: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spine:
    """All joints by name, the nerves from the top, and the names of joints that are outside the facet codes."""

    joints: dict[str, Joint]
    nerves: tuple[str, ...]
    outside: dict[str, tuple[str, ...]]

    def served_by(self, nerve: str) -> list[Joint]:
        """Return the joints that a nerve goes to, from the top."""
        return [joint for joint in self.joints.values() if nerve in joint.nerves]


def spine(view: View) -> Spine:
    """Return the spine of the view's day."""
    joints = [
        Joint(
            record["joint"],
            record["order"],
            frozenset(nerve for nerve in (record["nerve_1"], record["nerve_2"]) if nerve),
            record["region"],
            row.sources,
        )
        for row, record in view.rows("anatomy/joints")
    ]
    nerves = sorted((record["order"], record["nerve"]) for _, record in view.rows("anatomy/nerves"))
    return Spine(
        {joint.name: joint for joint in sorted(joints, key=lambda joint: joint.order)},
        tuple(nerve for _, nerve in nerves),
        {record["joint"]: row.sources for row, record in view.rows("anatomy/outside")},
    )


def sides_of(side: str) -> tuple[str, ...]:
    """Return the single sides of left, right or bilateral."""
    return SIDES if side not in SIDES else (side,)
