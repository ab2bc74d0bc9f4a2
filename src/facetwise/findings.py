"""What the tool tells about a line or a claim: the same shape from coding, coverage, edits and prices."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["reject", "deny", "review", "info"]
SEVERITIES: tuple[Severity, ...] = ("reject", "deny", "review", "info")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `edit` is a name of the contract; `evidence` holds what was seen and what is wanted.

    `claim_line_number` is None when the whole claim or encounter is meant; `carc` is the claim adjustment reason code
    to expect, empty where none is known.
    """

    edit: str
    severity: Severity
    message: str
    fix: str = ""
    claim_id: str | None = None
    claim_line_number: int | None = None
    evidence: dict[str, Any] = {}
    carc: str = ""
    citations: tuple[str, ...] = ()
