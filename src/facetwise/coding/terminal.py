"""The coded encounter as plain text of 100 columns, for people."""

from __future__ import annotations

import textwrap

from facetwise.coding.code import Coded
from facetwise.coding.picture import picture
from facetwise.knowledge.dating import in_words

_WIDTH = 100
_INDENT = " " * 4


def coded_table(coded: Coded) -> str:
    """Return the lines with their reasons, the findings by severity, and the picture of the spine."""
    result = coded.result
    place = f" in {result.state}" if result.state else ""
    whose = f" by the rules of {result.whose}" if result.whose != result.payer else ""
    out = [
        f"{result.payer}{place}, {in_words(result.date_of_service)}, {result.setting}, {result.claim} claim{whose}",
        "",
    ]
    drawn = picture(coded)
    if drawn:
        out += [drawn, ""]
    if result.lines:
        out.append("  line  code   modifiers  units  joints")
        for line in result.lines:
            modifiers = " ".join(line.modifiers) or "none"
            out.append(f"  {line.line:>4}  {line.code:<5}  {modifiers:<9}  {line.units:>5}  {', '.join(line.joints)}")
            out += _wrapped(line.why)
            out += _wrapped(f"[{', '.join(line.citations)}]")
    else:
        out.append("  No line can be written.")
    if result.findings:
        out.append("")
    for finding in result.findings:
        where = f" (line {finding.claim_line_number})" if finding.claim_line_number else ""
        out += _wrapped(f"{finding.severity.upper()} {finding.edit}{where}: {finding.message}", "  ")
        if finding.fix:
            out += _wrapped(f"Do: {finding.fix}")
        if finding.citations:
            out += _wrapped(f"[{', '.join(finding.citations)}]")
    out += ["", f"knowledge {result.knowledge[:19]}"]
    return "\n".join(out)


def _wrapped(text: str, first: str = _INDENT) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
