"""Reads FHIR R4 claims: a Claim by itself, a Bundle, an array, or NDJSON, as a stream. What is read from where: docs/claims.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import msgspec
import pyarrow as pa

from facetwise.claims import fields
from facetwise.claims.batches import BATCH_LINES, Batch, ClaimRow
from facetwise.claims.columns import CLAIM_TYPES, DIAGNOSES, MODIFIERS, POINTERS, PROFESSIONAL
from facetwise.claims.fhir_items import Item, items
from facetwise.claims.fhir_parties import Parties
from facetwise.claims.fhir_shapes import Claim, ClaimItem, Concept, Entry, Insurance, Reference
from facetwise.claims.rejected import ITEM, LINE_REASONS, Counts, Quarantine, Rejected, fault, late_reason, reason_of

PROCEDURE_SYSTEMS = (
    "http://www.ama-assn.org/go/cpt",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "urn:oid:2.16.840.1.113883.6.12",
    "urn:oid:2.16.840.1.113883.6.285",
)
_DETAILS = "what a line is made of (detail) is not read; a service that is billed is an item of its own"
# Claims of a Bundle wait for what they refer to if it has not come yet, but not more of them than this.
_WAITING_MOST = 10_000
_PATHS = {
    "line-number": "sequence",
    "date": "servicedDate",
    "date-late": "servicedDate",
    "no-code": "productOrService",
    "code": "productOrService",
    "units": "quantity",
    "units-range": "quantity",
    "charge": "net",
    "charge-range": "net",
}


def read_fhir(
    read: Callable[[int], bytes], file: int, last_day: date, quarantine: Quarantine, counts: Counts
) -> Iterator[pa.RecordBatch]:
    """Give the claims of one FHIR file, opened as `read`, as record batches of the claim-line table.

    `file` is its index. What cannot be read goes to `quarantine`; `counts` keeps step with what was given.
    """
    claims = Claims(file, last_day, quarantine, counts)
    for item in items(read):
        claims.take(item)
        if len(claims.batch) >= BATCH_LINES:
            yield claims.flush()
    claims.let_go()
    if len(claims.batch):
        yield claims.flush()


class Claims:
    """Turns resources into rows of a batch."""

    def __init__(self, file: int, last_day: date, quarantine: Quarantine, counts: Counts) -> None:
        self.batch = Batch(file)
        self._file = file
        self._quarantine = quarantine
        self._counts = counts
        self._reasons = {**LINE_REASONS, "date-late": late_reason(last_day)}
        self._days = fields.Kept(fields.Days(last_day).iso)
        self._parties = Parties()
        self._waiting: list[tuple[int, Claim]] = []
        self._entry = msgspec.json.Decoder(Entry)
        self._claim = msgspec.json.Decoder(Claim)
        self._line = msgspec.json.Decoder(ClaimItem)

    def flush(self) -> pa.RecordBatch:
        """Return the batch so far."""
        batch = self.batch.take()
        self.batch.forget()
        return batch

    def take(self, item: Item) -> None:
        """Take a resource or an entry of a Bundle."""
        if item.fault:
            self._reject(item.number, None, None, 0, item.fault)
            return
        try:
            entry = self._entry.decode(item.json)
            raw = bytes(entry.resource) or item.json
            kind = self._entry.decode(raw).resource_type
        except msgspec.DecodeError:
            self._reject(item.number, None, None, _item_count(item.json), "it is no JSON of a FHIR resource")
            return
        if kind != "Claim":
            if not self._parties.add(kind, entry.full_url, raw):
                self._reject(item.number, None, None, 0, "the resource is no Claim")
            return
        try:
            claim = self._claim.decode(raw)
        except msgspec.DecodeError as error:
            # msgspec names the type that was found and the path, never a value.
            self._reject(item.number, _path(error), None, _item_count(raw), "the claim is not as FHIR R4 says")
            return
        if self._waiting or (entry.full_url and not self._parties.know(claim)):
            self._waiting.append((item.number, claim))
            if len(self._waiting) >= _WAITING_MOST:
                self.let_go()
        else:
            self._put(item.number, claim)

    def let_go(self) -> None:
        """Put the claims that waited for what they refer to."""
        for number, claim in self._waiting:
            self._put(number, claim)
        self._waiting.clear()

    def _reject(self, number: int, path: str | None, claim_id: str | None, lines: int, reason: str) -> None:
        self._quarantine.add(Rejected(self._file, number, ITEM, path, claim_id, lines, reason))

    def _put(self, number: int, claim: Claim) -> None:
        claim_id = next((one.value.strip() for one in claim.identifier if one.value.strip()), claim.id.strip())
        claim_type = next((code for code in (claim.type.codes() if claim.type else ()) if code in CLAIM_TYPES), "")
        refusal = _refusal(claim, claim_id, claim_type)
        if refusal:
            self._reject(number, refusal[0], claim_id or None, len(claim.item), refusal[1])
            return
        parties = self._parties.of(claim)
        dx = _diagnoses(claim, parties)
        order = {sequence: place for place, (sequence, _) in enumerate(dx, 1)}
        rendering = {one.sequence: parties.npi(one.provider) for one in claim.care_team}
        lead = _lead(claim)
        common = {
            "day": claim.billable_period.start if claim.billable_period else "",
            "state": parties.state(claim.facility) or parties.state(claim.provider),
            "rendering": parties.npi(lead) if lead else None,
        }
        authorization = next((ref.strip() for one in _focal(claim) for ref in one.pre_auth_ref if ref.strip()), None)
        mark = len(self.batch.lines)
        kept = 0
        for index, raw in enumerate(claim.item):
            try:
                line = self._line.decode(raw)
            except msgspec.DecodeError as error:
                path = f"item[{index}]{_path(error)}"
                self._reject(number, path, claim_id, 1, "the line is not as FHIR R4 says")
                continue
            if line.detail:
                self._reject(number, f"item[{index}].detail", claim_id, len(line.detail), _DETAILS)
            who = next((rendering[one] for one in line.care_team_sequence if rendering.get(one)), common["rendering"])
            where = line.location_address.state.strip().upper() if line.location_address else ""
            state = where or parties.state(line.location_reference) or common["state"]
            values = self._values(line, claim_type, common["day"] or "", order)
            if min(values) < 0:
                name = reason_of(*values)
                path = f"item[{index}].{_PATHS.get(name, '')}".rstrip(".")
                self._reject(number, path, claim_id, 1, self._reasons[name])
                continue
            kept += 1
            sequence, day, procedure, units, charge, pointer = values
            pos = next(iter(line.location_codeable_concept.codes()), "") if line.location_codeable_concept else ""
            unit = (line.quantity.code or line.quantity.unit).strip().upper() if line.quantity else ""
            self.batch.lines += (
                *(self.batch.claim_count, sequence, day, procedure, units, charge),
                *(_bytes({"MIN": "MJ"}.get(unit, unit if unit in ("UN", "MJ", "DA") else "")), _bytes(who), pointer),
                *(_bytes(pos), _bytes(state), _bytes(authorization), None, None, number),
            )
        if not kept:
            del self.batch.lines[mark:]
            return
        self.batch.add(
            ClaimRow(
                claim_id=claim_id.encode(),
                claim_type=claim_type.encode(),
                person_id=_bytes(parties.person(claim.patient)),
                payer=_bytes(_payer(claim, parties)),
                bill_type=_bytes(_bill_type(claim)),
                billing_npi=_bytes(parties.npi(claim.provider)),
                diagnoses=tuple(code for _, code in dx),
                filing_indicator=None,
            )
        )
        self._counts.claims = (self._counts.claims or 0) + 1
        self._counts.lines += kept

    def _values(
        self, line: ClaimItem, claim_type: str, period: str, order: dict[int, int]
    ) -> tuple[int, int, int, int, int, int]:
        """Return sequence, day, procedure, units, charge and pointers of a line; a negative one is a fault."""
        day = line.serviced_date or (line.serviced_period.start if line.serviced_period else "") or period
        units = fields.units(bytes(line.quantity.value)) if line.quantity else fault("units")
        charge = fields.NO_CHARGE
        if line.net:
            charge = fields.charge(bytes(line.net.value))
        elif line.unit_price and units > 0:
            price = fields.charge(bytes(line.unit_price.value))
            # Cents times thousandths of a unit; half a cent goes up.
            charge = price if price < 0 or price == fields.NO_CHARGE else (price * units + 500) // 1000
            charge = charge if charge <= fields.CHARGE_MOST or charge == fields.NO_CHARGE else fault("charge-range")
        found = [order[one] for one in line.diagnosis_sequence if one in order]
        if len(found) < len(line.diagnosis_sequence):
            pointer = fault("pointer")
        else:
            # A line has four pointers; one that points to more points to all of the claim's.
            pointer = self.batch.pointers.number(*found) if len(found) <= POINTERS else 0
        return (
            line.sequence if 0 < line.sequence < 10**9 else fault("line-number"),
            self._days[day.encode()],
            self._procedure(line, claim_type),
            units,
            charge,
            pointer,
        )

    def _procedure(self, line: ClaimItem, claim_type: str) -> int:
        codes = line.product_or_service.codes(*PROCEDURE_SYSTEMS) if line.product_or_service else []
        if not codes:
            return fault("no-code") if claim_type == PROFESSIONAL else 0
        code = fields.code(codes[0].encode())
        if code is None:
            return fault("code")
        modifiers = [one for concept in line.modifier for one in concept.codes()[:1] if one]
        return self.batch.procedures.number(code, *(one.upper().encode() for one in modifiers[:MODIFIERS]))


def _refusal(claim: Claim, claim_id: str, claim_type: str) -> tuple[str, str] | None:
    """Return the path and the reason for which no line of a claim is read."""
    if not claim_id:
        return "identifier", LINE_REASONS["no-claim-id"]
    if not claim_type:
        return "type", LINE_REASONS["claim-type"]
    if claim.use and claim.use != "claim":
        return "use", "a preauthorization or predetermination is no claim"
    if claim.status in ("cancelled", "entered-in-error"):
        return "status", "the claim is cancelled or entered in error"
    if not claim.item:
        return "item", "the claim has no service line"
    if len(claim.diagnosis) > DIAGNOSES:
        return "diagnosis", "the claim has more than 25 diagnoses"
    return None


def _diagnoses(claim: Claim, parties: Parties) -> list[tuple[int, bytes]]:
    """Return the sequence and the code of each diagnosis, in the order of the sequences."""
    found = []
    for one in sorted(claim.diagnosis, key=lambda one: one.sequence):
        concept: Concept | None = one.diagnosis_codeable_concept or parties.condition(one.diagnosis_reference)
        code = next((code for code in (concept.codes() if concept else ()) if code), "")
        if code:
            found.append((one.sequence, fields.diagnosis(code.encode())))
    return found


def _lead(claim: Claim) -> Reference | None:
    """Return who rendered the claim's services: the care team's primary or rendering member, or its only one."""
    for one in claim.care_team:
        if one.responsible or (one.role and set(one.role.codes()) & {"primary", "rendering", "performing"}):
            return one.provider
    return claim.care_team[0].provider if len(claim.care_team) == 1 else None


def _focal(claim: Claim) -> list[Insurance]:
    return [one for one in claim.insurance if one.focal] or list(claim.insurance[:1])


def _payer(claim: Claim, parties: Parties) -> str | None:
    named = parties.title(claim.insurer)
    return named or next((title for one in _focal(claim) if (title := parties.title(one.coverage))), None)


def _bill_type(claim: Claim) -> str | None:
    for one in claim.supporting_info:
        if one.category and "typeofbill" in one.category.codes():
            return next((code for code in (one.code.codes() if one.code else ()) if code), None)
    return None


def _bytes(text: str | None) -> bytes | None:
    return text.encode("utf-8", "replace") or None if text else None


def _path(error: msgspec.DecodeError) -> str:
    _, _, path = str(error).partition("`$")
    return path.rstrip("`")


def _item_count(json: bytes) -> int:
    """Return how many lines a claim that cannot be read has, as far as that can be told."""
    try:
        claim = msgspec.json.decode(json, type=dict[str, msgspec.Raw])
        claim = msgspec.json.decode(claim["resource"], type=dict[str, msgspec.Raw]) if "resource" in claim else claim
        return len(msgspec.json.decode(claim.get("item", msgspec.Raw(b"[]")), type=list[msgspec.Raw]))
    except msgspec.DecodeError:
        return 0
