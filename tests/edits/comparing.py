"""Holding an engine's findings against the scalar reference's: what is drawn, and how a difference is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from edits.engines import Key
from edits.oracle import Found, World
from edits.random_claims import Batch, Row, generate
from facetwise.knowledge import Knowledge

_SHOWN = 3


def payers(knowledge: Knowledge) -> list[str]:
    """Return the ids of all payers of the knowledge."""
    return sorted(thing.slug for thing in knowledge.store.things.values() if thing.kind == "payer")


def partners(world: World) -> list[str]:
    """Return the codes that make a pair with another in the NCCI edits."""
    return sorted({code for _, *codes in world.ncci.ptp for code in codes})


def drawn(world: World, seed: int, claims: int, prefix: str = "", within: tuple[date, date] | None = None) -> Batch:
    """Return random claims of all payers, with partners of pairs."""
    return generate(seed, claims, payers(world.knowledge), partners(world), prefix, within)


def differences(batch: Batch, wanted: Collection[Found], found: Iterable[Key], engine: str) -> str:
    """Return the first differences, what one finds more often included, with the lines of the person; '' when there is none."""
    seen = {one.key(): one for one in wanted}
    known, got = Counter(one.key() for one in wanted), Counter(found)
    parts = []
    for title, keys in ((f"only {engine}", got - known), ("only the scalar reference", known - got)):
        ordered = sorted(keys.elements(), key=str)
        if ordered:
            edits = {edit: sum(key[0] == edit for key in ordered) for edit in sorted({key[0] for key in ordered})}
            parts.append(f"{title}: {len(ordered)} findings {edits}")
            parts += [_shown(batch, key, seen) for key in ordered[:_SHOWN]]
    return "\n".join(parts)


def _shown(batch: Batch, key: Key, seen: dict[Key, Found]) -> str:
    edit, severity, claim, number, other = key
    rows = [*batch.lines, *batch.history]
    row = next(row for row in rows if (row["claim_id"], row["claim_line_number"]) == (claim, number))
    beside = f" with {other[0]} {other[1]}" if other else ""
    head = f"  {edit} {severity} {claim} {number}{beside} {seen[key].seen if key in seen else ''}"
    old = {id(row) for row in batch.history}
    return "\n".join(
        [head, *(_line(one, "history" if id(one) in old else "") for one in rows if _person(one) == _person(row))]
    )


def _person(row: Row) -> object:
    return row["person_id"] or row["claim_id"]


def _line(row: Row, note: str) -> str:
    modifiers = [row[f"hcpcs_modifier_{n}"] for n in range(1, 6) if row.get(f"hcpcs_modifier_{n}")]
    diagnoses = [row[f"diagnosis_code_{n}"] for n in range(1, 26) if row.get(f"diagnosis_code_{n}")]
    where = row.get("bill_type_code") if row["claim_type"] == "institutional" else row.get("place_of_service_code")
    words = [
        row["claim_id"], row["claim_line_number"], row["claim_line_start_date"], row["payer"], row["state"], row["claim_type"][:4],
        where, row["hcpcs_code"], *modifiers, f"x{row['service_unit_quantity']}", f"by {row['rendering_npi']} of {row['billing_npi']}",
        *diagnoses, f"points {row.get('diagnosis_pointer_1')}", "authorized" if row.get("prior_authorization_number") else "", note,
    ]  # fmt: skip
    return "      " + " ".join(str(word) for word in words if word != "")
