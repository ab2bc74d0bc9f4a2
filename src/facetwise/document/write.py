"""Rendering a document and writing it: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from facetwise.document.model import Document, to_json
from facetwise.problems import FacetwiseError, Problem


def render(document: Document, form: str, paper: str = "a4") -> bytes:
    """Return the document as html, pdf, markdown or json; `paper` (a4, us-letter) is the PDF's."""
    if form == "json":
        return to_json(document)
    if form == "html":
        from facetwise.document.render.html import to_html

        return to_html(document).encode()
    if form == "markdown":
        from facetwise.document.render.markdown import to_markdown

        return to_markdown(document).encode()
    from facetwise.document.render.pdf import to_pdf

    return to_pdf(document, paper)


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that it appears whole or not at all. Raises FacetwiseError when it cannot."""
    if path.is_dir():
        raise FacetwiseError(
            Problem(str(path), 0, "this is a directory", "a file name", "add a name, such as briefing.html")
        )
    name = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            name = file.name
            file.write(content)
        # NamedTemporaryFile makes the file private; what the user asked for gets the usual rights.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except OSError as error:
        if name:
            with contextlib.suppress(OSError):
                Path(name).unlink()
        reason = error.strerror or str(error)
        raise FacetwiseError(
            Problem(
                str(path),
                0,
                f"it cannot be written: {reason.lower()}",
                "a place where you may write",
                "name another with -o",
            )
        ) from None
