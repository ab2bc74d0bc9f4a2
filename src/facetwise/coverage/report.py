"""A determination as a page for the chart: the answer, what is missing, each criterion with its evidence, sources."""

from __future__ import annotations

from collections.abc import Iterable

from facetwise.coverage.answers import CriterionResult, Determination, Difference
from facetwise.coverage.case import Case, Event
from facetwise.coverage.labels import (
    Bearing,
    bearing_of,
    bearings,
    fact_label,
    fact_value,
    in_plain,
    payer_name,
    word_label,
)
from facetwise.coverage.logic import shown
from facetwise.document.model import (
    Answer,
    AnyBlock,
    Cell,
    Checklist,
    Column,
    Document,
    Facts,
    Line,
    Paragraph,
    Points,
    Section,
    Status,
    TableBlock,
    TableRow,
    cited,
    plain_cell,
    sealed,
)
from facetwise.document.sources import source_entries
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Policy, Vocabulary
from facetwise.knowledge.store import BASE_LAYER

NOTICE = (
    "A reading of published rules for one case on one day. It is no decision of the payer and no legal, medical or "
    "billing advice: confirm the live policy before it decides anything. Procedure codes are described in this "
    "project's own words; CPT is a registered trademark of the American Medical Association."
)
OUTCOMES = {
    "met": "Met: every criterion that is established is met.",
    "not_met": "Not met: at least one criterion is not met.",
    "undetermined": "Undetermined: something is not documented, or not established for this payer.",
}
_ORDER = {"not_met": 0, "conflict": 1, "unknown": 2, "not_established": 3, "met": 4}
_GROUPS = {
    "not_met": "Not met",
    "conflict": "Sources disagree",
    "unknown": "Missing from the record",
    "not_established": "Not established for this payer",
    "met": "Met",
}
_DISAGREE = "sources disagree"
_OUTCOME_STATUS: dict[str, Status] = {"met": "met", "not_met": "not_met", "undetermined": ""}


def explained(case: Case, answer: Determination, knowledge: Knowledge) -> Document:
    """Return the page for the chart: the answer, criteria with the gaps first, limits, codes, authorization, sources."""
    view = knowledge.as_of(case.day)
    sections = [
        Section("overview", "The answer", tuple(_overview(view, case, answer))),
        Section("criteria", "Criteria", (_criteria(view, case, answer),)),
    ]
    if answer.limits:
        sections.append(Section("limits", "Limits over time", (_limits(view, case, answer),)))
    if answer.code_positions:
        sections.append(Section("codes", "Codes", (positions_block(answer),)))
    if answer.alternatives:
        sections.insert(1, Section("contractors", "By each contractor", (alternatives_block(answer),)))
    sections.append(
        Section("authorization", "Prior authorization", (authorization_block(answer), *_decision(view, answer)))
    )
    sections.append(Section("policies", "Policies", (policies_block(view, answer),)))
    if case.history is not None:
        sections.append(Section("history", "Earlier procedures, as the case gives them", (_history(view, case),)))
    return document(knowledge, view, f"Coverage of {title_of(view, case)}", "coverage page", sections)


def document(knowledge: Knowledge, view: View, title: str, kind: str, sections: list[Section]) -> Document:
    """Return the sealed document of these sections with the sources that they cite."""
    return sealed(
        Document(
            code="",
            as_of=view.day.isoformat(),
            title=title,
            summary="Coverage determination" if kind != "checklist" else "What the record must contain",
            knowledge=knowledge.digest,
            reviewed=knowledge.store.horizon.reviewed.isoformat(),
            sections=(*sections, Section("sources", "Sources", ())),
            sources=source_entries(view, cited(sections)),
            layers=tuple(layer for layer in knowledge.store.layers if layer != BASE_LAYER),
            notice=NOTICE,
            kind=kind,
        )
    )


def title_of(view: View, case: Case) -> str:
    """Return what is asked in a phrase: the procedure, its region and the payer."""
    words = view.store.vocabulary
    purpose = f"{word_label(words, 'purpose', case.purpose)} " if case.purpose else ""
    place = f" in {case.state}" if case.state else ""
    technique = word_label(words, "technique", case.technique)
    return f"{purpose}{technique}, {word_label(words, 'region', case.region)}: {payer_name(view, case.payer)}{place}"


