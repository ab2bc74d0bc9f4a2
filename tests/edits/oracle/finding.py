"""A finding of the scalar reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from facetwise.findings import Severity


@dataclass(frozen=True, slots=True)
class Found:
    """What an edit says of a line. `other` is the line it is held against; `apart` tells several findings of one edit on a line apart.

    `seen` is evidence for a reader of a failed comparison; it takes no part in equality.
    """

    edit: str
    severity: Severity
    line_id: int
    claim_id: str
    claim_line_number: int
    other: tuple[str, int] | None = None
    apart: str = ""
    seen: dict[str, Any] = field(default_factory=dict, compare=False)

    def key(self) -> tuple[str, str, str, int, tuple[str, int] | None]:
        """Return what is compared with an engine's finding."""
        return self.edit, self.severity, self.claim_id, self.claim_line_number, self.other
