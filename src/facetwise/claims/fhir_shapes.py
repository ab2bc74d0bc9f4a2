"""The parts of FHIR R4 that are read, as msgspec decodes them; unknown parts are passed over, and so are names and addresses.

Numbers stay as they are written (`Raw`), so that no amount becomes a float.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Coding(msgspec.Struct, frozen=True):
    """A code in a code system."""

    system: str = ""
    code: str = ""


class Concept(msgspec.Struct, frozen=True):
    """A concept in one or more code systems."""

    coding: tuple[Coding, ...] = ()

    def codes(self, *systems: str) -> list[str]:
        """Return the codes of these systems; of all where none is named."""
        return [coding.code.strip() for coding in self.coding if not systems or coding.system.rstrip("/") in systems]


class Identifier(msgspec.Struct, frozen=True):
    """A business identifier."""

    system: str = ""
    value: str = ""


class Reference(msgspec.Struct, frozen=True):
    """A link to another resource."""

    reference: str = ""
    identifier: Identifier | None = None
    display: str = ""


class Address(msgspec.Struct, frozen=True):
    """Of an address only the state."""

    state: str = ""


class Quantity(msgspec.Struct, frozen=True):
    """An amount of something."""

    value: msgspec.Raw = msgspec.Raw(b"")
    unit: str = ""
    code: str = ""


class Money(msgspec.Struct, frozen=True):
    """An amount of money."""

    value: msgspec.Raw = msgspec.Raw(b"")
    currency: str = ""


class Period(msgspec.Struct, frozen=True):
    """A time; only its beginning."""

    start: str = ""


class CareTeam(msgspec.Struct, frozen=True):
    """A provider who took part."""

    sequence: int = 0
    provider: Reference | None = None
    responsible: bool = False
    role: Concept | None = None


class Diagnosis(msgspec.Struct, frozen=True, rename="camel"):
    """A diagnosis of the claim."""

    sequence: int = 0
    diagnosis_codeable_concept: Concept | None = None
    diagnosis_reference: Reference | None = None


class Insurance(msgspec.Struct, frozen=True, rename="camel"):
    """A coverage that the claim is for."""

    focal: bool = False
    coverage: Reference | None = None
    pre_auth_ref: tuple[str, ...] = ()


class SupportingInfo(msgspec.Struct, frozen=True):
    """Anything else said of the claim; the type of bill stands here."""

    category: Concept | None = None
    code: Concept | None = None


class ClaimItem(msgspec.Struct, frozen=True, rename="camel"):
    """A service line."""

    sequence: int = 0
    care_team_sequence: tuple[int, ...] = ()
    diagnosis_sequence: tuple[int, ...] = ()
    revenue: Concept | None = None
    product_or_service: Concept | None = None
    modifier: tuple[Concept, ...] = ()
    serviced_date: str = ""
    serviced_period: Period | None = None
    location_codeable_concept: Concept | None = None
    location_address: Address | None = None
    location_reference: Reference | None = None
    quantity: Quantity | None = None
    unit_price: Money | None = None
    net: Money | None = None
    # Not read, only counted.
    detail: tuple[msgspec.Raw, ...] = ()


class Claim(msgspec.Struct, frozen=True, rename="camel"):
    """A claim. Its lines and what it contains are decoded one by one, so that one that is damaged harms no other."""

    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    type: Concept | None = None
    status: str = ""
    use: str = ""
    patient: Reference | None = None
    billable_period: Period | None = None
    insurer: Reference | None = None
    provider: Reference | None = None
    facility: Reference | None = None
    care_team: tuple[CareTeam, ...] = ()
    supporting_info: tuple[SupportingInfo, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    insurance: tuple[Insurance, ...] = ()
    item: tuple[msgspec.Raw, ...] = ()
    contained: tuple[msgspec.Raw, ...] = ()


class Party(msgspec.Struct, frozen=True, rename="camel"):
    """What a claim refers to: an organization, a practitioner, a place, a condition, a patient's identifier."""

    resource_type: str = ""
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    # An organization's or a place's name is text, a person's is an object, which is not looked at.
    name: Any = None
    # Addresses are an array, of a place one object.
    address: tuple[Address, ...] | Address | None = None
    code: Concept | None = None
    practitioner: Reference | None = None


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of a Bundle, or a resource by itself (told by its resourceType)."""

    resource_type: str = ""
    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")