def state_of(one: CriterionResult) -> Status:
    """Return the status as a paper shows it: what is unknown may be missing, not established, or in conflict."""
    if one.status != "unknown":
        return one.status
    if not one.citations:
        return "not_established"
    return "conflict" if one.found and _DISAGREE in one.note else "unknown"


def authorization_block(answer: Determination) -> Paragraph:
    """Return whether prior authorization is needed, and on whose word."""
    one = answer.prior_authorization
    status: Status = "required" if one.required else "not_required"
    if one.required is None:
        status = "depends" if one.citations else "not_established"
    return Paragraph(line=Line(one.why, status=status, sources=one.citations))


def alternatives_block(answer: Determination, *, outcomes: bool = True) -> TableBlock:
    """Return the answer by each contractor that may be meant, and in what it differs from the shared text's."""
    rows = []
    for one in answer.alternatives:
        outcome = plain_cell(
            "undetermined" if one.outcome == "undetermined" else "", status=_OUTCOME_STATUS[one.outcome]
        )
        cells = (
            plain_cell(
                f"{one.title} ({', '.join(one.states)})" if one.states else one.title,
                note=", ".join(one.policies).upper(),
            ),
            *((outcome,) if outcomes else ()),
            Cell(tuple(_difference(other, statuses=outcomes) for other in one.differs) or (Line("nothing"),)),
        )
        rows.append(TableRow(cells))
    columns = (
        Column("contractor", "Contractor", weight=2),
        *((Column("outcome", "Outcome", weight=2),) if outcomes else ()),
        Column("differs", "What differs from the shared text", weight=6),
    )
    return TableBlock(
        id="contractors", caption="By each contractor that may be meant", columns=columns, rows=tuple(rows)
    )


def _difference(one: Difference, *, statuses: bool) -> Line:
    name = capital(in_plain(one.id))
    if not one.status:
        return Line(f"{name}: nothing of its own", sources=one.citations, note=_shared(one, statuses=statuses))
    parts = [plain_status(one.status)] if statuses else []
    parts += [one.needed] if one.needed != one.shared_needed or not statuses else []
    return Line(f"{name}: {', '.join(parts)}", sources=one.citations, note=_shared(one, statuses=statuses))


def _shared(one: Difference, *, statuses: bool) -> str:
    parts = [plain_status(one.shared_status)] if statuses and one.shared_status else []
    parts += [one.shared_needed] if one.shared_needed and (one.needed != one.shared_needed or not statuses) else []
    return f"Shared text: {', '.join(parts).rstrip('.') or 'nothing'}."


def plain_status(text: str) -> str:
    """Return the status words of a result for people; what is unknown is missing from the record."""
    return text.replace("unknown", "missing").replace("_", " ")


def _decision(view: View, answer: Determination) -> Iterable[AnyBlock]:
    """Yield what is known of the decision that is held, where one is needed."""
    one = answer.prior_authorization
    if one.decision is None:
        return
    words = {"met": "it holds on this day", "not_met": "it does not hold on this day", "unknown": "that cannot be told"}
    items = [
        ("The decision", plain_cell(words[one.decision], status=one.decision)),
        ("What is wanted", plain_cell(one.decision_needed)),
    ]
    if one.number:
        items.append(("Its number", plain_cell(one.number)))
    if one.valid_until:
        items.append(("Its last day", plain_cell(in_words(one.valid_until))))
    if one.missing:
        known = view.store.vocabulary
        items.append(("Not documented", plain_cell("; ".join(_asked(known, name) for name in one.missing))))
    yield Facts(items=tuple(items))


def found_text(words: Vocabulary, found: dict[str, str] | None) -> str:
    """Return the facts that were seen, for people."""
    if not found:
        return "nothing documented"
    return "; ".join(f"{_head(words, name)}{fact_value(words, name, value)}" for name, value in found.items())


def _head(words: Vocabulary, name: str) -> str:
    return "earlier procedures: " if name == "history" else f"{fact_label(words, name)}: "


