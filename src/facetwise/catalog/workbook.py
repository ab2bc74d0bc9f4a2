"""Rows of an .xlsx workbook as texts, read by calamine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class WorkbookError(ValueError):
    """The file is no workbook that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook, by its name."""

    name: str


def is_encrypted(path: Path) -> bool:
    """Whether an OLE container is an Office document under a password (rather than one of the old binary formats)."""
    with path.open("rb") as file:
        return "EncryptedPackage".encode("utf-16-le") in file.read(1 << 22)


def sheets(path: Path) -> list[Sheet]:
    """Return the sheets in the order of the workbook. Raises WorkbookError."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return [Sheet(name) for name in CalamineWorkbook.from_path(path).sheet_names]
    except (CalamineError, OSError) as error:
        raise WorkbookError(str(error)) from None


def rows(path: Path, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers from 1; cells as text, empty where there is none.

    Raises WorkbookError.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        held = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet.name)
        first = held.start[0] + 1 if held.start else 1
        left = held.start[1] if held.start else 0
        for number, row in enumerate(held.to_python(skip_empty_area=True), start=first):
            cells = [""] * left + [_text(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells
    except (CalamineError, OSError) as error:
        raise WorkbookError(str(error)) from None


def _text(cell: object) -> str:
    """A number is kept as a binary fraction: whole ones without a point, others by the shortest text that means them."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)
