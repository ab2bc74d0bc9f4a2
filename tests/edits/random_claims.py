"""Seeded random claims for holding engines against each other: not likely ones, but dense in everything the edits look at.

A person has one state and mostly one payer, and sessions on days whose distances lie around the limits' windows and whose dates lie
around the turns of the knowledge. Each session has claims of a physician, a facility, perhaps an anesthetist, with facet series of every kind,
their add-ons with and without primaries, imaging, sedation, visits, partners of pairs, repeated lines, odd modifiers, units and diagnoses.

    batch = generate(seed=1, claims=1000, ncci_partners=...)      # rows of the claim-line table; absent keys are NULL
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

_FIRST, _LAST = date(2020, 1, 1), date(2026, 12, 31)
_TURNS = [
    date.fromisoformat(day)
    for day in (
        "2021-04-25", "2021-05-02", "2022-01-01", "2022-07-01", "2023-05-10", "2023-07-01", "2024-04-01", "2024-06-03",
        "2024-07-01", "2024-07-07", "2024-07-14", "2024-08-01", "2024-08-05", "2024-08-11", "2024-08-16", "2024-10-01",
        "2024-11-01", "2025-01-01", "2025-02-26", "2025-02-28", "2025-08-01", "2026-01-01", "2026-01-05", "2026-02-01",
        "2026-04-01", "2026-05-21", "2026-06-05", "2026-06-14", "2026-07-02", "2026-07-23", "2026-09-01", "2026-09-15",
        "2026-09-17", "2026-10-01",
    )
]  # fmt: skip
_GAPS = (0, 1, 2, 6, 7, 8, 13, 14, 15, 30, 60, 90, 120, 180, 181, 182, 183, 200, 270, 363, 364, 365, 366, 400)
_STATES = (
    *(
        "OH",
        "KY",
        "NY",
        "CT",
        "IL",
        "CA",
        "AZ",
        "AK",
        "WA",
        "TX",
        "PA",
        "NJ",
        "FL",
        "PR",
        "NC",
        "GA",
        "AL",
        "MI",
        "KS",
        "IA",
    ),
    *("ND", "MS", "SC", "MO", "ZZ", ""),
)
_SERIES = {
    "neck": ("64490", "64491", "64492"),
    "back": ("64493", "64494", "64495"),
    "neck ultrasound": ("0213T", "0214T", "0215T"),
    "back ultrasound": ("0216T", "0217T", "0218T"),
    "neck ablation": ("64633", "64634"),
    "back ablation": ("64635", "64636"),
}
_WEIGHTS = {"neck": 5, "back": 9, "neck ultrasound": 1, "back ultrasound": 2, "neck ablation": 4, "back ablation": 7}
_FURTHER = frozenset(("64634", "64636", "64480", "64484"))
_IMAGING = ("77003", "77002", "77012", "76942", "76000")
_SEDATION = ("99152", "99153", "99151", "99156", "01991", "01992", "01937", "01938", "01939", "01940", "01936", "01942")
_VISITS = ("99213", "99214", "99203", "G0463")
_DRUGS = ("J3301", "J1030", "J1040", "J1010", "J0702", "J2001", "J2003", "Q9966", "Q9967")
_OTHERS = (
    *(
        "62321",
        "62323",
        "62322",
        "64483",
        "64484",
        "64480",
        "27096",
        "64451",
        "G0260",
        "20552",
        "20553",
        "64450",
        "64405",
        "64625",
        "64625",
    ),
    *("64640", "64999", "64999", "64772", "20225", "95937", "62284", "20610", "99999"),
)
_PAIR_MODIFIERS = ("59", "XS", "XU", "XE", "25", "76", "77", "51", "79", "78", "22", "KX", "GA", "ZZ", "26", "F1", "LC")
_DIAGNOSES = (
    *(
        "M47816",
        "M47816",
        "M47817",
        "M47812",
        "M47813",
        "M47896",
        "M4816",
        "M5386",
        "M5382",
        "M7130",
        "M7138",
        "M5450",
        "M545",
    ),
    *("G500", "M4781", "M961", "R51"),
)
_TELLING = (
    *(
        "cigna",
        "anthem",
        "bcbs-north-dakota",
        "bcbs-mississippi",
        "bcbs-alabama",
        "aetna",
        "humana",
        "az-blue",
        "evolent",
        "Cigna",
    ),
    *(
        "tricare-west",
        "fep",
        "healthpartners",
        "unitedhealthcare",
        "bcbs-south-carolina",
        "independence",
        "wps-arise",
        "hcsc",
    ),
)  # payers whose rules differ in kind
_ODD_PAYERS = ("Acme Health Plan", "", "Unknown", "medicaid")


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows of the claim-line table: lines to be judged, and history."""

    lines: list[Row]
    history: list[Row]


