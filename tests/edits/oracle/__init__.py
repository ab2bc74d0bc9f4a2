"""The scalar reference of the claim edits: every edit once more, in plain Python, written for clarity.

It is the second, independent definition that the SQL texts are held against. It reads the knowledge as of the day of each line, never the
compiled tables and never the SQL. One module holds one family of edits; each edit is a function from `Claims` (all lines, prepared and
grouped) and `World` (what is known) to findings. What the edits mean stands in docs/edits and in each function's docstring.

    world = World(knowledge)
    found = check(world, claim_lines, history_lines)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edits.oracle import company, form, limits, ncci, necessity, positions, windows
from edits.oracle.claims import Claims, prepare
from edits.oracle.finding import Found
from edits.oracle.world import Ncci, World

__all__ = ["EDITS", "Found", "Ncci", "World", "check"]

Edit = Callable[[World, Claims], Iterable[Found]]
EDITS: tuple[Edit, ...] = (
    form.code_not_effective,
    form.units_not_one,
    form.laterality_missing,
    form.bilateral_reporting,
    form.fact_not_established,
    ncci.add_on_without_primary,
    ncci.ptp_pair,
    ncci.mue_exceeded,
    positions.third_level,
    positions.ultrasound_guided,
    positions.technique_not_covered,
    limits.level_limit,
    limits.region_limit,
    windows.session_limit,
    windows.repeat_too_soon,
    windows.diagnostic_modifier_missing,
    company.imaging_included,
    company.sedation_not_covered,
    company.destruction_includes_injection,
    necessity.image_guidance_missing,
    necessity.diagnosis_not_supporting,
    necessity.prior_authorization_missing,
)
_GRAVITY = {"reject": 0, "deny": 1, "review": 2, "info": 3}


def check(
    world: World,
    lines: Iterable[Mapping[str, Any]],
    history: Iterable[Mapping[str, Any]] | None = None,
) -> set[Found]:
    """Return the findings on `lines`, rows of the claim-line table; `history` are earlier rows that count and are not judged.

    `history` None is not the same as an empty one: what only a history can tell is then not asked. A line bears one finding
    of an edit, the gravest; of ptp-pair one for each column-1 code.
    """
    claims = prepare(world, lines, history)
    gravest: dict[tuple[object, ...], Found] = {}
    for edit in EDITS:
        for one in edit(world, claims):
            key = (one.edit, one.line_id, one.apart)
            before = gravest.get(key)
            if before is None or _GRAVITY[one.severity] < _GRAVITY[before.severity]:
                gravest[key] = one
    return set(gravest.values())
