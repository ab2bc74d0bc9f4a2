"""Cases that the set-wise evaluation leaves to the scalar engine, as rows of the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from facetwise.coverage.case import read_cases
from facetwise.coverage.determination import cover
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem


def odd_rows(ord_: int, text: str, name: str, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    """Yield the findings of one contract case given as JSON. Raises FacetwiseError when it cannot be read."""
    data = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, name), parse_float=str, parse_int=str)
    if not isinstance(data, dict):
        raise FacetwiseError(Problem(name, 0, "this is no mapping of keys", "one case, as an object"))
    case_id = data.pop("case_id", None)
    case = read_cases(json.dumps(data), name, knowledge)[0]
    answer = cover(case, knowledge)
    base = {"case_id": str(ord_) if case_id is None else str(case_id), "ord": ord_, "evaluated": "scalar", "seq": 0}
    outcome = {"kind": "outcome", "part": 0, "place": 0, "id": "", "status": answer.outcome, "missing": answer.missing}
    empty: dict[str, Any] = {"statement": "", "needed": "", "citations": [], "evidence": "", "note": ""}
    yield base | empty | outcome | {"whose": answer.whose, "sequence": answer.sequence}
    for place, one in enumerate(answer.criteria):
        found = json.dumps(one.found, separators=(",", ":")) if one.found else None
        yield base | {
            "kind": "criterion",
            "part": 1,
            "place": place,
            "id": one.id,
            "status": one.status,
            "missing": one.missing,
            "found": found,
            "statement": one.statement,
            "needed": one.needed,
            "citations": one.citations,
            "evidence": one.evidence,
            "note": one.note,
        }
    for place, limit in enumerate(answer.limits):
        yield (
            base
            | empty
            | {
                "kind": "limit",
                "part": 5,
                "place": place,
                "id": limit.id,
                "status": limit.status,
                "missing": [],
                "used": limit.used,
                "allowed": limit.allowed,
                "window_days": limit.window_days,
                "next_eligible_date": limit.next_eligible_date,
                "statement": limit.statement,
                "citations": limit.citations,
            }
        )
    for place, other in enumerate(answer.alternatives):
        yield (
            base
            | empty
            | {
                "kind": "alternative",
                "part": 6,
                "place": place,
                "id": other.whose,
                "status": other.outcome,
                "missing": other.missing,
                "whose": other.whose,
                "sequence": answer.sequence,
            }
        )


def _once(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise FacetwiseError(Problem(name, 0, "a key stands twice in one mapping", "each key once"))
    return found
