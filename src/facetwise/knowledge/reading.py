"""Reading one YAML file of the knowledge into plain text values that remember their lines.

Every scalar is kept as the text that stands in the file: `010`, `1e3`, `00`, `NO` and `2024-08-10` are all
text here, and the schema decides what each is. YAML's own guesses (octal numbers, Norway as `false`) never apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from facetwise.problems import FacetwiseError, Problem

# The C parser ships in PyYAML's wheels; the Python one reads the same, slower, where there is no wheel.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its name for messages, its data (dicts, lists, text, None) and the line of each place in it."""

    file: str
    data: dict[str, Any]
    lines: dict[Path_, int]

    def line(self, place: Path_) -> int:
        """Return the line of `place`, or of the nearest place around it that the file has."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(path: Path, name: str) -> Document:
    """Read the file at `path`, called `name` in messages.

    Raises FacetwiseError when it is not UTF-8, not YAML, not a mapping, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FacetwiseError(
            Problem(name, 0, f"byte {error.start} is not UTF-8", "UTF-8 text", "save the file as UTF-8")
        ) from None
    except OSError as error:
        raise FacetwiseError(Problem(name, 0, f"it cannot be read: {(error.strerror or str(error)).lower()}")) from None
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """Parse YAML `text` whose root is a mapping; see `read_document`."""
    data, lines = parse_any(text, name)
    if not isinstance(data, dict):
        raise FacetwiseError(Problem(name, 1, "the file holds no keys", "a mapping such as 'title: ...'"))
    return Document(name, data, lines)


def parse_any(text: str, name: str) -> tuple[Any, dict[Path_, int]]:
    """Parse YAML or JSON `text` to plain text values and the line of each place. Raises FacetwiseError."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        line = mark.line + 1 if mark else 0
        raise FacetwiseError(
            Problem(
                name,
                line,
                f"this is not YAML: {reason}",
                mend="check the indentation, quotes and colons on and above it",
            )
        ) from None
    if root is None:
        return None, {(): 1}
    lines: dict[Path_, int] = {(): 1}
    problems: list[Problem] = []
    try:
        data = _plain(root, (), lines, name, problems)
    except RecursionError:
        raise FacetwiseError(
            Problem(name, 1, "an alias (*name) stands inside what it means", mend="write it out")
        ) from None
    if problems:
        raise FacetwiseError(problems)
    return data, lines


def _plain(node: yaml.Node, place: Path_, lines: dict[Path_, int], name: str, problems: list[Problem]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        if not node.style and node.value in ("", "~", "null"):
            return None
        return node.value
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, child in enumerate(node.value):
            lines[(*place, index)] = child.start_mark.line + 1
            items.append(_plain(child, (*place, index), lines, name, problems))
        return items
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            problems.append(Problem(name, line, "a key that is not a word", "a plain word before the colon"))
            continue
        if key in mapping:
            problems.append(Problem(name, line, f"key {key!r} stands here a second time", mend="remove one of the two"))
            continue
        lines[(*place, key)] = line
        mapping[key] = _plain(value_node, (*place, key), lines, name, problems)
    return mapping
