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
    Where it is not known which contractor that is, `possible` are those that may be meant.
    """

    view: View
    whose: str
    unknown_contractor: bool = False
    local: str = ""
    possible: tuple[str, ...] = ()

    def of(self, contractor: str) -> Rules:
        """Return the rules as they are if this contractor is the one that the state would pick."""
        if self.view.payers()[self.whose].role == "program":
            return Rules(self.view, contractor)
        return Rules(self.view, self.whose, local=contractor)

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
    known = tuple(
        dict.fromkeys(
            dated.value.contractor
            for _, dated in view.of_kind("jurisdiction")
            if isinstance(dated.value, Jurisdiction) and (not state or state in dated.value.states)
        )
    )
    # Two contractors of one state are as good as none: whose rules hold is then for the asker to say.
    local = known[0] if state and len(known) == 1 else ""
    possible = () if local else known
    if payers[payer].role == "program":
        return Rules(view, local or payer, unknown_contractor=not local, possible=possible)
    return Rules(view, payer, unknown_contractor=not local, local=local, possible=possible)


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
