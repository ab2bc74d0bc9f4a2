"""Words for people: the facts of a case, their values, and what a criterion's test wants of them."""

from __future__ import annotations

from dataclasses import dataclass

from facetwise.coverage.case import Case
from facetwise.knowledge import View
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Vocabulary
from facetwise.knowledge.parts import Measure, Prior, Test
from facetwise.knowledge.schema import decimal_text
from facetwise.payers import rules

_EARLIER = "history."
_PLAIN = {
    "history": "the earlier procedures, or that there were none",
    "history.technique": "technique of the earlier procedure",
    "history.purpose": "purpose of the earlier procedure, diagnostic or therapeutic",
    "history.sequence": "whether the earlier procedure was a first or a repeat",
    "history.joints": "joints of the earlier procedure",
    "history.sides": "sides of the earlier procedure",
    "procedure.sequence": "whether this is the first procedure of its kind or a repeat",
    "procedure.joints": "the joints to be treated",
    "procedure.sides": "the sides to be treated",
    "state": "the state, which picks the contractor",
}
_BOUNDS = (
    ("at_least", "at least"),
    ("more_than", "more than"),
    ("at_most", "at most"),
    ("less_than", "less than"),
)


@dataclass(frozen=True, slots=True)
class Bearing:
    """Which question a rule answers, and its test where it has one."""

    question: str
    title: str
    group: str
    order: int
    kind: str = ""
    test: Test | None = None
    sequence: tuple[str, ...] = ()


def bearings(view: View, case: Case) -> dict[str, Bearing]:
    """Return the rules that may bear on a case, by their statements, and each question by its own id."""
    asked = rules(view, case.payer, case.state)
    found: dict[str, Bearing] = {}
    for slug, question in view.store.questions.items():
        found[slug] = Bearing(slug, question.title, question.group, question.order, question.kind)
        if question.kind not in ("criterion", "limit", "position"):
            continue
        for one in asked.said(slug, case.technique):
            applies = getattr(one.value, "applies", None)
            found[one.value.statement] = Bearing(
                slug,
                question.title,
                question.group,
                question.order,
                question.kind,
                getattr(one.value, "test", None),
                applies.sequence if applies else (),
            )
    return found


def bearing_of(found: dict[str, Bearing], name: str, statement: str) -> Bearing:
    """Return the bearing of a result by its statement, else by its id; a result of neither stands by itself, last."""
    return found.get(statement) or found.get(name) or Bearing(name, in_plain(name).capitalize(), "", 10**6)


def in_plain(name: str) -> str:
    """Return an id as words."""
    return name.replace("_", " ").replace("-", " ")


def fact_label(words: Vocabulary, name: str) -> str:
    """Return what a fact is called; a name that the vocabulary does not know is returned as words."""
    if name in _PLAIN:
        return _PLAIN[name]
    asked = words.asks.get(name)
    if asked is None:
        return name if " " in name else in_plain(name.rpartition(".")[2])
    return f"{asked.label} (earlier procedure)" if name.startswith(_EARLIER) and "since" not in name else asked.label


def fact_value(words: Vocabulary, name: str, text: str) -> str:
    """Return the value of a fact, as the engine shows it, for people: with its unit, a date in words, yes or no."""
    asked = words.asks.get(name)
    if asked is None:
        return ", ".join(_event(words, part) for part in text.split(", "))
    if asked.type == "boolean":
        return {"true": "yes", "false": "no"}.get(text, text)
    if asked.type == "number":
        return f"{text} {_unit(words, asked.unit, text)}".strip()
    if asked.type == "date":
        return in_words(text)
    return words.words.get(asked.words or "", {}).get(text, text)


def _event(words: Vocabulary, text: str) -> str:
    day, _, technique = text.partition(" ")
    return in_words(day) + (f" {word_label(words, 'technique', technique)}" if technique else "")


def word_label(words: Vocabulary, group: str, word: str) -> str:
    """Return the label of a word of the vocabulary; the word itself when it has none."""
    return words.words.get(group, {}).get(word, word.replace("_", " "))


def wanted_lines(words: Vocabulary, test: Test) -> list[str]:
    """Return what a test wants, one line for each thing that the record must show."""
    if test.all:
        return [line for one in test.all for line in wanted_lines(words, one)]
    if test.any:
        return ["one of these: " + "; or ".join(" and ".join(wanted_lines(words, one)) for one in test.any)]
    if test.none:
        return ["none of these: " + "; ".join(" and ".join(wanted_lines(words, one)) for one in test.none)]
    if test.prior is not None:
        return [_prior(words, test, test.prior)]
    assert test.asks is not None
    return [f"{fact_label(words, test.asks)}: {_wanted(words, test)}"]


def _wanted(words: Vocabulary, test: Test) -> str:
    asked = words.asks[test.asks or ""]
    if asked.type == "boolean":
        return "yes" if test.is_ == "true" else "no"
    if test.is_ or test.one_of:
        options = [test.is_] if test.is_ else list(test.one_of)
        return " or ".join(word_label(words, asked.words or "", one) for one in options)
    return _bounds(words, test)


def _bounds(words: Vocabulary, bound: Test | Measure) -> str:
    parts = [f"{text} {decimal_text(number)}" for name, text in _BOUNDS if (number := getattr(bound, name)) is not None]
    return f"{' and '.join(parts)} {_unit(words, bound.unit, parts[-1].rpartition(' ')[2] if parts else '')}".strip()


def _unit(words: Vocabulary, unit: str | None, number: str) -> str:
    label = words.units.get(unit or "", unit or "")
    return label.removesuffix("s") if number == "1" and " " not in label else label


def _prior(words: Vocabulary, test: Test, prior: Prior) -> str:
    count = _bounds(words, test.count) if test.count else "at least 1 procedure"
    kinds = [word_label(words, "technique", one) for one in prior.technique]
    named = [word_label(words, "purpose", one) for one in prior.purpose]
    parts = [f"earlier {' or '.join([*named]) + ' ' if named else ''}{' or '.join(kinds) or 'procedures'}: {count}"]
    parts += [line for one in prior.where for line in wanted_lines(words, one)]
    if prior.same:
        parts.append("same " + " and ".join(prior.same))
    if test.apart is not None:
        parts.append(f"{_bounds(words, test.apart)} apart")
    if test.within is not None:
        parts.append(f"within {_bounds(words, test.within)}")
    return ", ".join(parts).replace(" (earlier procedure)", "")


def payer_name(view: View, payer: str) -> str:
    """Return what a payer is called."""
    known = view.payers().get(payer)
    return known.title if known else payer