def _overview(view: View, case: Case, answer: Determination) -> list[AnyBlock]:
    words = view.store.vocabulary
    counts = [state_of(one) for one in answer.criteria]
    said = ", ".join(f"{counts.count(name)} {_GROUPS[name].lower()}" for name in _ORDER if name in counts)
    failed = [one for one in answer.criteria if one.status == "not_met"]
    lines = [
        Line(""),
        *(Line(one.needed, who=_title(view, case, one), status="not_met", sources=one.citations) for one in failed),
    ]
    lines += [Line(note) for note in answer.notes]
    if said:
        lines.append(Line(f"Of {len(counts)} criteria: {said}."))
    lines += [
        Line(f"A further session fits from {in_words(limit.next_eligible_date)} ({limit.statement})")
        for limit in answer.limits
        if limit.next_eligible_date
    ]
    blocks: list[AnyBlock] = [Answer(text=OUTCOMES[answer.outcome], lines=tuple(lines)), facts_of(view, case, answer)]
    # A fact has a name of one word; the rest are rules that no record can supply.
    facts = dict.fromkeys(_asked(words, name) for name in answer.missing if " " not in name)
    rules_ = dict.fromkeys(name for name in answer.missing if " " in name)
    if facts:
        blocks.append(Checklist(title="What is missing from the record", lines=_capitals(facts)))
    if rules_:
        blocks.append(Points(title="What the record alone does not settle", lines=_capitals(rules_)))
    return blocks


def _title(view: View, case: Case, one: CriterionResult) -> str:
    return bearing_of(bearings(view, case), one.id, one.statement).title


def _asked(words: Vocabulary, name: str) -> str:
    known = words.asks.get(name)
    return fact_label(words, name) + (": yes or no" if known and known.type == "boolean" else "")


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _shown(words: Vocabulary, about: Bearing, one: CriterionResult) -> str:
    judged = about.kind == "criterion" and about.test is None and one.citations and not one.found
    return "for a person to judge" if judged else found_text(words, one.found)


def _capitals(names: Iterable[str]) -> tuple[Line, ...]:
    return tuple(Line(capital(name)) for name in names)


def facts_of(view: View, case: Case, answer: Determination) -> Facts:
    """Return what was asked: the day, the payer, whose rules, the procedure and its place."""
    words = view.store.vocabulary
    items = [
        ("Date of service", in_words(case.day)),
        ("Payer", payer_name(view, case.payer) + (f", {case.state}" if case.state else "")),
    ]
    if answer.whose != answer.payer:
        items.append(("By the rules of", payer_name(view, answer.whose)))
    items.append(("Procedure", title_of(view, case).partition(":")[0]))
    if answer.sequence:
        items.append(("First or repeat", word_label(words, "sequence", answer.sequence)))
    levels = case.facts.get("procedure.levels")
    if case.joints or levels is not None:
        items.append(("Levels", ", ".join(case.joints) or str(levels)))
    if case.sides:
        items.append(("Sides", word_label(words, "side", case.sides)))
    items.append(("Setting", word_label(words, "setting", case.setting) if case.setting else "not documented"))
    return Facts(items=tuple((label, plain_cell(text)) for label, text in items))


def _criteria(view: View, case: Case, answer: Determination) -> TableBlock:
    words = view.store.vocabulary
    known = bearings(view, case)
    placed = [(state_of(one), bearing_of(known, one.id, one.statement), one) for one in answer.criteria]
    rows = [
        TableRow(
            (
                plain_cell(about.title),
                plain_cell("", status=state),
                Cell((Line(one.statement, sources=one.citations, evidence=one.evidence, note=capital(one.note)),)),
                plain_cell(_shown(words, about, one)),
            ),
            group=_GROUPS[state],
        )
        for state, about, one in sorted(placed, key=lambda item: (_ORDER[item[0]], item[1].order))
    ]
    columns = (
        Column("criterion", "Criterion"),
        Column("status", "Status"),
        Column("wanted", "What is wanted", weight=3),
        Column("found", "What the case shows", weight=2),
    )
    return TableBlock(id="criteria", caption="Each criterion that bears, gaps first", columns=columns, rows=tuple(rows))


