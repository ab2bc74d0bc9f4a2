"""What went wrong, said so that the reader can mend it.

Every error that a person can cause carries the same five things: the file, the place in it, what was found,
what is expected and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing to mend. `line` counts from 1; 0 means that the whole file (or the call) is meant."""

    file: str
    line: int
    found: str
    expected: str = ""
    mend: str = ""
    level: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [f"{place}: {self.found}" if place else self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.mend:
            parts.append(self.mend)
        return "; ".join(part.rstrip(".") for part in parts) + "."


class FacetwiseError(Exception):
    """An input or a call that cannot be answered; `exit_code` is what the command line returns."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return up to `count` of the known words that look most like `word`, best first."""
    import difflib  # only when something is wrong

    return difflib.get_close_matches(word, list(known), n=count, cutoff=0.5)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean X" for the nearest known word, or an empty string when none is near."""
    close = nearest(word, known)
    return f"did you mean {close[0]!r}" if close else ""
