"""What goes wrong in a request, as problem details (RFC 9457) that carry the five parts of every error of this tool."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from facetwise.problems import FacetwiseError, Problem

PROBLEM_JSON = "application/problem+json"
# From the first quote to the last: what was sent may hold quotes of its own.
_QUOTED = re.compile(r"['\"].*['\"]", re.DOTALL)
# A path of plain keys and places in lists. What else a key may hold could be anything, and is left out.
_STEP = r"(?:[a-z][a-z0-9_]{0,60}|\[[0-9]{1,6}\])"
_PLAIN_PATH = re.compile(rf"{_STEP}(?:\.?{_STEP})*")
_LEAD = re.compile(rf"(?P<path>{_PLAIN_PATH.pattern}): ")
_UNKNOWN = "unknown key"
_DAY = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")
# Kind: status, title, what it means. The page of the API lists them; the type of a problem leads there.
KINDS: dict[str, tuple[int, str, str]] = {
    "not-readable": (400, "The request cannot be read", "The body is not JSON, or the address is broken."),
    "token-missing": (401, "A token is wanted", "Send Authorization: Bearer TOKEN, or sign in on /login."),
    "from-another-site": (403, "Another site sent this", "Pages of other sites may not send requests here."),
    "not-found": (404, "There is no such thing", "No page, code or payer stands at this address."),
    "wrong-method": (405, "The method has no meaning here", "The Allow header says which methods have."),
    "not-acceptable": (406, "No form of the answer is accepted", "Accept application/json, or text/html for a page."),
    "too-slow": (408, "The request came too slowly", "The body did not arrive in time."),
    "release-missing": (409, "A release is missing in the catalog", "Load the official file that is named, ask again."),
    "prefetch-missing": (412, "Prefetched data is missing", "A CDS Hooks service needs what its discovery lists."),
    "too-large": (413, "The request is too large", "Send less at once; the limit is in the detail."),
    "address-too-long": (414, "The address is too long", "Ask for less at once."),
    "wrong-type": (415, "The form of the body is not known", "Send application/json."),
    "wrong-host": (421, "This server is not called by that name", "Start it with --allow-host NAME."),
    "wrong-input": (422, "The request is understood but wrong", "Each problem says where, what is expected, how to mend it."),
    "failed": (500, "The server failed", "The fault is ours; the log has its place, and nothing of the request."),
    "busy": (503, "The server is busy", "Ask again in a moment."),
}  # fmt: skip


class ProblemPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to mend: where (`file`, `line`, `place`), what was found, what is expected, how to mend it.

    `place` is the path in the body or the name of the parameter; `line` counts from 1 in the body as it was sent.
    """

    found: str
    file: str = ""
    line: int = 0
    place: str = ""
    expected: str = ""
    mend: str = ""


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details of RFC 9457; `problems` are the things to mend."""

    type: str
    title: str
    status: int
    detail: str
    problems: tuple[ProblemPart, ...] = ()


@dataclass(eq=False)
class RequestError(Exception):
    """A request that is refused, by the name of its kind in KINDS."""

    kind: str
    problems: tuple[ProblemPart, ...] = ()
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        return KINDS[self.kind][0]

    def details(self) -> ProblemDetails:
        """Return what is sent."""
        status, title, meaning = KINDS[self.kind]
        detail = self.detail or "; ".join(part.found for part in self.problems) or meaning
        return ProblemDetails(
            type=f"/api#problem-{self.kind}", title=title, status=status, detail=detail, problems=self.problems
        )


def refused(kind: str, found: str, expected: str = "", mend: str = "", **headers: str) -> RequestError:
    """Return the error of one problem."""
    part = ProblemPart(found=found, expected=expected, mend=mend)
    return RequestError(kind, (part,), headers=tuple((name.replace("_", "-"), text) for name, text in headers.items()))


def from_problems(error: FacetwiseError, *, kind: str = "", of_body: bool = False) -> RequestError:
    """Return the request error for an error of the tool; of a body, the values that were sent are left out of it."""
    kind = kind or ("release-missing" if error.exit_code == 3 else "wrong-input")
    return RequestError(kind, tuple(part_of(problem, of_body=of_body) for problem in error.problems))


def part_of(problem: Problem, *, of_body: bool = False) -> ProblemPart:
    """Return a problem as it is sent."""
    found, place = problem.found, ""
    if of_body:
        if found.endswith(f": {_UNKNOWN}"):
            place, found = path_shown(found.removesuffix(f": {_UNKNOWN}")), _UNKNOWN
        elif match := _LEAD.match(found):
            place, found = match["path"], found[match.end() :]
        found = _QUOTED.sub(lambda match: "(as sent)" if match.start() else "this", found)
        found = _DAY.sub("that day", found)
    return ProblemPart(
        file="" if of_body else problem.file,
        line=problem.line,
        place=place,
        found=found,
        expected=problem.expected,
        mend=problem.mend,
    )


def path_shown(path: str) -> str:
    """Return a path as far as it is made of plain keys."""
    match = _PLAIN_PATH.match(path)
    plain = match[0] if match else ""
    if plain == path:
        return plain
    # The last step may be the begin of a key that goes on in another way.
    whole = plain if path[len(plain)] in ".[" else re.sub(rf"\.?{_STEP}$", "", plain)
    return f"{whole}.(a key)".lstrip(".")
