"""What FHIR claims refer to: providers and payers with their identifiers, places with their states, conditions."""

from __future__ import annotations

import msgspec

from facetwise.claims.fhir_shapes import Address, Claim, Concept, Party, Reference

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
_KINDS = ("Organization", "Practitioner", "PractitionerRole", "Location", "Condition", "Coverage", "Patient")
# What comes along in Bundles and is neither a claim nor referred to by one here.
_PASSED_OVER = (
    "Bundle",
    "Encounter",
    "Procedure",
    "Observation",
    "ExplanationOfBenefit",
    "CareTeam",
    "Device",
    "MessageHeader",
)
_KEPT = 200_000


class Parties:
    """Parties by their full address and by kind and id. Of a patient no more than the identifier is kept."""

    def __init__(self, known: dict[str, Party] | None = None) -> None:
        self._known: dict[str, Party] = known if known is not None else {}
        self._own: dict[str, Party] = {}
        self._decoder = msgspec.json.Decoder(Party)

    def add(self, kind: str, full_url: str, raw: bytes) -> bool:
        """Keep a resource that claims may refer to; return whether it is one that belongs beside claims."""
        if kind not in _KINDS:
            return kind in _PASSED_OVER
        party = self._decode(raw)
        if party is not None and len(self._known) < _KEPT:
            for key in (full_url, f"{kind}/{party.id}" if party.id else ""):
                if key:
                    self._known[key] = party
        return True

    def of(self, claim: Claim) -> Parties:
        """Return the parties as this claim sees them, with those that it contains."""
        if not claim.contained:
            return self
        seen = Parties(self._known)
        for raw in claim.contained:
            party = self._decode(bytes(raw))
            if party is not None and party.id:
                seen._own[f"#{party.id}"] = party
        return seen

    def know(self, claim: Claim) -> bool:
        """Whether all that is wanted of a claim's references is there already."""
        wanted = [claim.provider, claim.facility, claim.insurer, *(one.provider for one in claim.care_team)]
        wanted += [one.diagnosis_reference for one in claim.diagnosis]
        return all(one is None or one.identifier or not one.reference or self._find(one) for one in wanted)

    def npi(self, reference: Reference | None) -> str | None:
        """Return the NPI of a provider."""
        if reference is None:
            return None
        if reference.identifier is not None:
            one = reference.identifier
            return one.value.strip() or None if one.system in (NPI_SYSTEM, "") and _is_npi(one.value) else None
        party = self._find(reference)
        if party is None:
            return None
        found = next((one.value.strip() for one in party.identifier if one.system == NPI_SYSTEM), None)
        return found or (self.npi(party.practitioner) if party.practitioner else None)

    def state(self, reference: Reference | None) -> str | None:
        """Return the state of a place or an organization."""
        party = self._find(reference)
        if party is None or party.address is None:
            return None
        addresses = (party.address,) if isinstance(party.address, Address) else party.address
        states = (one.state.strip().upper() for one in addresses)
        return next((state for state in states if len(state) == 2 and state.isalpha()), None)

    def title(self, reference: Reference | None) -> str | None:
        """Return what a payer is called: its name, else what the reference shows, else its identifier."""
        if reference is None:
            return None
        party = self._find(reference)
        if (
            party is not None
            and party.resource_type == "Organization"
            and isinstance(party.name, str)
            and party.name.strip()
        ):
            return party.name.strip()
        return (
            reference.display.strip() or (reference.identifier.value.strip() if reference.identifier else None) or None
        )

    def condition(self, reference: Reference | None) -> Concept | None:
        """Return the code of a condition."""
        party = self._find(reference)
        return party.code if party is not None else None

    def person(self, reference: Reference | None) -> str | None:
        """Return the key of the patient: the identifier where it is given, else the id of the resource; never a name."""
        if reference is None:
            return None
        if reference.identifier is not None and reference.identifier.value.strip():
            return reference.identifier.value.strip()
        if reference.reference.startswith("#"):
            party = self._find(reference)
            return next((one.value.strip() for one in party.identifier if one.value), None) if party else None
        return reference.reference.rsplit("/", 1)[-1].removeprefix("urn:uuid:") or None

    def _find(self, reference: Reference | None) -> Party | None:
        if reference is None or not reference.reference:
            return None
        if reference.reference.startswith("#"):
            return self._own.get(reference.reference)
        found = self._known.get(reference.reference)
        return found or self._known.get("/".join(reference.reference.rsplit("/", 2)[-2:]))

    def _decode(self, raw: bytes) -> Party | None:
        try:
            return self._decoder.decode(raw)
        except msgspec.DecodeError:
            return None


def _is_npi(value: str) -> bool:
    return len(value.strip()) == 10 and value.strip().isdigit()
