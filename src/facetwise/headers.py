"""The columns of a flat file of claim lines: which are there, and which name is more likely a slip of a known one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from facetwise.problems import Problem, nearest


def slips(path: str, there: Iterable[str], known: Collection[str]) -> Iterator[Problem]:
    """Give a problem for each column of a file that is not known but all but has the name of one that is absent.

    A file may hold more than is read; a column that all but has a known name is more likely a slip.
    """
    names = list(there)
    absent = [name for name in known if name not in names]
    for name in names:
        close = nearest(name, absent) if name not in known else []
        if close and is_slip(name, close[0]):
            yield Problem(path, 1, f"a column {name!r}", mend=f"did you mean {close[0]!r}?")


def missing(path: str, there: Collection[str], *names: str) -> Problem:
    """Return the problem of columns that are needed and not there, in one."""
    return Problem(
        path,
        1,
        f"no column{'s' if len(names) > 1 else ''} {', '.join(names)}",
        mend=f"the columns there are: {', '.join(list(there)[:20])}",
    )


def is_slip(name: str, known: str) -> bool:
    """Whether `name` is `known` but for one letter left out, put in or exchanged, or for other signs between words."""
    plain, wanted = (text.replace("_", "").replace("-", "").replace(" ", "") for text in (name, known))
    if plain == wanted:
        return True
    if plain[:-1] == wanted[:-1] and plain[-1:].isdigit():
        return False
    shorter, longer = sorted((plain, wanted), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    at = next((place for place, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    return shorter[at:] == longer[at + 1 :] or shorter[at + 1 :] == longer[at + 1 :]
