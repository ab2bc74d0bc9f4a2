"""Pricing a claim: the sources and rules of its day, the lines, what Medicare and the patient pay, and the totals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from facetwise.findings import Finding
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Payer
from facetwise.payment.answer import Answer, Place, PricedLine, Release, Work, plain, told
from facetwise.payment.catalog_fees import Catalog, CatalogFees
from facetwise.payment.center import price_center
from facetwise.payment.fee_desk import FeeDesk
from facetwise.payment.money import in_dollars, to_cents
from facetwise.payment.outpatient import price_hospital
from facetwise.payment.professional import Schedule, price_professional
from facetwise.payment.request import CENTER, PROFESSIONAL, Request
from facetwise.payment.rules import RuleBook
from facetwise.payment.share import Share, shares
from facetwise.payment.sources import FeeSource, KnowledgeFees, Locality, Provenance

_QUALIFYING, _OTHERS = "qualifying_apm", "non_qualifying_apm"
_MEDICARE = ("program", "contractor")
_SEVERITIES = {"reject": 0, "deny": 1, "review": 2, "info": 3}


class Pricer:
    """Prices claims from the knowledge and, where there is one, the catalog; keeps what days have in common."""

    def __init__(self, knowledge: Knowledge, catalog: Catalog | None = None):
        self._knowledge = knowledge
        self._catalog = CatalogFees(catalog) if catalog is not None else None
        sources: list[FeeSource] = [KnowledgeFees(knowledge.store)]
        if self._catalog is not None:
            sources.insert(0, self._catalog)
        self._desk = FeeDesk(sources)
        self._books: dict[date, RuleBook] = {}

    def prefetch(self, requests: Iterable[Request]) -> None:
        """Read the fees of many claims in few queries; pricing them one by one then asks the catalog nothing more."""
        if self._catalog is None:
            return
        wanted: dict[tuple[date, str], set[str]] = {}
        for request in requests:
            if request.claim == PROFESSIONAL:
                codes = wanted.setdefault((request.day, _participation(request)), set())
                codes.update(line.code for line in request.lines)
        for (day, participation), codes in wanted.items():
            self._catalog.prefetch(codes, day, participation)

    def price(self, request: Request) -> Answer:
        """Return the priced claim.

        Raises FacetwiseError for a code or locality that does not exist, MissingFeesError (exit code 3) where neither
        the catalog nor the knowledge holds the release of the day.
        """
        book = self._books.get(request.day)
        if book is None:
            book = self._books[request.day] = RuleBook(self._knowledge.store, request.day)
        findings = self._about_payer(request)
        if not request.lines:
            findings.append(told("not-priced", "info", "There is no line to price."))
        codes = sorted({line.code for line in request.lines})
        locality: Locality | None = None
        factor = wage_index = None
        used: list[Provenance] = []
        if request.claim == PROFESSIONAL:
            participation = _participation(request)
            fees = self._desk.physician(codes, request.day, participation) if codes else {}
            locality = self._locality(request, findings)
            factor = self._desk.factor(request.day, participation)
            if factor.participation == _OTHERS and request.apm_participant is None:
                findings.append(_participation_open(factor.provenance.citations))
            site = book.site(request.setting)
            schedule = Schedule(
                book=book,
                fees=fees,
                factor=factor,
                locality=locality,
                site=site,
                cap=lambda fee: self._desk.cap(fee, locality, site, request.day),
                unit_limits=self._desk.unit_limits(codes, request.day),
            )
            works = price_professional(request, schedule, findings)
            used.append(factor.provenance)
            if locality and locality.provenance:
                used.append(locality.provenance)
        elif request.setting == CENTER:
            wage_index = self._desk.wage_index(request.cbsa, request.day) if request.cbsa else request.wage_index
            rates = self._desk.center(codes, request.day) if codes else {}
            if wage_index is None and any(rate.rate for rate in rates.values()):
                findings.append(_national_rate())
            works = price_center(request, book, rates, wage_index, findings)
        else:
            hospital = self._desk.hospital(codes, request.day) if codes else {}
            works = price_hospital(request, book, hospital, findings)
            if any(work.allowed for work in works) and not any(work.copayment for work in works):
                findings.append(_copayment_open())
        used += [work.provenance for work in works if work.provenance]
        share = shares(works, request.deductible, book)
        limiting = _limiting(works, book) if request.claim == PROFESSIONAL else {}
        return Answer(
            knowledge=self._knowledge.digest,
            payer=request.payer,
            date_of_service=request.day.isoformat(),
            setting=request.setting,
            claim=request.claim,
            locality=_place(locality) if request.claim == PROFESSIONAL else None,
            conversion_factor=plain(factor.value) if factor else None,
            wage_index=plain(wage_index) if wage_index is not None else None,
            lines=tuple(_line(work, share, limiting) for work in works),
            allowed=_total(work.allowed for work in works),
            deductible=_total(one.deductible for one in share.values()),
            medicare_pays=_total(one.medicare for one in share.values()),
            patient_pays=_total(one.patient for one in share.values()),
            after_sequestration=_total(one.after_sequestration for one in share.values()),
            non_participating=_total(fee for fee, _ in limiting.values()) if limiting else None,
            limiting_charge=_total(most for _, most in limiting.values()) if limiting else None,
            releases=_releases(used),
            findings=tuple(
                sorted(
                    findings,
                    key=lambda one: (_SEVERITIES[one.severity], one.claim_line_number or 0, one.edit, one.message),
                )
            ),
        )

    def _about_payer(self, request: Request) -> list[Finding]:
        if not request.payer:
            return []
        thing = next(
            thing
            for thing in self._knowledge.store.things.values()
            if thing.kind == "payer" and thing.slug == request.payer
        )
        roles = {dated.value.role for dated in thing.history if isinstance(dated.value, Payer)}
        if roles & set(_MEDICARE):
            return []
        message = f"What {request.payer} allows is a matter of its contract and not established; these are Medicare's amounts."
        return [told("fact-not-established", "review", message)]

    def _locality(self, request: Request, findings: list[Finding]) -> Locality | None:
        if request.place is None:
            return None
        locality, why = self._desk.locality(request.place, request.day)
        if why:
            findings.append(
                told("fact-not-established", "review", why, fix="Name it: --locality MAC/LOCALITY, --zip, or national.")
            )
        return locality


def _participation(request: Request) -> str:
    return _QUALIFYING if request.apm_participant else _OTHERS


def _participation_open(sources: tuple[str, ...]) -> Finding:
    return told(
        "fact-not-established",
        "info",
        "Whether the clinician is a qualifying participant in an alternative payment model is not documented; the "
        "conversion factor of the others is taken.",
        fix="Say apm_participant: true or false.",
        sources=sources,
    )


def _national_rate() -> Finding:
    return told(
        "fact-not-established",
        "info",
        "The wage index is not documented; the rates are national.",
        fix="Give wage_index, or cbsa with the wage index file loaded.",
    )


def _copayment_open() -> Finding:
    return told(
        "fact-not-established",
        "info",
        "The copayment of the APC is not established without Addendum B; the patient's share is taken as that of Part B.",
    )


def _line(work: Work, share: dict[int, Share], limiting: dict[int, tuple[Decimal, Decimal]]) -> PricedLine:
    number = work.line.line
    mine, most = share.get(number), limiting.get(number)
    return PricedLine(
        line=number,
        code=work.line.code,
        modifiers=work.line.modifiers,
        units=work.line.units,
        priced_units=work.priced_units,
        base=None if work.base is None else in_dollars(work.base),
        adjustments=tuple(work.adjustments),
        allowed=None if work.allowed is None else in_dollars(work.allowed),
        medicare_pays=in_dollars(mine.medicare) if mine else None,
        patient_pays=in_dollars(mine.patient) if mine else None,
        after_sequestration=in_dollars(mine.after_sequestration) if mine else None,
        limiting_charge=in_dollars(most[1]) if most else None,
        release=work.provenance.release if work.provenance else "",
        evidence=work.provenance.evidence if work.provenance else "",
        steps=tuple(work.steps) + (mine.steps if mine else ()),
        citations=tuple(work.citations)
        + tuple(one for one in (mine.sources if mine else ()) if one not in work.citations),
    )


def _limiting(works: Iterable[Work], book: RuleBook) -> dict[int, tuple[Decimal, Decimal]]:
    """Return for each line the fee of a non-participating clinician and the most that one may charge."""
    fee, most = book.rule("nonparticipating-fee"), book.rule("limiting-charge")
    if fee is None or most is None:
        return {}
    return {
        work.line.line: (to_cents(work.allowed * fee.number), to_cents(work.allowed * fee.number * most.number))
        for work in works
        if work.allowed is not None
    }


def _place(locality: Locality | None) -> Place:
    if locality is None:
        return Place(mac="", locality="", name="national", work="1", practice_expense="1", malpractice="1")
    gpci = locality.gpci
    return Place(
        mac=locality.mac,
        locality=locality.locality,
        name=locality.name,
        work=plain(gpci.work),
        practice_expense=plain(gpci.practice_expense),
        malpractice=plain(gpci.malpractice),
    )


def _total(amounts: Iterable[Decimal | None]) -> str:
    return in_dollars(sum((amount for amount in amounts if amount is not None), Decimal(0)))


def _releases(used: Iterable[Provenance]) -> tuple[Release, ...]:
    seen = dict.fromkeys((one.kind, one.release, one.origin) for one in used)
    return tuple(Release(kind=kind, release=release, origin=origin) for kind, release, origin in seen)