@dataclasses.dataclass
class _Maker:
    chance: random.Random
    payers: Sequence[str]
    partners: Sequence[str]
    claims: int = 0
    people: int = 0
    prefix: str = ""
    within: tuple[date, date] | None = None

    def pick(self, options: Sequence[Any]) -> Any:
        return self.chance.choice(options)

    def likely(self, probability: float) -> bool:
        return self.chance.random() < probability


def generate(
    seed: int,
    claims: int,
    payers: Sequence[str],
    partners: Sequence[str],
    prefix: str = "",
    within: tuple[date, date] | None = None,
) -> Batch:
    """Return at least `claims` claims, those of the history not counted; the same for the same arguments.

    `payers` are ids and titles of payers as claims write them; `partners` are codes that make NCCI pairs with facet codes;
    the last session of each person lies `within` these days.
    """
    maker = _Maker(random.Random(seed), payers, partners, prefix=prefix, within=within)
    batch = Batch([], [])
    judged = 0
    while judged < claims:
        for rows in _person(maker):
            old = maker.likely(0.25)
            judged += not old
            (batch.history if old else batch.lines).extend(rows)
            if not old and maker.likely(0.05):
                batch.history.extend(dict(row) for row in rows)  # a history may hold what is checked
    return batch


def _person(maker: _Maker) -> Iterator[list[Row]]:
    maker.people += 1
    person = None if maker.likely(0.03) else f"{maker.prefix}P{maker.people}"
    state = maker.pick(_STATES)
    payer = _payer(maker)
    for day in _days(maker):
        sets = [maker.pick(("office", "asc", "hopd", "hopd", "asc", "office", "other"))]
        second = _payer(maker) if maker.likely(0.08) else payer
        shared: Row = {"person_id": person, "state": state or None, "claim_line_start_date": day}
        for setting in sets:
            yield from _session(maker, setting, {**shared, "payer": payer or None}, second or None)


def _payer(maker: _Maker) -> str:
    roll = maker.chance.random()
    if roll < 0.5:
        return str(maker.pick(("medicare", "medicare", "medicare", "Medicare", "MEDICARE")))
    if roll < 0.6:
        return str(maker.pick(("medicare-advantage", "uhc-medicare-advantage")))
    if roll < 0.65:
        return str(maker.pick(_ODD_PAYERS))
    if roll < 0.88:
        return str(maker.pick(_TELLING))
    return str(maker.pick(maker.payers))


def _days(maker: _Maker) -> list[date]:
    """Return the days of a person's sessions, in no order."""
    begin, end = maker.within or ((_FIRST if maker.likely(0.2) else date(2024, 6, 1)), _LAST)
    last = begin + timedelta(days=maker.chance.randrange((end - begin).days + 1))
    if maker.within is None and maker.likely(0.45):
        last = maker.pick(_TURNS) + timedelta(days=maker.pick((-1, 0, 1, 0)))
    days = [last]
    for _ in range(maker.pick((0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 9))):
        days.append(days[-1] - timedelta(days=maker.pick(_GAPS)))
    kept = [day for day in days if _FIRST <= day <= _LAST]
    maker.chance.shuffle(kept)
    return kept


def _session(maker: _Maker, setting: str, shared: Row, second_payer: str | None) -> Iterator[list[Row]]:
    """Yield the claims of one day: the physician's, perhaps in two, the facility's, the anesthetist's."""
    surgeon, group = f"10000000{maker.chance.randrange(10, 99)}", f"20000000{maker.chance.randrange(10, 13)}"
    treated = _treated(maker)
    place = {"office": "11", "asc": "24", "hopd": maker.pick(("22", "19")), "other": maker.pick(("49", "", "21"))}[
        setting
    ]
    own: Row = {
        **shared,
        "claim_type": "professional",
        "place_of_service_code": place or None,
        "rendering_npi": maker.pick((surgeon, surgeon, surgeon, surgeon, group, None)),
        "billing_npi": maker.pick((group, group, group, None)),
    }
    codes = _with_company(maker, treated)
    if maker.likely(0.12):
        cut = maker.chance.randrange(len(codes) + 1)
        parts = [part for part in (codes[:cut], codes[cut:]) if part]
    else:
        parts = [codes]
    for number, part in enumerate(parts):
        other = {"rendering_npi": f"10000000{maker.chance.randrange(10, 99)}"} if number and maker.likely(0.5) else {}
        yield _claim(maker, {**own, **other}, part)
    if second_payer != own["payer"]:
        yield _claim(maker, {**own, "payer": second_payer}, codes)
    if setting in ("asc", "hopd", "other") and maker.likely(0.5):
        yield _claim(maker, {**own, **_facility(maker, setting, group)}, treated)
    if maker.likely(0.15):
        nurse = {"rendering_npi": "3000000001", "billing_npi": maker.pick((group, "3000000009"))}
        yield _claim(maker, {**own, **nurse}, [maker.pick(_SEDATION)])


