"""Cases for the tests of coverage, from a seed: wild ones, and ones built from the criteria of the payer that is chosen.

A built case satisfies every criterion that bears, or fails one by a hair, or leaves one undocumented. So each outcome is
reached often, and what must hold of every case is tried where it could break.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from facetwise.coverage.logic import days_of, in_unit
from facetwise.coverage.rulebook import questions
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Criterion
from facetwise.knowledge.parts import Measure, Test
from facetwise.payers import rules

USUAL = ("medial_branch_block", "intra_articular_injection", "radiofrequency_ablation")
JOINTS = {
    "cervical": ["C3-C4", "C4-C5", "C5-C6"],
    "lumbar": ["L1-L2", "L3-L4", "L4-L5", "L5-S1"],
    "thoracic": ["T5-T6", "T12-L1"],
    "cervical_thoracic": ["C7-T1", "T1-T2"],
    "lumbar_sacral": ["L4-L5", "L5-S1"],
}
PAIR = ("T12-L1", "L1-L2")  # either side of the border of two regions
Raw = dict[str, Any]


class Remembered(Knowledge):
    """The knowledge with its views kept: the tests ask about the same days again and again."""

    def __init__(self, knowledge: Knowledge):
        super().__init__(knowledge.store)
        self.view = functools.lru_cache(maxsize=512)(super().as_of)

    def as_of(self, day: date) -> View:
        return self.view(day)


class Maker:
    """Contract cases over all payers, states, techniques, days and histories."""

    def __init__(self, knowledge: Knowledge, seed: int, share_built: float = 0.6):
        self.rng = random.Random(seed)
        self.share_built = share_built
        self.knowledge = knowledge
        self.asks = knowledge.store.vocabulary.asks
        self.words = knowledge.store.vocabulary.words
        self.horizon = knowledge.store.horizon
        last = knowledge.as_of(self.horizon.until)
        self.payers = list(last.payers())
        self.states = sorted({s for _, one in last.of_kind("jurisdiction") for s in one.value.states})  # type: ignore[union-attr]
        span = (self.horizon.until - date(2021, 1, 1)).days
        days = random.Random(7)
        self.days = sorted(date(2021, 1, 1) + timedelta(days=days.randrange(span + 1)) for _ in range(90))
        self.days += [date(2024, 2, 29), date(2024, 3, 1), self.horizon.from_, self.horizon.until]

    def case(self, number: int) -> Raw:
        """Return a case, wild or built."""
        made = self.built() if self.rng.random() < self.share_built else self.wild()
        return {"case_id": f"case-{number}", **made}

    # -- any fact, any value

    def some(self, odds: float, make: Callable[[], Any]) -> Any:
        return make() if self.rng.random() < odds else None

    def value(self, name: str) -> Any:
        asked, rng = self.asks[name], self.rng
        if asked.type == "boolean":
            return rng.random() < 0.6
        if asked.type == "word":
            return rng.choice(list(self.words[asked.words or ""]))
        most = {"percent": 100, "points": 10, "months": 12, "levels": 4, "sessions": 3}.get(asked.unit or "", 400)
        number = rng.choice(
            [3, 6, 12, 50, 80, 82, 83, 90, 182, 183, 365, rng.randrange(most + 1), rng.uniform(0, most)]
        )
        if asked.unit in ("levels", "sessions", "procedures", "visits"):
            return int(min(number, most))
        return round(min(number, most), rng.choice([0, 1, 2])) if isinstance(number, float) else min(number, most)

    def facts(self, prefix: str, odds: float) -> Raw:
        names = [name for name in self.asks if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.value(name) for name in names if self.rng.random() < odds}

    def place(self, region: str, odds: float) -> Raw:
        rng, names = self.rng, JOINTS.get(region)
        found: Raw = {"region": region}
        if region in ("thoracic", "lumbar") and rng.random() < odds * 0.05:
            found["joints"] = [*PAIR, *rng.sample(JOINTS[region][1:], rng.randint(0, 1))]
            found["joints"] = list(dict.fromkeys(found["joints"]))
        elif names and rng.random() < odds:
            found["joints"] = rng.sample(names, rng.randint(1, len(names)))
        if rng.random() < odds:
            found["sides"] = rng.choice(list(self.words["side"]))
        return found

    def technique(self) -> str:
        return self.rng.choice(USUAL if self.rng.random() < 0.8 else list(self.words["technique"]))

    def day(self) -> date:
        return self.rng.choice(self.days)

    def payer(self, day: date) -> str:
        payer = "medicare" if self.rng.random() < 0.4 else self.rng.choice(self.payers)
        return payer if payer in self.knowledge.as_of(day).payers() else "medicare"

    def event(self, day: date, region: str) -> Raw:
        rng = self.rng
        back = rng.choice([0, 1, 7, 13, 14, 15, 30, 90, 181, 182, 183, 364, 365, 366, rng.randrange(900)])
        where = region if rng.random() < 0.7 else rng.choice(list(self.words["region"]))
        event = {
            "date": (day - timedelta(days=back)).isoformat(),
            "technique": self.technique(),
            "purpose": self.some(0.8, lambda: rng.choice(["diagnostic", "diagnostic", "therapeutic"])),
            "sequence": self.some(0.3, lambda: rng.choice(list(self.words["sequence"]))),
            **self.place(where, 0.7),
            **self.facts("history.", 0.4),
        }
        return _documented(event)

    def wild(self) -> Raw:
        rng, day = self.rng, self.day()
        region = rng.choice(list(self.words["region"]))
        odds = rng.choice([0.0, 0.5, 0.9, 1.0])
        stated = ("technique", "purpose", "region", "setting", "levels")
        procedure = {
            "technique": self.technique(),
            "purpose": self.some(0.7, lambda: rng.choice(["diagnostic", "therapeutic"])),
            "sequence": self.some(0.3, lambda: rng.choice(list(self.words["sequence"]))),
            "codes": self.some(0.2, lambda: rng.sample(["64493", "64495", "64635", "0213T", "64999"], 2)),
            **self.place(region, 0.6),
            **{key: value for key, value in self.facts("procedure.", odds * 0.7).items() if key not in stated},
        }
        if "joints" not in procedure and rng.random() < 0.7:
            procedure["levels"] = rng.randint(1, 4)
        history = self.some(0.85, lambda: [self.event(day, region) for _ in range(rng.choice([0, 1, 2, 2, 3, 4, 6]))])
        if history and rng.random() < 0.3:
            joints = rng.sample(JOINTS[region], rng.randint(1, len(JOINTS[region])))
            history = [{**event, "region": region, "joints": joints} for event in history]
        return _documented(
            {
                "payer": self.payer(day),
                "state": self.some(0.85, lambda: rng.choice(self.states)),
                "date_of_service": day.isoformat(),
                "setting": self.some(0.7, lambda: rng.choice(list(self.words["setting"]))),
                "procedure": _documented(procedure),
                "patient": self.facts("patient.", odds),
                "facts": {f"record.{key}": value for key, value in self.facts("record.", odds).items()}
                | ({"history.relief_percent": 85} if rng.random() < 0.1 else {}),
                "history": history,
            }
        )

    # -- built from what the payer wants

    def built(self, payer: str = "") -> Raw:
        """Return a case that meets every criterion that bears, or fails one, or leaves one undocumented."""
        rng, day = self.rng, self.day()
        payer = payer or self.payer(day)
        state = rng.choice(self.states) if rng.random() < 0.93 else ""
        region = rng.choice(["cervical", "lumbar", "lumbar"])
        first = rng.randrange(len(JOINTS[region]) - 1)
        technique = rng.choice(USUAL)
        purpose = "" if technique == "radiofrequency_ablation" else rng.choice(["diagnostic", "therapeutic"])
        here = {
            "region": region,
            "joints": JOINTS[region][first : first + rng.randint(1, 2)],
            "sides": rng.choice(["left", "right", "bilateral"]),
        }
        again = rng.random() < 0.5
        sequence = "initial" if not again else "second" if purpose == "diagnostic" else "repeat"
        draft = _Draft(self, day, here, technique, purpose, sequence)
        asked = rules(self.knowledge.as_of(day), payer, state)
        setting = rng.choice(["office", "asc", "hopd"])
        tests = [
            value.test
            for _, slug, question in questions(self.knowledge.store, "criterion")
            for one in asked.said(slug, technique, purpose=purpose, setting=setting)
            if isinstance(value := one.value, Criterion)
            and value.test is not None
            and (not value.applies.sequence or sequence in value.applies.sequence)
            and (not question.technique or technique in question.technique or value.applies.technique)
        ]
        rng.shuffle(tests)
        odd, how = (tests[:1], rng.choice(["fail", "leave out"])) if rng.random() < 0.55 else ([], "")
        for test in tests[len(odd) :]:
            draft.meet(test)
        for test in odd:
            (draft.fail if how == "fail" else draft.leave_out)(test)
        return draft.case(payer, state, setting)


class _Draft:
    """A case in the making: what each test asks for is written into it."""

    def __init__(self, maker: Maker, day: date, here: Raw, technique: str, purpose: str, sequence: str):
        self.maker, self.rng, self.day, self.here = maker, maker.rng, day, here
        self.technique, self.purpose, self.sequence = technique, purpose, sequence
        self.facts: Raw = {"procedure.guidance": "fluoroscopy", "procedure.sedation": "none"}
        self.last: Raw = {}  # what the last comparable procedure brought
        self.events: list[Raw] = []
        self.absent: set[str] = set()

    def meet(self, test: Test) -> None:
        if test.all:
            for one in test.all:
                self.meet(one)
        elif test.any:
            self.meet(self.rng.choice(test.any))
        elif test.none:
            for one in test.none:
                self.fail(one)
        elif test.prior is not None:
            self.earlier(test, short=0)
        else:
            self.say(test, holds=True)

    def fail(self, test: Test) -> None:
        if test.all:
            chosen = self.rng.randrange(len(test.all))
            for place, one in enumerate(test.all):
                (self.fail if place == chosen else self.meet)(one)
        elif test.any:
            for one in test.any:
                self.fail(one)
        elif test.none:
            self.meet(self.rng.choice(test.none))
        elif test.prior is not None:
            self.earlier(test, short=1)
        else:
            self.say(test, holds=False)

    def leave_out(self, test: Test) -> None:
        names = [leaf.asks for leaf in _leaves(test) if leaf.asks]
        if names:
            self.absent.add(self.rng.choice(names))

    def say(self, test: Test, *, holds: bool) -> None:
        """Write a value on the one side of the test's bound or the other."""
        name = test.asks or ""
        asked = self.maker.asks[name]
        if asked.type == "boolean":
            value: Any = (test.is_ == "true") == holds
        elif asked.type == "number":
            value = _number(test, asked.unit, holds=holds, slack=self.rng.choice([0, 0, 1]))
        else:
            wanted = [test.is_] if test.is_ else list(test.one_of)
            others = [word for word in self.maker.words[asked.words or ""] if word not in wanted]
            value = self.rng.choice(wanted if holds or not others else others)
        (self.last if name.startswith("history.") else self.facts)[name] = value

    def earlier(self, test: Test, short: int) -> None:
        """Write the earlier procedures that the test counts, `short` fewer than it wants, or one that just misses."""
        prior = test.prior
        assert prior is not None
        count = test.count or Measure(unit="procedures", at_least=Decimal(1))
        number = int(count.at_least or 1)
        gap = days_of(test.apart.at_least, test.apart.unit) if test.apart and test.apart.at_least is not None else 15
        back = self.rng.choice([gap, gap + 1, gap + 20])
        facts: Raw = {}
        for one in prior.where:
            other = _Draft(self.maker, self.day, self.here, self.technique, self.purpose, self.sequence)
            other.meet(one)
            facts |= other.last
        drop, missed = (short, False) if self.rng.random() < 0.5 else (0, bool(short))
        for place in range(number - drop):
            event = {
                "date": (self.day - timedelta(days=back)).isoformat(),
                "technique": prior.technique[0] if prior.technique else self.technique,
                "purpose": prior.purpose[0] if prior.purpose else self.purpose or None,
                **self.here,
                **{name.removeprefix("history."): value for name, value in facts.items()},
            }
            if missed and place == number - 1:
                self.miss(event)
            self.events.append(_documented(event))
            back += self.rng.choice([gap, gap, gap + 7])

    def miss(self, event: Raw) -> None:
        """Make an earlier procedure fall short, or leave out something of it."""
        numbers = [
            key for key, value in event.items() if isinstance(value, (int, float)) and not isinstance(value, bool)
        ]
        if numbers and self.rng.random() < 0.7:
            key = self.rng.choice(numbers)
            event[key] = max(0, event[key] - 1)
        else:
            event.pop(self.rng.choice([key for key in event if key not in ("date", "technique", "region")]), None)

    def case(self, payer: str, state: str, setting: str) -> Raw:
        if self.sequence != "initial":
            back = self.rng.choice([14, 15, 60, 200, 370])
            own: Raw = {"date": (self.day - timedelta(days=back)).isoformat(), "technique": self.technique, **self.here}
            if self.purpose:
                own["purpose"] = self.purpose
            self.events.append(own)
        if self.events:
            last = max(self.events, key=lambda event: str(event["date"]))
            for event in self.events if self.rng.random() < 0.5 else [last]:
                for name, value in self.last.items():
                    event.setdefault(name.removeprefix("history."), value)
        for event in self.events:
            for name in self.absent:
                event.pop(name.removeprefix("history."), None)
        facts = {name: value for name, value in self.facts.items() if name not in self.absent}
        stated = {"technique", "purpose", "region", "setting", "levels"}
        procedure = {name.partition(".")[2]: value for name, value in facts.items() if name.startswith("procedure.")}
        return _documented(
            {
                "payer": payer,
                "state": state or None,
                "date_of_service": self.day.isoformat(),
                "setting": setting,
                "procedure": _documented(
                    {"technique": self.technique, "purpose": self.purpose or None, **self.here}
                    | {key: value for key, value in procedure.items() if key not in stated}
                ),
                "patient": {
                    name.partition(".")[2]: value for name, value in facts.items() if name.startswith("patient.")
                },
                "facts": {name: value for name, value in facts.items() if name.startswith("record.")},
                "history": self.events,
            }
        )


