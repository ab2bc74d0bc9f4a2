"""The parts of a hook request and of FHIR R4 resources that are read, as msgspec decodes them; the rest is passed over.

Names, birth dates, numbers and addresses of patients are not among them. Sources: docs/cds-hooks.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from facetwise.claims.fhir_shapes import Concept, Period, Reference

_COUNTED = 2_000


class Words(Concept, frozen=True):
    """A concept with the words that stand beside its codes."""

    text: str = ""


class Amount(msgspec.Struct, frozen=True):
    """A number of something."""

    value: float | None = None


class Resource(msgspec.Struct, frozen=True, rename="camel"):
    """What every resource has."""

    resource_type: str = ""
    id: str = ""


class ServiceRequest(Resource, frozen=True, rename="camel"):
    """An order."""

    status: str = ""
    do_not_perform: bool = False
    code: Words | None = None
    order_detail: tuple[Words, ...] = ()
    quantity_quantity: Amount | None = None
    occurrence_date_time: str = ""
    occurrence_period: Period | None = None
    location_code: tuple[Concept, ...] = ()
    location_reference: tuple[Reference, ...] = ()
    reason_code: tuple[Concept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    insurance: tuple[Reference, ...] = ()
    body_site: tuple[Words, ...] = ()


class Participant(msgspec.Struct, frozen=True):
    """Who or what takes part in an appointment; of interest is the place."""

    actor: Reference | None = None


class Appointment(Resource, frozen=True, rename="camel"):
    """A booking."""

    status: str = ""
    service_type: tuple[Words, ...] = ()
    reason_code: tuple[Concept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    based_on: tuple[Reference, ...] = ()
    start: str = ""
    requested_period: tuple[Period, ...] = ()
    participant: tuple[Participant, ...] = ()


class Until(msgspec.Struct, frozen=True):
    """A span of time."""

    start: str = ""
    end: str = ""


class CoverageClass(msgspec.Struct, frozen=True):
    """A group or plan that the coverage belongs to."""

    name: str = ""


class Coverage(Resource, frozen=True, rename="camel"):
    """An insurance."""

    status: str = ""
    type: Words | None = None
    payor: tuple[Reference, ...] = ()
    period: Until | None = None
    order: int = 0
    class_: tuple[CoverageClass, ...] = msgspec.field(default=(), name="class")


class Organization(Resource, frozen=True, rename="camel"):
    """Who pays."""

    name: str = ""
    alias: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Of an address only the state."""

    state: str = ""


class Location(Resource, frozen=True, rename="camel"):
    """Where it is done."""

    type: tuple[Concept, ...] = ()
    address: Place | None = None


class Procedure(Resource, frozen=True, rename="camel"):
    """What was done before."""

    status: str = ""
    code: Words | None = None
    performed_date_time: str = ""
    performed_period: Period | None = None
    body_site: tuple[Words, ...] = ()
    category: Words | None = None


class Condition(Resource, frozen=True, rename="camel"):
    """What the patient has."""

    code: Concept | None = None


class Entry(msgspec.Struct, frozen=True):
    """An entry of a Bundle."""

    resource: msgspec.Raw = msgspec.Raw(b"")


class Bundle(msgspec.Struct, frozen=True, rename="camel"):
    """A Bundle, or a resource by itself (told by its resourceType)."""

    resource_type: str = ""
    entry: tuple[Entry, ...] = ()


class Extension(msgspec.Struct, frozen=True):
    """The extensions of a request; of the guide's, what its client has configured."""

    configuration: dict[str, Any] = msgspec.field(default_factory=dict, name="davinci-crd.configuration")


class Hook(msgspec.Struct, frozen=True, rename="camel"):
    """A call of a service. The server of the client and its token are not looked at."""

    hook: str
    hook_instance: str
    context: dict[str, msgspec.Raw]
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: Extension | None = None


KINDS: dict[str, type[Resource]] = {
    "ServiceRequest": ServiceRequest,
    "Appointment": Appointment,
    "Coverage": Coverage,
    "Organization": Organization,
    "Location": Location,
    "Procedure": Procedure,
    "Condition": Condition,
}


class TooManyError(Exception):
    """More resources than one request may hold."""


def resources(raw: msgspec.Raw) -> Iterator[tuple[msgspec.Raw, Resource]]:
    """Yield the resources of a Bundle, or the one that it is, as they were sent and as they are read; others are passed over.

    Raises msgspec.DecodeError with a path, never a value, and TooManyError.
    """
    if bytes(raw).strip() in (b"", b"null"):
        return
    top = msgspec.json.decode(raw, type=Bundle)
    found = [entry.resource for entry in top.entry] if top.resource_type == "Bundle" else [raw]
    if len(found) > _COUNTED:
        raise TooManyError
    for number, one in enumerate(found):
        if not bytes(one):
            continue
        try:
            kind = KINDS.get(msgspec.json.decode(one, type=Resource).resource_type)
            if kind is not None:
                yield one, msgspec.json.decode(one, type=kind)
        except msgspec.ValidationError as error:
            raise below(f"entry[{number}].resource" if top.resource_type == "Bundle" else "", error) from None


def below(where: str, error: msgspec.ValidationError) -> msgspec.ValidationError:
    """Return an error of a part as one of the whole, in which the part stands at `where`."""
    told, _, path = str(error).partition(" - at `$")
    inner = path.rstrip("`")
    return msgspec.ValidationError(f"{told} - at `${'.' if where else ''}{where}{inner}`")