def _facility(maker: _Maker, setting: str, group: str) -> Row:
    if setting == "asc" and maker.likely(0.8):
        return {"claim_type": "professional", "rendering_npi": maker.pick((None, None, group)), "billing_npi": group}
    bill = {"hopd": maker.pick(("131", "131", "137")), "asc": "831"}.get(setting, maker.pick(("851", None)))
    return {
        "claim_type": "institutional",
        "bill_type_code": bill,
        "place_of_service_code": None,
        "rendering_npi": None,
        "billing_npi": group,
    }


def _treated(maker: _Maker) -> list[str]:
    """Return facet codes of one to three series, with gaps in them."""
    if maker.likely(0.06):
        return list(maker.pick((("64490", "64494"), ("64633", "64636"), ("64490", "64493"), ("64633", "64635"))))
    names = list(_SERIES)
    weights = [_WEIGHTS[name] for name in names]
    found: list[str] = []
    for name in maker.chance.choices(names, weights, k=maker.pick((1, 1, 1, 1, 1, 2, 2, 3))):
        series = _SERIES[name]
        found += series[: maker.pick((1, 1, 2, 2, 3))]
        if maker.likely(0.1):
            found.append(maker.pick(series))
    if maker.likely(0.08):
        found.pop(0)
    return found or ["64493"]


def _with_company(maker: _Maker, treated: list[str]) -> list[str]:
    codes = list(treated)
    for probability, options in (
        (0.16, _IMAGING), (0.16, _SEDATION), (0.14, _VISITS), (0.12, _DRUGS), (0.2, _OTHERS), (0.1, maker.partners),
    ):  # fmt: skip
        if maker.likely(probability):
            codes.append(maker.pick(options))
    if maker.likely(0.1):
        codes.append(maker.pick(codes))
    if maker.likely(0.1):
        codes = [maker.pick((*_OTHERS, *_DRUGS, *_VISITS)) for _ in codes]
    maker.chance.shuffle(codes)
    return codes


def _claim(maker: _Maker, shared: Row, codes: list[str]) -> list[Row]:
    maker.claims += 1
    diagnoses = [maker.pick(_DIAGNOSES) for _ in range(maker.pick((1, 1, 1, 2, 2, 3, 0)))]
    facts: Row = {
        **shared,
        "claim_id": f"{maker.prefix}C{maker.claims}",
        "prior_authorization_number": "A1" if maker.likely(0.3) else None,
        **{f"diagnosis_code_{n}": one for n, one in enumerate(diagnoses, start=1)},
    }
    side = maker.pick(("RT", "LT", "50", "both", ""))
    diagnostic = maker.likely(0.5)
    rows: list[Row] = []
    for code in codes:
        for modifiers, units in _reported(maker, code, side, diagnostic=diagnostic):
            row = {
                **facts,
                "claim_line_number": len(rows) + 1,
                "hcpcs_code": code,
                "service_unit_quantity": Decimal(units),
            }
            row["charge_amount"] = Decimal("250.00")
            row["unit_basis"] = "MJ" if code[0] == "0" and code[-1] != "T" and maker.likely(0.5) else "UN"
            row |= {f"hcpcs_modifier_{n}": one for n, one in enumerate(modifiers[:5], start=1)}
            if diagnoses and maker.likely(0.25):
                row["diagnosis_pointer_1"] = maker.chance.randrange(1, len(diagnoses) + 2)
            rows.append(row)
    if facts["claim_type"] == "institutional" and maker.likely(0.06):
        rows.append(
            {**facts, "claim_line_number": len(rows) + 1, "hcpcs_code": None, "service_unit_quantity": Decimal(1)}
        )
    return rows


def _reported(maker: _Maker, code: str, side: str, *, diagnostic: bool) -> list[tuple[list[str], str]]:
    """Return the lines of a code: modifiers and units."""
    facet = any(code in series for series in _SERIES.values())
    if not facet:
        extra = [maker.pick(_PAIR_MODIFIERS)] if maker.likely(0.3) else []
        sided = [maker.pick(("RT", "LT", "50"))] if maker.likely(0.15) else []
        return [(sided + extra, maker.pick(("1", "1", "1", "1", "2", "4", "40")))]
    if maker.likely(0.12):
        side = maker.pick(("RT", "LT", "50", "both", ""))
    extra = ["KX"] if diagnostic and code not in _FURTHER and maker.likely(0.9) else []
    extra += [maker.pick(_PAIR_MODIFIERS)] if maker.likely(0.1) else []
    units = (
        maker.pick(("1", "1", "1", "2", "3", "4", "5")) if code in _FURTHER else maker.pick(("1",) * 14 + ("2", "0.5"))
    )
    if side == "both":
        return [(["RT", *extra], units), (["LT", *extra], units)]
    modifiers = [side] if side else []
    if maker.likely(0.03):
        modifiers.append(maker.pick(("RT", "LT", "50")))
    if maker.likely(0.5):
        return [([*modifiers, *extra], units)]
    return [([*extra, *modifiers], units)]
