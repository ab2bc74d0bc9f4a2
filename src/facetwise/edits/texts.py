"""The rule texts: `sql/<family>.sql`, one file an edit family, each a sequence of named SELECTs.

A line `-- step: NAME` begins a part that the later parts read under that name; the last part begins with
`-- findings` and returns the columns of FINDING_COLUMNS. Lines before the first part are for the reader.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources

FINDING_COLUMNS = (*("line_id", "other_line_id", "edit", "severity", "message", "fix", "evidence", "citations"),)
_PART = re.compile(r"-- (?:step: (?P<step>[a-z][a-z0-9_]*)|(?P<last>findings))\s*")


class RuleTextError(ValueError):
    """A rule text that is not written as this module says; a fault of ours, not of a user."""


@dataclass(frozen=True, slots=True)
class RuleText:
    """One text: the SELECT of each step by its name, in order, and the SELECT of the findings."""

    family: str
    steps: tuple[tuple[str, str], ...]
    findings: str

    def statement(self) -> str:
        """Return the whole as one statement: every step a common table expression."""
        if not self.steps:
            return self.findings
        steps = ",\n".join(f"{name} AS (\n{select}\n)" for name, select in self.steps)
        return f"WITH {steps}\n{self.findings}"


@functools.cache
def read_text(family: str) -> RuleText:
    """Return the text of a family. Raises RuleTextError when it is not written as it should be."""
    content = resources.files("facetwise.edits").joinpath("sql", f"{family}.sql").read_text(encoding="utf-8")
    return parse(family, content)


def parse(family: str, content: str) -> RuleText:
    """Take a text apart into its parts. Raises RuleTextError."""
    parts: list[tuple[str, list[str]]] = []
    for number, line in enumerate(content.splitlines(), 1):
        begins = _PART.fullmatch(line)
        if begins:
            if parts and parts[-1][0] == "findings":
                raise RuleTextError(f"{family}.sql:{number}: a part after the findings")
            parts.append((begins["step"] or "findings", []))
        elif parts:
            parts[-1][1].append(line)
        elif line.strip() and not line.startswith("--"):
            raise RuleTextError(f"{family}.sql:{number}: text before the first '-- step: NAME' or '-- findings'")
    names = [name for name, _ in parts]
    if not parts or names[-1] != "findings":
        raise RuleTextError(f"{family}.sql: no '-- findings' part")
    if len(set(names)) < len(names):
        raise RuleTextError(f"{family}.sql: a step's name stands twice")
    selects = [(name, "\n".join(lines).strip().rstrip(";")) for name, lines in parts]
    empty = [name for name, select in selects if not select]
    if empty:
        raise RuleTextError(f"{family}.sql: the part {empty[0]} is empty")
    return RuleText(family, tuple(selects[:-1]), selects[-1][1])
