"""The shapes of requests, as types that validate and from which the OpenAPI document is made.

They are made from the knowledge: a new payer, joint or fact of a case is known to both at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from facetwise.knowledge import Knowledge
from facetwise.knowledge.parts import Asked
from facetwise.web.api import check_shapes
from facetwise.web.api.words import Words, words
from facetwise.web.edit_pages import edit_names

_PERCENT = "percent"
_MOST = 1e12
Field = tuple[str, Any] | tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Shapes:
    """The types of what may be asked."""

    words: Words
    code: Any
    payer: Any
    brief: type[msgspec.Struct]
    codes: type[msgspec.Struct]
    payers: type[msgspec.Struct]
    as_of: type[msgspec.Struct]
    changes: type[msgspec.Struct]
    compare: type[msgspec.Struct]
    form: type[msgspec.Struct]
    price_query: type[msgspec.Struct]
    nothing: type[msgspec.Struct]
    encounter: type[msgspec.Struct]
    case: type[msgspec.Struct]
    claim: type[msgspec.Struct]
    check: type[msgspec.Struct]
    check_query: type[msgspec.Struct]
    edit: Any


def shapes(knowledge: Knowledge, most: int) -> Shapes:
    """Return the shapes of requests to this knowledge; a list in one holds at most `most` entries."""
    known = words(knowledge)
    makers = _Makers(known, most)
    asks = knowledge.store.vocabulary.asks
    day, payer = makers.day, makers.one_of(known.payers)
    payer_list: Any = Annotated[tuple[payer, ...], Meta(max_length=len(known.payers))]  # type: ignore[valid-type]
    audience = Literal["billing", "clinical", "policy"]
    return Shapes(
        words=known,
        code=makers.one_of(known.codes),
        payer=payer,
        brief=_struct(
            "BriefQuery",
            ("as_of", _said(day, "The day that is asked about; left out, today."), ""),
            ("audience", _said(audience, "Put first what these readers need; nothing is left out."), ""),
            ("payer", _said(payer_list, "Compare these payers only; may be given several times."), ()),
        ),
        codes=_struct(
            "CodesQuery",
            ("as_of", day, ""),
            ("q", _said(Annotated[str, Meta(max_length=100)], "Words of the title, or the begin of a code."), ""),
        ),
        payers=_struct("PayersQuery", ("as_of", day, "")),
        as_of=_struct("DayQuery", ("as_of", day, "")),
        changes=_struct(
            "ChangesQuery",
            ("from", _said(day, "First day."), msgspec.NODEFAULT),
            ("to", _said(day, "Last day, included."), msgspec.NODEFAULT),
            ("code", _said(makers.one_of(known.codes), "Only what bears on this procedure code."), ""),
            ("payer", _said(payer_list, "Only these payers and whom they follow; may be given several times."), ()),
        ),
        compare=_struct("CompareQuery", ("as_of", day, ""), ("payer", payer_list, ())),
        form=_struct(
            "FormQuery",
            ("payer", payer),
            ("technique", makers.one_of(known.lists["technique"])),
            ("region", makers.one_of(known.lists["region"])),
            ("as_of", day, ""),
            ("state", _said(makers.one_of(known.states), "Picks the contractor or plan."), ""),
            ("purpose", makers.one_of(known.lists["purpose"]), ""),
            ("sequence", makers.one_of(known.lists["sequence"]), ""),
            ("setting", makers.setting, ""),
        ),
        price_query=_struct(
            "PriceQuery",
            ("compare", _said(bool, "The same lines in office, surgery center and hospital; one claim only."), False),
        ),
        nothing=_struct("NoQuery"),
        encounter=makers.encounter(),
        case=makers.case(asks),
        claim=makers.claim(),
        check=check_shapes.claim_lines(payer, most),
        check_query=_struct(
            "CheckQuery",
            ("payer", _said(payer, "The payer of lines that tell none; beside FHIR and files."), ""),
            ("state", _said(makers.one_of(known.localities), "The state of lines that tell none."), ""),
        ),
        edit=makers.one_of(edit_names()),
    )


def _struct(title: str, *fields: Field, extra: dict[str, Any] | None = None) -> type[msgspec.Struct]:
    """Return a type of this title. Names that are no Python names are kept as they are in requests."""
    named = []
    renamed = {}
    for name, *rest in fields:
        plain = name.replace(".", "__") + ("_" if name in ("from", "to") else "")
        renamed[plain] = name
        named.append((plain, *rest) if not rest[1:] or rest[1] is not msgspec.NODEFAULT else (plain, rest[0]))
    made = msgspec.defstruct(
        title, named, forbid_unknown_fields=True, frozen=True, kw_only=True, rename=renamed, module=__name__
    )
    return Annotated[made, Meta(extra_json_schema=extra)] if extra else made  # type: ignore[return-value]


def _said(kind: Any, text: str) -> Any:
    return Annotated[kind, Meta(description=text)]


class _Makers:
    def __init__(self, known: Words, most: int):
        self.known = known
        self.most = most
        self.day = Annotated[str, Meta(pattern=known.day_pattern, examples=["2026-03-02"])]
        self.money = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", examples=["125.50"])]
        self.side = self.one_of(known.lists["side"])
        self.setting = self.one_of(known.lists["setting"])

    def one_of(self, options: Iterable[str]) -> Any:
        return Literal[tuple(options)]

    def many(self, kind: Any, *, least: int = 0, most: int | None = None) -> Any:
        return Annotated[list[kind], Meta(min_length=least, max_length=most or self.most)]

    def maybe(self, name: str, kind: Any, text: str = "") -> Field:
        return name, _said(kind | None, text) if text else kind | None, None

    def encounter(self) -> type[msgspec.Struct]:
        lists = self.known.lists
        one = {"oneOf": [{"required": ["joint"]}, {"required": ["nerve"]}]}
        target = _struct(
            "Target",
            ("joint", self.one_of(self.known.joints) | msgspec.UnsetType, msgspec.UNSET),
            ("nerve", self.one_of(self.known.nerves) | msgspec.UnsetType, msgspec.UNSET),
            ("side", _said(self.side, "The patient's.")),
            extra=one,
        )
        procedure = _struct(
            "Procedure",
            ("technique", self.one_of(self.known.techniques)),
            ("targets", self.many(target, least=1)),
            self.maybe("purpose", self.one_of(lists["purpose"])),
            self.maybe("guidance", self.one_of(lists["guidance"])),
        )
        return _struct(
            "Encounter",
            ("payer", self.one_of(self.known.payers)),
            ("date_of_service", self.day),
            ("procedures", self.many(procedure, least=1, most=50)),
            self.maybe("state", self.one_of(self.known.states), "Picks the contractor or plan."),
            self.maybe("setting", self.setting, "This, or place_of_service."),
            self.maybe("place_of_service", self.one_of(self.known.places)),
            self.maybe("claim", self.one_of(lists["claim"])),
            extra={"anyOf": [{"required": ["setting"]}, {"required": ["place_of_service"]}]},
        )

    def fact(self, asked: Asked) -> Any:
        if asked.type == "boolean":
            return bool
        if asked.type == "number":
            return Annotated[float, Meta(ge=0, le=100 if asked.unit == _PERCENT else _MOST)]
        if asked.type == "date":
            return datetime.date
        return self.one_of(self.known.lists[asked.words or ""])

    def facts(self, asks: dict[str, Asked], prefix: str, but: Iterable[str] = ()) -> list[Field]:
        found = []
        for name, asked in asks.items():
            short = name.removeprefix(prefix)
            if name.startswith(prefix) and short not in but:
                label = asked.label + (f", {asked.unit}" if asked.unit else "")
                found.append(self.maybe(short, self.fact(asked), label[:1].upper() + label[1:] + "."))
        return found

    def case(self, asks: dict[str, Asked]) -> type[msgspec.Struct]:
        lists = self.known.lists
        joints = self.many(self.one_of(self.known.inner_joints), most=len(self.known.inner_joints))
        own = ("technique", "purpose", "region", "sides", "sequence", "codes", "joints")
        shared: list[Field] = [
            ("technique", self.one_of(lists["technique"])),
            ("region", self.one_of(lists["region"])),
            self.maybe("purpose", self.one_of(lists["purpose"])),
            self.maybe("sequence", self.one_of(lists["sequence"])),
            self.maybe("sides", self.side),
            self.maybe("joints", joints),
        ]
        code = Annotated[str, Meta(pattern="^[0-9A-Z]{5}$")]
        procedure = _struct(
            "CaseProcedure",
            *shared,
            self.maybe("codes", self.many(code, most=20)),
            *self.facts(asks, "procedure.", own),
        )
        event = _struct("EarlierProcedure", ("date", datetime.date), *shared, *self.facts(asks, "history.", own))
        patient = _struct("Patient", *self.facts(asks, "patient."))
        return _struct(
            "Case",
            ("payer", self.one_of(self.known.payers)),
            ("date_of_service", self.day),
            ("procedure", procedure),
            self.maybe("state", self.one_of(self.known.states), "Picks the contractor or plan."),
            self.maybe("setting", self.setting),
            self.maybe("patient", patient, "What the record says; left out, not documented."),
            self.maybe("history", self.many(event), "Earlier procedures; left out, not documented; [] says none."),
            self.maybe("facts", _struct("Facts", *self.facts(asks, "")), "Further facts, by their whole names."),
        )

    def claim(self) -> type[msgspec.Struct]:
        text = Annotated[str, Meta(max_length=20_000)]
        line = _struct(
            "LineToPrice",
            ("code", Annotated[str, Meta(pattern="^[0-9A-Za-z][0-9]{3}[0-9A-Za-z]$")]),
            ("modifiers", self.many(Annotated[str, Meta(pattern="^[0-9A-Za-z]{2}$")], most=10) | None, None),
            ("units", Annotated[int, Meta(ge=1, le=1_000_000)], 1),
            ("line", Annotated[int, Meta(ge=1, le=1_000_000)] | msgspec.UnsetType, msgspec.UNSET),
            self.maybe("charge", self.money),
            *(
                self.maybe(name, kind, "Ignored: what /code adds.")
                for name, kind in (("joints", list[str]), ("why", text), ("citations", list[str]))
            ),
        )
        named = _struct(
            "Locality",
            self.maybe("mac", Annotated[str, Meta(pattern="^[0-9]{5}$")]),
            self.maybe("locality", Annotated[str, Meta(pattern="^[0-9]{2}$")]),
            self.maybe("state", self.one_of(self.known.localities)),
            self.maybe("zip", Annotated[str, Meta(pattern="^[0-9]{5}(-?[0-9]{4})?$")]),
        )
        return _struct(
            "Claim",
            ("lines", self.many(line)),
            ("date_of_service", self.day),
            self.maybe("payer", self.one_of(self.known.payers)),
            self.maybe("setting", self.setting, "This, or place_of_service; neither with compare."),
            self.maybe("place_of_service", self.one_of(self.known.places)),
            self.maybe("claim", self.one_of(self.known.lists["claim"])),
            self.maybe(
                "locality",
                Annotated[str, Meta(pattern="^(national|[0-9]{5}/[0-9]{2})$")] | named,
                "mac and locality, or state, or zip; left out, national amounts.",
            ),
            self.maybe("state", self.one_of(self.known.localities) | Literal[""]),
            self.maybe("zip", Annotated[str, Meta(pattern="^[0-9]{5}(-?[0-9]{4})?$")]),
            self.maybe("apm_participant", bool),
            self.maybe("deductible", self.money),
            self.maybe("wage_index", self.money),
            self.maybe("cbsa", Annotated[str, Meta(pattern="^[0-9]{5}$")]),
            *(
                self.maybe(name, kind, "Ignored: what /code adds.")
                for name, kind in (
                    ("as_of", text), ("knowledge", text), ("whose", text), ("claim_id", text), ("findings", list[Any]),
                )
            ),
        )  # fmt: skip
