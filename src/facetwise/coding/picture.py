"""The spine as text: which joints and nerves were treated, left and right as the patient's, and which count."""

from __future__ import annotations

from collections.abc import Container

from facetwise.coding.anatomy import LEFT, RIGHT, SIDES, Spine
from facetwise.coding.code import Coded
from facetwise.coding.levels import Levels

_FULL, _HALF, _NONE = "●", "◐", "·"


def picture(coded: Coded) -> str:
    """Return the treated stretch of the spine, a joint a line, its nerves between; half-treated joints say what lacks."""
    back = coded.spine
    lines = []
    for treated in coded.treated:
        lines += [f"  {treated.technique.replace('_', ' ')}", *_one(back, treated.levels), ""]
    if not lines:
        return ""
    signs = f"{_FULL} counts   {_HALF} half: a nerve is missing   {_NONE} not treated"
    return "\n".join([*lines, f"  {signs}   (left and right are the patient's)"])


def _one(back: Spine, levels: Levels) -> list[str]:
    half = {(one.joint, one.side): one for one in levels.half}
    joints = list(back.joints)
    touched = [
        number
        for number, name in enumerate(joints)
        if name in levels.joints or any((name, side) in half for side in SIDES)
    ]
    if not touched:
        return ["  no joint of these codes"]
    # A stretch that nothing touched is one line, however long.
    near = {number + step for number in touched for step in (-1, 0, 1)}
    rows = [f"  {'left':>24}   joint     right"]
    gap = False
    for number, name in enumerate(joints):
        if number not in near:
            gap = gap or touched[0] < number < touched[-1]
            continue
        if gap:
            rows.append(f"  {'':>24}   ...")
            gap = False
        left = _side(back, levels, half, name, LEFT)
        right = _side(back, levels, half, name, RIGHT)
        rows.append(f"  {left:>24}   {name:<8}  {right}".rstrip())
    return rows


def _side(back: Spine, levels: Levels, half: Container[tuple[str, str]], name: str, side: str) -> str:
    nerves = levels.nerves.get(side, frozenset())
    own = [nerve for nerve in back.nerves if nerve in back.joints[name].nerves]
    shown = " ".join(nerve for nerve in own if nerve in nerves)
    if side in levels.joints.get(name, ()):
        sign, text = _FULL, shown
    elif (name, side) in half:
        missing = ", ".join(nerve for nerve in own if nerve not in nerves)
        sign, text = _HALF, f"{shown}, not {missing}"
    else:
        sign, text = _NONE, ""
    return (f"{text} {sign}" if side == LEFT else f"{sign} {text}").strip()
