"""Whose rules the lines of a claim go by: the payer that it means, and with the state that payer's book."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from facetwise.claims.payer import Payers


class Books:
    """Turns what a claim writes into a book of the reference tables; 0 where nothing tells the payer.

    `rows` are those of `book_of`: (payer, state, book), state '' for the states without a row of their own.
    """

    def __init__(self, payers: Payers, rows: Iterable[tuple[str, str, int]]):
        self._payers = payers
        self._books = {(payer, state): book for payer, state, book in rows}

    def known(self, written: str, filing: str) -> bool:
        """Whether the payer is one of the knowledge."""
        return bool(self._payers.resolve(written, filing))

    def book(self, written: str, filing: str, state: str) -> int:
        """Return the book of a line that writes this payer, filing indicator and state."""
        payer = self._payers.resolve(written, filing)
        return self._books.get((payer, state)) or self._books.get((payer, ""), 0)

    def resolve(self, asked: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
        """Return each (payer, filing indicator, state) with its book."""
        return [(*one, self.book(*one)) for one in asked]