def _limits(view: View, case: Case, answer: Determination) -> TableBlock:
    known = bearings(view, case)
    rows = tuple(
        TableRow(
            (
                Cell((Line(bearing_of(known, one.id, one.statement).title),)),
                plain_cell(one.statement, sources=one.citations),
                plain_cell(str(one.used)),
                plain_cell(str(one.allowed)),
                plain_cell(str(one.window_days)),
                plain_cell(_eligible(one.status, one.next_eligible_date)),
            )
        )
        for one in answer.limits
    )
    columns = (
        Column("limit", "Limit"),
        Column("statement", "What it says", weight=3),
        Column("used", "Used", number=True),
        Column("allowed", "Allowed", number=True),
        Column("window", "Window", unit="days", number=True),
        Column("eligible", "A further session fits"),
    )
    return TableBlock(
        id="limits",
        caption="Sessions before this one, in the window that ends on the date of service",
        columns=columns,
        rows=rows,
        note="A rolling 12 months is taken as 365 days that end on the date of service, that day included: a session "
        "364 days earlier counts, one 365 days earlier does not. No source that is held says whether the ends count.",
    )


def _eligible(status: str, day: str | None) -> str:
    if day:
        return f"from {in_words(day)}"
    if status == "not_met":
        return "on no date by this limit"
    return "on this date" if status == "met" else "not known: the history is not clear"


def positions_block(answer: Determination) -> TableBlock:
    """Return where each code stands; two rows of one code are a conflict of sources."""
    rows = tuple(
        TableRow(
            (
                plain_cell(one.code),
                plain_cell("", status=one.position),
                plain_cell(one.statement or "No source that is held settles it.", sources=one.citations),
            )
        )
        for one in answer.code_positions
    )
    columns = (Column("code", "Code"), Column("position", "Position"), Column("statement", "What is said", weight=3))
    return TableBlock(id="codes", caption="Where each code stands on the date", columns=columns, rows=rows)


def policies_block(view: View, answer: Determination) -> Points:
    """Return the documents whose rules these are."""
    by_slug = {thing.slug: dated for thing, dated in view.of_kind("policy")}
    lines = []
    for slug in answer.policies:
        dated = by_slug.get(slug)
        if dated is None or not isinstance(dated.value, Policy):
            lines.append(Line(slug.upper()))
            continue
        value = dated.value
        version = f", version {value.version}" if value.version else ""
        text = f"{value.identifier}: {value.title}{version}"
        lines.append(Line(text, sources=dated.sources, evidence=dated.evidence or ""))
    return Points(lines=tuple(lines) or (Line("Which policy applies.", status="not_established"),))


def _history(view: View, case: Case) -> AnyBlock:
    words = view.store.vocabulary
    if not case.history:
        return Paragraph(line=Line("The case says that there were none."))
    rows = tuple(
        TableRow((plain_cell(in_words(event.day)), plain_cell(_what(words, event)), plain_cell(_brought(words, event))))
        for event in case.history
    )
    columns = (
        Column("date", "Date"),
        Column("procedure", "Procedure", weight=2),
        Column("result", "What it brought", weight=2),
    )
    return TableBlock(id="history", caption="The oldest first", columns=columns, rows=rows)


def _what(words: Vocabulary, event: Event) -> str:
    parts = [
        word_label(words, "technique", event.technique),
        word_label(words, "purpose", event.purpose) if event.purpose else _no_purpose(words, event),
        word_label(words, "region", event.region),
        " and ".join(event.joints),
        word_label(words, "side", event.sides) if event.sides else "",
    ]
    return ", ".join(part for part in parts if part)


def _no_purpose(words: Vocabulary, event: Event) -> str:
    return "purpose not documented" if event.technique in words.words.get("injection_technique", {}) else ""


def _brought(words: Vocabulary, event: Event) -> str:
    said = [
        f"{words.asks[name].label}: {fact_value(words, name, shown(value))}"
        for name, value in event.facts.items()
        if name in words.asks
    ]
    return "; ".join(said) or "nothing documented"
