"""The services, as discovery tells them, and their addresses."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.claims.payer import Payers
from facetwise.problems import did_you_mean
from facetwise.web import reply
from facetwise.web.api.operation import JSON
from facetwise.web.cds import assertion, fhir
from facetwise.web.cds.cards import COVERAGE, LIMITS, Answer, Card, Link, Teller, plain_card
from facetwise.web.cds.judged import Lines, Session, judge, sessions
from facetwise.web.cds.orders import Record, Vocabulary, earlier, insurer, orders
from facetwise.web.desk import Desk
from facetwise.web.trouble import RequestError, refused

BASE = "/cds-services"
ASSERTION, MOST_CARDS = "coverage-assertion", "max-cards"
_VERSION = "2.2"
# Where a hook carries what is ordered or booked.
HOOKS = {"order-sign": "draftOrders", "appointment-book": "appointments"}
_TITLES = {
    "order-sign": "What payers want for facet joint procedures, at the order",
    "appointment-book": "What payers want for facet joint procedures, at the booking",
}
_DESCRIPTION = (
    "Coverage and documentation of facet joint procedures by the published rules of the patient's payer: criteria and missing "
    "records, limits, codes that are not covered, prior authorization, each with its sources. Orders of anything else get no card."
)
_PATIENT = "patient={{context.patientId}}"
_SHARED_PREFETCH = {
    "coverage": f"Coverage?{_PATIENT}&status=active",
    "payers": "Organization?_id={{%coverage.entry.resource.payor.resolve().ofType(Organization).id}}",
    "procedures": f"Procedure?{_PATIENT}&status=completed",
    "conditions": f"Condition?{_PATIENT}&clinical-status=active",
}
_PREFETCH = {
    "order-sign": {
        **_SHARED_PREFETCH,
        "locations": "Location?_id={{context.draftOrders.entry.resource.locationReference.resolve().id}}",
    },
    "appointment-book": {
        **_SHARED_PREFETCH,
        "serviceRequests": "ServiceRequest?_id={{context.appointments.entry.resource.basedOn.resolve()"
        ".ofType(ServiceRequest).id}}",
        "locations": "Location?_id={{context.appointments.entry.resource.participant.actor.resolve().ofType(Location).id"
        "|%serviceRequests.entry.resource.locationReference.resolve().ofType(Location).id}}",
    },
}
OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "code": COVERAGE,
        "type": "boolean",
        "name": "Coverage and documentation",
        "description": "A card with criteria, missing records, codes and prior authorization.",
        "default": True,
    },
    {
        "code": LIMITS,
        "type": "boolean",
        "name": "Limits",
        "description": "A card where a limit over time is used up, with the next day that fits.",
        "default": True,
    },
    {
        "code": MOST_CARDS,
        "type": "integer",
        "name": "Maximum cards",
        "description": "How many cards are returned at most; those that warn come first.",
        "default": 10,
    },
    {
        "code": ASSERTION,
        "type": "boolean",
        "name": "Coverage information in the order",
        "description": "Also write the reading into the order as the coverage-information extension. Facetwise is no payer: "
        "set this only where that is understood.",
        "default": False,
    },
)


def discovery() -> dict[str, Any]:
    """Return the discovery document."""
    return {
        "services": [
            {
                "hook": hook,
                "id": service_id(hook),
                "title": _TITLES[hook],
                "description": _DESCRIPTION,
                "prefetch": _PREFETCH[hook],
                "extension": {"davinci-crd.version": [_VERSION], "davinci-crd.configuration-options": list(OPTIONS)},
            }
            for hook in HOOKS
        ]
    }


def service_id(hook: str) -> str:
    """Return the id of the service for a hook."""
    return f"facetwise-{hook}"


class Services:
    """Answers hooks from one desk. Nothing of a request is kept, logged or repeated in an error."""

    def __init__(self, desk: Desk, most: int):
        self._desk = desk
        self._most = most
        self._lines = Lines(desk)
        self._payers = Payers(desk.knowledge.store)
        self._discovery = msgspec.json.encode(discovery())

    def routes(self) -> list[Route]:
        """Return the routes of discovery and of each service."""
        found = [Route(BASE, self._discover, methods=["GET"])]
        for hook in HOOKS:
            found.append(Route(f"{BASE}/{service_id(hook)}", self._endpoint(hook), methods=["POST"]))
        return found

    async def _discover(self, request: Request) -> Response:
        reply.accepted(request, (JSON,))
        return Response(self._discovery, media_type=JSON)

    def _endpoint(self, hook: str) -> Any:
        async def called(request: Request) -> Response:
            reply.accepted(request, (JSON,))
            media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media != JSON:
                raise refused("wrong-type", "a body of another type", f"Content-Type: {JSON}")
            body = await request.body()
            base = str(request.base_url).rstrip("/")
            return reply.once(await asyncio.to_thread(self.answer, hook, body, base), JSON)

        return called

    def answer(self, hook: str, body: bytes, base: str) -> bytes:
        """Return the answer to one call as JSON. Raises RequestError, which names places and types and no value."""
        try:
            asked = msgspec.json.decode(body, type=fhir.Hook)
            _check(asked, hook)
            context = _within(f"context.{HOOKS[hook]}", _at(asked.context, HOOKS[hook], "context"))
            # What the context holds beside the orders may be referred to as well.
            held = list(context)
            for name in _PREFETCH[hook]:
                if asked.prefetch and name in asked.prefetch:
                    held += _within(f"prefetch.{name}", asked.prefetch[name])
            return self._answered(asked, context, Record(held), base).json()
        except fhir.TooManyError:
            raise refused(
                "wrong-input", "more resources than one call may hold", "fewer orders or procedures"
            ) from None
        except msgspec.ValidationError as error:
            raise _wrong(error) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise refused("not-readable", "the body is not JSON", f"one JSON document as {JSON}") from None

    def _answered(
        self, asked: fhir.Hook, context: list[tuple[msgspec.Raw, fhir.Resource]], record: Record, base: str
    ) -> Answer:
        desk = self._desk
        words = Vocabulary(desk.knowledge.as_of(desk.today()))
        ordered = list(orders(context, record, words))
        if not ordered:
            return Answer([])
        if len(ordered) > self._most:
            raise refused("wrong-input", f"{len(ordered)} orders of facet procedures", f"at most {self._most}")
        if asked.prefetch is None or "coverage" not in asked.prefetch:
            raise refused(
                "prefetch-missing",
                "the request holds no prefetch of the key coverage",
                "what discovery lists under prefetch; null where the record holds none",
                "no FHIR server is called from here: let the client prefetch",
            )
        chosen = _chosen(asked)
        cards: list[Card] = []
        actions = []
        history = earlier(record, words, desk.knowledge.store.horizon.until)
        for session in sessions(ordered, history, desk):
            made, changed = self._session(session, record, base, chosen)
            cards += made
            actions += changed
        cards.sort(key=lambda card: card.indicator != "warning")
        return Answer(cards[: chosen[MOST_CARDS]], actions)

    def _session(
        self, session: Session, record: Record, base: str, chosen: dict[str, Any]
    ) -> tuple[list[Card], list[Any]]:
        desk = self._desk
        horizon = desk.knowledge.store.horizon
        links = tuple(Link(f"Briefing on {code}", f"{base}/codes/{code}") for code in session.codes[:3])
        what = ", ".join(session.codes) or "the facet procedure"

        def plain(summary: str, detail: str) -> tuple[list[Card], list[Any]]:
            return ([plain_card("Facetwise", summary, detail, links)] if chosen[COVERAGE] else []), []

        if not horizon.from_ <= session.day <= horizon.until:
            return plain(
                f"{what}: the day lies outside the days that the knowledge answers for",
                f"It answers from {horizon.from_.isoformat()} to {horizon.until.isoformat()}.",
            )
        view = desk.knowledge.as_of(session.day)
        payers = view.payers()
        vendors = frozenset(key for key, one in payers.items() if one.role == "vendor")
        who = insurer(record, self._payers, vendors, session.orders[0], session.day)
        if who is None:
            return plain(f"{what}: no active coverage was sent", "Without a coverage no payer's rules can be told.")
        if who.payer not in payers:
            return plain(
                f"{what}: the rules of this payer are not in the knowledge",
                "The names of the payer were compared with the titles and ids of the payers that are known.",
            )
        known = {state for _, one in view.of_kind("jurisdiction") for state in getattr(one.value, "states", ())}
        if session.state not in known:
            session = _without_state(session)
        cases, answer = judge(session, who.payer, desk)
        findings = self._lines.findings(session, who)
        teller = Teller(view, session, cases, answer, findings, base)
        asserted = assertion.actions(session.orders, answer, who, desk.today()) if chosen[ASSERTION] else []
        cards = [
            teller.coverage(asserted=bool(asserted)) if chosen[COVERAGE] else None,
            teller.limits() if chosen[LIMITS] else None,
        ]
        return [card for card in cards if card is not None], asserted


def _without_state(session: Session) -> Session:
    return replace(session, state="", orders=tuple(replace(one, state="") for one in session.orders))


def _check(asked: fhir.Hook, hook: str) -> None:
    if asked.hook != hook:
        raise refused(
            "wrong-input", "hook: another hook than that of this service", hook, did_you_mean(asked.hook, HOOKS)
        )
    try:
        uuid.UUID(asked.hook_instance)
    except ValueError:
        raise refused("wrong-input", "hookInstance: this is no UUID", "a UUID for each call") from None
    for name in ("userId", "patientId"):
        if not isinstance(msgspec.json.decode(_at(asked.context, name, "context")), str):
            raise refused("wrong-input", f"context.{name}: this is no text", "an id")


def _at(given: dict[str, msgspec.Raw], name: str, where: str) -> msgspec.Raw:
    if name not in given:
        raise refused("wrong-input", f"{where}.{name} is missing", f"what the hook says of {name}")
    return given[name]


def _within(where: str, raw: msgspec.Raw) -> list[tuple[msgspec.Raw, fhir.Resource]]:
    try:
        return list(fhir.resources(raw))
    except msgspec.ValidationError as error:
        raise fhir.below(where, error) from None


def _wrong(error: msgspec.ValidationError) -> RequestError:
    """Return the error for a part of another type; msgspec names types and the keys of our own shapes, never a value."""
    told, _, path = str(error).rpartition(" - at `$")
    told, place = (told, path.rstrip("`").lstrip(".")) if told else (str(error), "")
    expected = "a hook request of CDS Hooks 2.0 with resources of FHIR R4"
    if told.startswith("Expected `"):
        expected, _, got = told.partition(", got ")
        expected, told = expected.removeprefix("Expected ").strip("`"), f"this is {got.strip('`')}"
    return refused("wrong-input", f"{place}: {told}" if place else told, expected)


def _chosen(asked: fhir.Hook) -> dict[str, Any]:
    """Return the options as they are set; what is not known, or of another type, is as if it were not sent."""
    given = asked.extension.configuration if asked.extension else {}
    found = {one["code"]: one["default"] for one in OPTIONS}
    for one in OPTIONS:
        value = given.get(one["code"])
        if type(value) is (bool if one["type"] == "boolean" else int):
            found[one["code"]] = value
    found[MOST_CARDS] = max(0, found[MOST_CARDS])
    return found