def _number(test: Test, unit: str | None, *, holds: bool, slack: int) -> float:
    """Return a number just inside the bounds, or just outside of one of them."""
    low = test.at_least if test.at_least is not None else test.more_than
    high = test.at_most if test.at_most is not None else test.less_than
    bound = in_unit(low if low is not None else high if high is not None else Decimal(0), test.unit, unit)
    step = Decimal(slack) + (0 if (test.at_least if low is not None else test.at_most) is not None else 1)
    outside = Decimal(1) if step == slack else Decimal(0)
    up = (low is not None) == holds
    value = bound + (step if holds else outside) * (1 if up else -1)
    most = {"percent": Decimal(100), "points": Decimal(10)}.get(unit or "", Decimal(10**6))
    whole = unit in ("levels", "sessions", "procedures", "visits")
    number = round(min(max(value, Decimal(0)), most), 6)
    return int(number) if whole else float(number)


def _leaves(test: Test) -> list[Test]:
    found = [leaf for one in (*test.all, *test.any, *test.none) for leaf in _leaves(one)]
    if test.prior is not None:
        found += [leaf for one in test.prior.where for leaf in _leaves(one)]
    return [*found, *([test] if test.asks else [])]


def _documented(mapping: Raw) -> Raw:
    return {key: value for key, value in mapping.items() if value is not None}


def merged(base: Any, difference: Any) -> Any:
    """Return a case of a file as its base with what differs: mappings merged, lists by position, `absent` taken away."""
    if not isinstance(difference, dict):
        return difference
    if isinstance(base, list):
        changed = {int(place): one for place, one in difference.items()}
        items = [merged(one, changed[place]) if place in changed else one for place, one in enumerate(base)]
        return [one for one in items if one != "absent"]
    whole = dict(base) if isinstance(base, dict) else {}
    for key, value in difference.items():
        if value == "absent":
            whole.pop(key, None)
        else:
            whole[key] = merged(whole.get(key), value)
    return whole


def read_plain(path: Path) -> Any:
    """Return a YAML file with every scalar as it is written; libyaml does it ten times as fast, where it is there."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
