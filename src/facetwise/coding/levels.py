"""Which joints were treated: from joints and nerves named, side by side, to levels.

A joint counts on a side when a target names it there, or when all its nerves were treated there and at least one of
them was named as a nerve. Two named joints whose nerves happen to make a third one do not make that third one a level: the
record does not say that it was meant; it is reported so that somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from facetwise.coding.anatomy import SIDES, Joint, Spine, sides_of
from facetwise.coding.encounter import Target


@dataclass(frozen=True, slots=True)
class HalfJoint:
    """A joint on one side of which only some nerves were treated."""

    joint: str
    side: str
    treated: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Levels:
    """What the targets amount to. `joints` maps each counted joint to its sides, from the top."""

    joints: dict[str, frozenset[str]]
    half: tuple[HalfJoint, ...] = ()
    lone: tuple[tuple[str, str], ...] = ()
    unnamed: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    nerves: dict[str, frozenset[str]] = field(default_factory=dict)


def count(spine: Spine, targets: Iterable[Target], *, in_joint: bool = False) -> Levels:
    """Return the levels that `targets` make; `in_joint` for techniques that reach the joint and not its nerves.

    `half` holds a joint for each named nerve that completes no joint on its side (with `lone`, those nerves), `unnamed`
    the joints that only the nerves of other named joints would make, `outside` named joints that are no facet joints
    of these codes. The order and repetition of targets do not matter.
    """
    named: dict[str, set[str]] = {side: set() for side in SIDES}
    explicit: dict[str, set[str]] = {side: set() for side in SIDES}
    outside: set[str] = set()
    for target in targets:
        for side in sides_of(target.side):
            if target.nerve:
                explicit[side].add(target.nerve)
            elif target.joint in spine.outside:
                outside.add(target.joint)
            else:
                named[side].add(target.joint)
    counted: dict[str, set[str]] = {}
    half: list[HalfJoint] = []
    lone: list[tuple[str, str]] = []
    unnamed: list[tuple[str, str]] = []
    treated: dict[str, frozenset[str]] = {}
    for side in SIDES:
        reached = () if in_joint else named[side]
        nerves = explicit[side].union(*(spine.joints[joint].nerves for joint in reached))
        treated[side] = frozenset(nerves)
        for joint in spine.joints.values():
            if joint.name in named[side] or (joint.nerves <= nerves and joint.nerves & explicit[side]):
                counted.setdefault(joint.name, set()).add(side)
            elif joint.nerves <= nerves:
                unnamed.append((joint.name, side))
        for nerve in spine.nerves:
            if nerve in explicit[side] and not any(_counts(joint, side, counted) for joint in spine.served_by(nerve)):
                lone.append((nerve, side))
                half.extend(_half(joint, side, nerves) for joint in spine.served_by(nerve))
    ordered = {name: frozenset(counted[name]) for name in spine.joints if name in counted}
    return Levels(ordered, tuple(dict.fromkeys(half)), tuple(lone), tuple(unnamed), tuple(sorted(outside)), treated)


def _counts(joint: Joint, side: str, counted: dict[str, set[str]]) -> bool:
    return side in counted.get(joint.name, ())


def _half(joint: Joint, side: str, nerves: set[str]) -> HalfJoint:
    return HalfJoint(joint.name, side, tuple(sorted(joint.nerves & nerves)), tuple(sorted(joint.nerves - nerves)))
