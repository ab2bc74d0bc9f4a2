"""What the commands read and print: a file or standard input, and JSON on standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from facetwise.problems import FacetwiseError, Problem


def read_input(source: str) -> tuple[str, str]:
    """Return the text of a file, or of standard input for "-", and its name for messages.

    Raises FacetwiseError when it cannot be read or is not UTF-8.
    """
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8"), "standard input"
        return Path(source).read_text(encoding="utf-8"), source
    except UnicodeDecodeError as error:
        raise FacetwiseError(
            Problem(source, 0, f"byte {error.start} is not UTF-8", "UTF-8 text", "save the file as UTF-8")
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(Problem(source, 0, f"it cannot be read: {reason}", "a readable file, or -")) from None


def json_bytes(content: object) -> bytes:
    """Return the content as indented JSON with an end of line."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def print_bytes(content: bytes) -> None:
    """Write to standard output as it is."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
