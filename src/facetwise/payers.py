"""Whose rules hold: the payer's, or those of the contractor that the state picks, and what they say of a procedure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facetwise.knowledge import Answer, Dated, View
from facetwise.knowledge.kinds import Jurisdiction
from facetwise.knowledge.parts import Applies


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the payer has said, or one side of a conflict in it."""

    dated: Dated
    value: Any
    answer: Answer
    conflicting: bool = False

    @property
    def citations(self) -> tuple[str, ...]:
        return self.dated.sources

    @property
    def established(self) -> bool:
        """Whether the words are the payer's own: neither in conflict nor presumed from a shared text."""
        return not self.conflicting and not self.answer.presumed


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one payer on one day, asked by question.

    `whose` is the payer or contractor that was asked, `local` the contractor that a plan under the public program defers to.
    """

    view: View
    whose: str
    unknown_contractor: bool = False
    local: str = ""

    def said(self, question: str, technique: str = "", **facts: str) -> list[Said]:
        """Return what the payer says to `question` of a procedure with these facts; both sides of a conflict."""
        found = []
        for answer in self._answers(question):
            if answer.dated is None:
                continue
            sides = answer.dated.sides or (answer.dated,)
            for side in sides:
                if side.value is not None and bears(getattr(side.value, "applies", None), technique, facts):
                    found.append(Said(side, side.value, answer, bool(answer.dated.sides)))
        return found

    def _answers(self, question: str) -> list[Answer]:
        """A plan that follows the public program follows its local contractor, where it says nothing itself."""
        answers = self.view.answers(self.whose, question)
        if not self.local:
            return answers
        payers = self.view.payers()
        own = [one for one in answers if one.said_by and payers[one.said_by].role not in ("program", "contractor")]
        return own or self.view.answers(self.local, question)


def rules(view: View, payer: str, state: str) -> Rules:
    """Return the rules of a payer in a state: those of the state's contractor where the payer is a program with such."""
    payers = view.payers()
    if payers[payer].role not in ("program", "medicare_advantage"):
        return Rules(view, payer)
    contractors = [
        dated.value.contractor
        for _, dated in view.of_kind("jurisdiction")
        if isinstance(dated.value, Jurisdiction) and state in dated.value.states
    ]
    local = next(iter(dict.fromkeys(contractors)), "")
    if payers[payer].role == "program":
        return Rules(view, local or payer, unknown_contractor=not local)
    return Rules(view, payer, unknown_contractor=not local, local=local)


def bears(applies: Applies | None, technique: str, facts: dict[str, str]) -> bool:
    """Whether a rule that applies so bears on a procedure of this technique ("" for any) with these facts."""
    if applies is None:
        return True
    asked = {"technique": technique, **facts}
    for name, value in asked.items():
        allowed = getattr(applies, name)
        # A fact that is not documented restricts nothing: the rule may bear, and the caller says that it is unknown.
        if allowed and value and value not in allowed:
            return False
    return True
