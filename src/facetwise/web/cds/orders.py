"""From a hook request to what is ordered: the codes and words of orders and bookings, place, day, insurer, earlier procedures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

import msgspec

from facetwise.claims.fhir import PROCEDURE_SYSTEMS
from facetwise.claims.fhir_shapes import Concept, Reference
from facetwise.claims.payer import Payers
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Code
from facetwise.web.cds import fhir

PLACE_SYSTEM = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
DIAGNOSIS_SYSTEMS = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
# A technique named in words alone could be one at another structure; these words tie it to the facet joints.
_FACET_WORDS = ("facet", "medial branch", "zygapophys")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Said:
    """What a concept with its words says of a procedure on facet joints.

    `techniques`: those that may be meant; `possible`: those that the code alone allows.
    """

    code: str
    techniques: tuple[str, ...]
    possible: tuple[str, ...]
    region: str
    purpose: str = ""
    guidance: str = ""
    sides: str = ""
    joints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One order or booking of a facet procedure. `raw` is the resource as it was sent; `draft`: it is what is being ordered."""

    said: Said
    day: date | None
    units: int
    state: str
    setting: str
    place: str
    diagnoses: tuple[str, ...]
    resource_type: str
    id: str
    draft: bool
    insurance: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A procedure on facet joints that was performed."""

    said: Said
    day: date


@dataclass(frozen=True, slots=True)
class Insurer:
    """The coverage that is judged by: its id, the payer of the knowledge ("" where none is known by its names)."""

    id: str
    payer: str
    others: int = 0


class Vocabulary:
    """The words by which facet procedures are named, as of one day."""

    def __init__(self, view: View):
        words = view.store.vocabulary.words
        self.view = view
        self.facet = frozenset(words["facet_technique"])
        self.codes = {thing.slug: dated.value for thing, dated in view.of_kind("code") if isinstance(dated.value, Code)}
        self._techniques = {
            one: {_plain(label), _plain(one)} for one, label in words["technique"].items() if one in self.facet
        }
        self._purposes = {one: {_plain(label), _plain(one)} for one, label in words["purpose"].items()}
        self._guidance = {
            one: {_plain(label), _plain(one)} for one, label in words["guidance"].items() if one != "none"
        }
        self._sides = {one: {_plain(label), _plain(one)} for one, label in words["side"].items()}
        joints = [record for _, record in view.rows("anatomy/joints")]
        self._regions = {str(one["part"]): {str(one["part"])} for one in joints}
        self._joints = {str(one["joint"]): _written(str(one["upper"]), str(one["lower"])) for one in joints}
        self.places = {
            str(record["place_of_service"]): str(record["setting"]) for _, record in view.rows("fees/places")
        }

    def said(self, concept: fhir.Words | None, further: Iterable[fhir.Words] = ()) -> Said | None:
        """Return what a code, with further words, says of a facet procedure; None where it says of none."""
        if concept is None:
            return None
        text = f" {_plain(' . '.join([concept.text, *(one.text for one in further)]))} "
        written = concept.text.strip().upper()
        coded = [*concept.codes(*PROCEDURE_SYSTEMS), *([written] if written in self.codes else [])]
        code = next((one.upper() for one in coded if one.upper() in self.codes), "")
        named = tuple(one for one, labels in self._techniques.items() if _holds(text, labels))
        region = next((one for one, labels in self._regions.items() if _holds(text, labels)), "")
        joints = tuple(joint for joint, pattern in self._joints.items() if pattern.search(text))
        if code:
            value = self.codes[code]
            possible = tuple(one for one in value.technique if one in self.facet)
            techniques = tuple(one for one in possible if one in named) or possible
            # A code for other things too is ours only where its words name the technique.
            if not techniques or (set(value.technique) - self.facet and not set(techniques) & set(named)):
                return None
            region = value.region or region
        elif coded or len(named) != 1 or not any(one in text for one in _FACET_WORDS):
            return None
        else:
            techniques = possible = named
        if not region:
            return None
        sides = {one for one, labels in self._sides.items() if _holds(text, labels)}
        return Said(
            code=code,
            techniques=techniques,
            possible=possible,
            region=region,
            purpose=_one(one for one, labels in self._purposes.items() if _holds(text, labels)),
            guidance=_one(one for one, labels in self._guidance.items() if _holds(text, labels)),
            sides=_one(sides) if len(sides) < 2 else "bilateral",
            joints=joints,
        )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9./-]+", " ", text.lower()).replace("-", " ").replace("_", " ").split())


def _holds(text: str, labels: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![a-z0-9]){re.escape(label)}(?![a-z0-9])", text) for label in labels)


def _one(found: Iterable[str]) -> str:
    """Return the only one; of several none is meant."""
    several = list(found)
    return several[0] if len(several) == 1 else ""


def _written(upper: str, lower: str) -> re.Pattern[str]:
    """Return a pattern of a joint as people write it: L4-L5, L4/5, L4 L5; a hyphen is a blank by now."""
    short = rf"(?:{lower[0]})?{lower[1:]}" if upper[0] == lower[0] else lower
    return re.compile(rf"(?<![a-z0-9]){upper}\s?[/ ]\s?{short}(?![a-z0-9])", re.IGNORECASE)


def day_of(text: str) -> date | None:
    """Return the day of a FHIR date or dateTime, as it is written; None where it has no day."""
    match = _DAY.match(text)
    try:
        return date.fromisoformat(match[0]) if match else None
    except ValueError:
        return None


class Record:
    """What a request holds beside the orders: places, insurers, earlier procedures, conditions, by their references."""

    def __init__(self, found: Iterable[tuple[msgspec.Raw, fhir.Resource]]):
        pairs = list(found)
        self._all = [one for _, one in pairs]
        self._known = {f"{one.resource_type}/{one.id}": one for one in self._all if one.id}
        self._raw = {f"{one.resource_type}/{one.id}": raw for raw, one in pairs if one.id}

    def raw(self, one: fhir.Resource) -> msgspec.Raw:
        """Return a resource that has an id as it was sent."""
        return self._raw[f"{one.resource_type}/{one.id}"]

    def get(self, reference: Reference | None) -> fhir.Resource | None:
        """Return what a reference names."""
        if reference is None or not reference.reference:
            return None
        return self._known.get("/".join(reference.reference.split("/_history/")[0].rsplit("/", 2)[-2:]))

    def of(self, kind: type[fhir.Resource]) -> list[fhir.Resource]:
        """Return all of a kind."""
        return [one for one in self._all if isinstance(one, kind)]


def orders(found: Iterable[tuple[msgspec.Raw, fhir.Resource]], record: Record, words: Vocabulary) -> Iterator[Order]:
    """Yield the orders of facet procedures; what is cancelled or must not be done is none."""
    for raw, one in found:
        if isinstance(one, fhir.ServiceRequest):
            yield from _ordered(raw, one, record, words, draft=True)
        elif isinstance(one, fhir.Appointment):
            yield from _booked(raw, one, record, words)


def _ordered(
    raw: msgspec.Raw, one: fhir.ServiceRequest, record: Record, words: Vocabulary, *, draft: bool
) -> Iterator[Order]:
    if one.do_not_perform or one.status in ("revoked", "completed", "entered-in-error"):
        return
    said = words.said(one.code, (*one.order_detail, *one.body_site))
    if said is None:
        return
    period = one.occurrence_period.start if one.occurrence_period else ""
    value = one.quantity_quantity.value if one.quantity_quantity else None
    state, setting, place = _where(one.location_reference, one.location_code, record, words)
    yield Order(
        said=said,
        day=day_of(one.occurrence_date_time or period),
        units=int(value) if value is not None and 1 <= value <= 99 else 0,
        state=state,
        setting=setting,
        place=place,
        diagnoses=_diagnoses(one.reason_code, one.reason_reference, record),
        resource_type=one.resource_type,
        id=one.id,
        draft=draft,
        insurance=tuple(_id(reference) for reference in one.insurance),
        raw=bytes(raw),
    )


def _booked(raw: msgspec.Raw, one: fhir.Appointment, record: Record, words: Vocabulary) -> Iterator[Order]:
    """Yield what is booked: by its own service types, else by the orders that it is based on."""
    if one.status in ("cancelled", "entered-in-error", "noshow", "fulfilled"):
        return
    day = day_of(one.start or next((period.start for period in one.requested_period), ""))
    actors = tuple(who.actor for who in one.participant if who.actor is not None)
    places = tuple(actor for actor in actors if isinstance(record.get(actor), fhir.Location))
    state, setting, place = _where(places, (), record, words)
    based = [found for reference in one.based_on if isinstance(found := record.get(reference), fhir.ServiceRequest)]
    for order in based:
        for inner in _ordered(record.raw(order), order, record, words, draft=False):
            yield replace(inner, day=day or inner.day, state=state or inner.state, setting=setting or inner.setting)
    if based:
        return
    for concept in one.service_type:
        said = words.said(concept)
        if said is not None:
            yield Order(
                said=said,
                day=day,
                units=0,
                state=state,
                setting=setting,
                place=place,
                diagnoses=_diagnoses(one.reason_code, one.reason_reference, record),
                resource_type=one.resource_type,
                id=one.id,
                draft=False,
                raw=bytes(raw),
            )


def _where(
    references: Iterable[Reference], codes: Iterable[Concept], record: Record, words: Vocabulary
) -> tuple[str, str, str]:
    """Return state, setting and place of service; of a request without a reference, those of the only place it holds."""
    places = [found for one in references if isinstance(found := record.get(one), fhir.Location)]
    if not places:
        held = record.of(fhir.Location)
        places = [one for one in held if isinstance(one, fhir.Location)] if len(held) == 1 else []
    types = [*codes, *(concept for one in places for concept in one.type)]
    place = next((code for one in types for code in one.codes(PLACE_SYSTEM) if code in words.places), "")
    states = (one.address.state.strip().upper() for one in places if one.address is not None)
    state = next((one for one in states if re.fullmatch(r"[A-Z]{2}", one)), "")
    return state, words.places.get(place, ""), place


def _diagnoses(codes: Iterable[Concept], references: Iterable[Reference], record: Record) -> tuple[str, ...]:
    """Return the reasons of an order, else the patient's conditions, as ICD-10 codes without the dot."""
    named = [found for one in references if isinstance(found := record.get(one), fhir.Condition)]
    own = [*codes, *(one.code for one in named if one.code is not None)]
    held = own or [one.code for one in record.of(fhir.Condition) if isinstance(one, fhir.Condition) and one.code]
    written = (code.replace(".", "").upper() for concept in held for code in concept.codes(*DIAGNOSIS_SYSTEMS))
    return tuple(dict.fromkeys(code for code in written if re.fullmatch(r"[A-Z0-9]{3,7}", code)))


