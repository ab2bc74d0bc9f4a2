"""The envelope of an X12 file: where an interchange begins and which characters delimit it."""

from __future__ import annotations

from typing import NamedTuple

# An ISA is 106 bytes; the values of some senders are not padded, so its elements are counted instead.
ISA_MOST = 256
_ELEMENTS = 16


class Delimiters(NamedTuple):
    """What separates elements, components and repetitions, and what ends a segment; one byte each."""

    element: bytes
    component: bytes
    repetition: bytes
    segment: bytes


class Header(NamedTuple):
    """An ISA segment: its delimiters, its control number (ISA13) and its length with the terminator."""

    delimiters: Delimiters
    control: bytes
    length: int


def read_header(data: bytes) -> Header | None:
    """Return the ISA at the start of `data`, or None where there is none that can be read in its first 256 bytes."""
    head = data[:ISA_MOST]
    if not head.startswith(b"ISA") or _is_word(head[3:4]) or len(head) < 4:
        return None
    element = head[3:4]
    parts = head.split(element, _ELEMENTS)
    if len(parts) <= _ELEMENTS or len(parts[_ELEMENTS]) < 2:
        return None
    component, segment = parts[16][0:1], parts[16][1:2]
    repetition = parts[11][0:1]
    delimiters = Delimiters(element, component, repetition, segment)
    if len({element, component, segment}) < 3 or any(_is_word(sign) for sign in (element, component, segment)):
        return None
    length = sum(len(part) + 1 for part in parts[:_ELEMENTS]) + 2
    return Header(delimiters, parts[13].strip(), length)


def _is_word(sign: bytes) -> bool:
    return sign.isalnum() or sign == b" "
