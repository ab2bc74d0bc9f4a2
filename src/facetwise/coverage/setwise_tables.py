"""The tables of the compiled knowledge, as the SQL reads them: their columns and the types of these."""

from __future__ import annotations

_TEXT, _TEXTS, _WHOLE, _NUMBER, _YES = "VARCHAR", "VARCHAR[]", "BIGINT", "DECIMAL(28, 10)", "BOOLEAN"
_LIMITS = dict.fromkeys(("at_least", "more_than", "at_most", "less_than"), _NUMBER)
_COMPARED = {"name": _TEXT, "type": _TEXT, "wanted": _TEXTS, **_LIMITS}
_NODE = {"test": _WHOLE, "node": _WHOLE}
TABLES: dict[str, dict[str, str]] = {
    "word": {"list": _TEXT, "word": _TEXT},
    "asks": {"name": _TEXT, "type": _TEXT, "unit": _TEXT, "words": _TEXT},
    "silent": {
        "question": _TEXT,
        "place": _WHOLE,
        "bears": _TEXTS,
        "statement": _TEXT,
        "needed": _TEXT,
        "names": _TEXTS,
    },
    "scope": {
        "payer": _TEXT,
        "state": _TEXT,
        "day": "DATE",
        "segment": _WHOLE,
        "ruleset": _WHOLE,
        "whose": _TEXT,
        "unknown_contractor": _YES,
    },
    "area": {"segment": _WHOLE, "region": _TEXT, "area": _TEXT},
    "joint": {"segment": _WHOLE, "joint": _TEXT, "regions": _TEXTS},
    "family": {
        "segment": _WHOLE,
        "place": _WHOLE,
        **dict.fromkeys(("technique", "region", "guidance", "codes"), _TEXTS),
    },
    "concern": {"segment": _WHOLE, "question": _TEXT, "purpose": _TEXTS, "sequence": _TEXTS},
    "beyond": {"test": _WHOLE},
    "rule": {
        "ruleset": _WHOLE,
        "part": _WHOLE,
        "place": _WHOLE,
        "seq": _WHOLE,
        "question": _TEXT,
        "kind": _TEXT,
        "bears": _TEXTS,
        "test": _WHOLE,
        "at_most": _NUMBER,
        "fact": _TEXT,
        "window_days": _WHOLE,
        "by_year": _YES,
        "counts": _TEXT,
        "countable": _YES,
        "repeats": _YES,
        "per": _TEXTS,
        "codes": _TEXTS,
        "refused": _YES,
        "entry": _TEXT,
        "conflicting": _YES,
        "id": _TEXT,
        **dict.fromkeys(("for_technique", "for_purpose", "for_sequence", "for_region"), _TEXTS),
        **dict.fromkeys(("for_guidance", "for_setting", "citations"), _TEXTS),
        **dict.fromkeys(("statement", "needed", "evidence", "note"), _TEXT),
    },
    "test_node": {**_NODE, "parent": _WHOLE, "depth": _WHOLE, "kind": _TEXT},
    "leaf": {**_NODE, **_COMPARED},
    "prior": {**_NODE, **_LIMITS, "gap": _WHOLE, "several": _YES},
    "prior_check": {**_NODE, "pos": _WHOLE, "choice": _WHOLE, "kind": _TEXT, **_COMPARED, "days": _WHOLE},
}