def _id(reference: Reference) -> str:
    return reference.reference.split("/_history/")[0].rsplit("/", 1)[-1]


def earlier(record: Record, words: Vocabulary, until: date) -> list[Earlier]:
    """Return the facet procedures that were completed up to a day."""
    found = []
    for one in record.of(fhir.Procedure):
        assert isinstance(one, fhir.Procedure)
        if one.status != "completed":
            continue
        start = one.performed_period.start if one.performed_period else ""
        day = day_of(one.performed_date_time or start)
        said = words.said(one.code, (*one.body_site, *((one.category,) if one.category else ())))
        if said is not None and day is not None and day <= until:
            found.append(Earlier(said, day))
    return found


def insurer(record: Record, payers: Payers, vendors: frozenset[str], order: Order, day: date) -> Insurer | None:
    """Return the coverage that an order names, else the first active one by its order; None where there is none."""
    held = [one for one in record.of(fhir.Coverage) if isinstance(one, fhir.Coverage) and _holds_on(one, day)]
    named = [one for one in held if one.id and one.id in order.insurance]
    ranked = sorted(named or held, key=lambda one: one.order or 10**6)
    if not ranked:
        return None
    first = ranked[0]
    names = []
    for reference in first.payor:
        who = record.get(reference)
        if isinstance(who, fhir.Organization):
            names += [who.name, *who.alias]
        names.append(reference.display)
    names += [one.name for one in first.class_]
    if first.type is not None:
        names.append(first.type.text)
    resolved = (payers.resolve(name, None) for name in names if name.strip())
    payer = next((one for one in resolved if one and one not in vendors), "")
    return Insurer(first.id, payer, len(ranked) - 1)


def _holds_on(one: fhir.Coverage, day: date) -> bool:
    start, end = (day_of(one.period.start), day_of(one.period.end)) if one.period else (None, None)
    ended = (end is not None and end < day) or (start is not None and start > day)
    return one.status in ("", "active") and not ended
