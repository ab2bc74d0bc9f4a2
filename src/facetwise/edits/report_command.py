"""`check --report`: from the result of a check to the page."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.catalog import catalog_path
from facetwise.claims.payer import Payers
from facetwise.edits.report import report, run_of
from facetwise.edits.report_money import expected
from facetwise.edits.report_page import write_html
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    from facetwise.edits.check import Asked
    from facetwise.edits.result import Checked
    from facetwise.knowledge import Knowledge


def write_report(result: Checked, knowledge: Knowledge, asked: Asked, out: Path) -> None:
    """Write the report of a check, whole or not at all. What is at stake with Medicare is told where its lines can be read again.

    Raises FacetwiseError where the page cannot be written.
    """
    assert result.findings_file is not None
    allowed = None
    if "-" not in (str(path) for path in asked.claims):
        payers = Payers(knowledge.store, dict(asked.mapped_payers), asked.default_payer)
        try:
            place = tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=f".{out.name}-")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FacetwiseError(
                Problem(str(out), 0, f"it cannot be written: {reason}", "a directory that you may write to")
            ) from None
        with place as work:
            allowed = expected(
                result.findings_file,
                asked.claims,
                knowledge,
                payers,
                Path(work),
                catalog_path(),
                asked.settings.memory_limit,
            )
    write_html(report(result.findings_file, run_of(result), allowed), knowledge, out)
