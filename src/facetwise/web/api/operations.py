"""The operations of the API, in the order in which its page lists them."""

from __future__ import annotations

from typing import Any

from facetwise.coding.code import Result
from facetwise.coverage.determination import Determination
from facetwise.document.model import Document, to_json
from facetwise.payment.answer import Answer
from facetwise.payment.compare import Comparison
from facetwise.problems import FacetwiseError, Problem
from facetwise.web import edit_pages
from facetwise.web.api import answers
from facetwise.web.api.check_shapes import FHIR_JSON, CheckAnswer, FhirClaims
from facetwise.web.api.form import Form, asked_case, blank_form
from facetwise.web.api.operation import JSON, Call, Operation
from facetwise.web.api.shapes import Shapes
from facetwise.web.check.small import name_unknown_keys
from facetwise.web.desk import Desk

_LISTED = "One object, or a list of them; a list is answered by a list."


def operations(shapes: Shapes) -> list[Operation]:
    """Return every operation, with these shapes of requests."""
    code = {"code": shapes.code}
    return [
        Operation(
            name="brief",
            path="/brief/{code}",
            summary="The briefing on a code",
            description="The cited national briefing on a procedure code as of a day.",
            tag="Questions",
            run=_brief,
            answer=Document,
            query=shapes.brief,
            parameters=code,
            errors=("not-found",),
        ),
        Operation(
            name="code",
            path="/code",
            summary="Claim lines of an encounter",
            description=f"From the joints or nerves treated to the claim lines that the payer wants. {_LISTED}",
            tag="Questions",
            run=_code,
            answer=Result,
            query=shapes.nothing,
            body=shapes.encounter,
            reader=Desk.encounters,
            many=True,
        ),
        Operation(
            name="cover",
            path="/cover",
            summary="Coverage of a case",
            description=f"Criteria, limits, positions and prior authorization of one case on its day. {_LISTED}",
            tag="Questions",
            run=_cover,
            answer=Determination,
            query=shapes.nothing,
            body=shapes.case,
            reader=Desk.cases,
            many=True,
        ),
        Operation(
            name="coverForm",
            path="/cover/form",
            summary="What a payer asks of a case",
            description="The facts that the criteria of a payer ask for, each with its type, unit and words.",
            tag="Questions",
            run=_form,
            answer=Form,
            query=shapes.form,
        ),
        Operation(
            name="price",
            path="/price",
            summary="What Medicare allows",
            description="The expected allowed amount of claim lines, with each step and its source. With compare, one "
            f"claim in office, surgery center and hospital. {_LISTED}",
            tag="Questions",
            run=_price,
            answer=(Answer, Comparison),
            query=shapes.price_query,
            body=shapes.claim,
            reader=lambda desk, text: desk.claims(text, everywhere=True),
            many=True,
            slow=True,
            errors=("release-missing",),
        ),
        Operation(
            name="check",
            path="/check",
            summary="Claim edits",
            description="What would be refused or denied of a few claim lines, and why. FHIR claims come as "
            f"{FHIR_JSON}; whole files go to /check/stream.",
            tag="Questions",
            run=_check,
            answer=CheckAnswer,
            query=shapes.check_query,
            body=shapes.check,
            reader=lambda desk, text: name_unknown_keys(text),
            ready=lambda desk: desk.checks.ready(),
            others={FHIR_JSON: FhirClaims},
        ),
        Operation(
            name="checkStream",
            path="/check/stream",
            summary="Claim edits on a whole file",
            description="An 837, CSV, Parquet or FHIR file (NDJSON, Bundle), gzipped or not, as the body; or a form with "
            "files named claims and history. The answer is a stream of JSON objects by their type: progress, finding, "
            "rejected, and at last summary or problem; or one document with Accept: application/json. Nothing is kept.",
            tag="Questions",
            run=_check,
            answer=CheckAnswer,
            query=shapes.check_query,
            content={"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            produces={
                "application/x-ndjson": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}},
            },
        ),
        Operation(
            name="changes",
            path="/changes",
            summary="What changed",
            description="What changed from one day to another, newest first, for a code, payers or everything.",
            tag="Questions",
            run=_changes,
            answer=answers.ChangesAnswer,
            query=shapes.changes,
        ),
        Operation(
            name="compare",
            path="/compare/{code}",
            summary="Payers compared on a code",
            description="A row a question, a column a payer, or a payer group where none is asked for.",
            tag="Questions",
            run=_compare,
            answer=answers.ComparisonAnswer,
            query=shapes.compare,
            parameters=code,
            errors=("not-found",),
        ),
        Operation(
            name="codes",
            path="/codes",
            summary="The codes",
            description="The procedure codes of the knowledge on a day, found by words or by the begin of a code.",
            tag="What is known",
            run=lambda desk, call: answers.codes(desk, desk.day(call.query.as_of, "as_of"), call.query.q),
            answer=answers.Codes,
            query=shapes.codes,
        ),
        Operation(
            name="edits",
            path="/edits",
            summary="The edits",
            description="What the claim check looks at, edit by edit.",
            tag="What is known",
            run=lambda desk, _: edit_pages.edits(),
            answer=edit_pages.Edits,
            query=shapes.nothing,
        ),
        Operation(
            name="edit",
            path="/edits/{edit}",
            summary="One edit",
            description="What an edit looks at, why, how grave it is, how a claim is mended, and examples.",
            tag="What is known",
            run=lambda desk, call: edit_pages.edit(desk.knowledge, call.path["edit"], desk.today()),
            answer=edit_pages.EditPage,
            query=shapes.nothing,
            parameters={"edit": shapes.edit},
            errors=("not-found",),
        ),
        Operation(
            name="payers",
            path="/payers",
            summary="The payers",
            description="The payers of the knowledge on a day, in their order.",
            tag="What is known",
            run=lambda desk, call: answers.payers(desk, desk.day(call.query.as_of, "as_of")),
            answer=answers.Payers,
            query=shapes.as_of,
        ),
        Operation(
            name="payer",
            path="/payers/{payer}",
            summary="One payer",
            description="A payer on a day: its policies, how far it is verified, and what changed in the year before.",
            tag="What is known",
            run=_payer,
            answer=answers.PayerAnswer,
            query=shapes.as_of,
            parameters={"payer": shapes.payer},
            errors=("not-found",),
        ),
        Operation(
            name="knowledge",
            path="/knowledge",
            summary="Which knowledge answers",
            description="The digest of the knowledge, the days it answers for, and when it was last gone through.",
            tag="What is known",
            run=lambda desk, _: answers.about(desk),
            answer=answers.KnowledgeAnswer,
            query=shapes.nothing,
        ),
        Operation(
            name="registry",
            path="/knowledge/registry",
            summary="How far each payer is verified",
            description="The verification registry of a day, topic by topic.",
            tag="What is known",
            run=lambda desk, call: answers.registry(desk, desk.day(call.query.as_of, "as_of")),
            answer=answers.RegistryAnswer,
            query=shapes.as_of,
        ),
        Operation(
            name="data",
            path="/data",
            summary="Official releases in the catalog",
            description="What is loaded on this machine, for which days, what is stale and what is missing.",
            tag="What is known",
            run=lambda desk, _: answers.data(desk),
            answer=answers.DataAnswer,
            query=shapes.nothing,
            fresh=True,
        ),
    ]


def _brief(desk: Desk, call: Call) -> bytes:
    query = call.query
    return to_json(desk.brief(call.path["code"], desk.day(query.as_of, "as_of"), query.audience, query.payer))


def _code(desk: Desk, call: Call) -> Any:
    return _as_sent(call, [desk.code(one).result for one in desk.encounters(call.text)])


def _cover(desk: Desk, call: Call) -> Any:
    return _as_sent(call, [desk.cover(one) for one in desk.cases(call.text)])


def _form(desk: Desk, call: Call) -> Form:
    return blank_form(desk, asked_case(desk, call.query))


def _price(desk: Desk, call: Call) -> Any:
    requests = desk.claims(call.text, everywhere=call.query.compare)
    if not call.query.compare:
        return _as_sent(call, desk.price(requests))
    if len(requests) > 1:
        raise FacetwiseError(Problem("", 0, f"compare with {len(requests)} claims", "one claim"))
    return _as_sent(call, [desk.compare(requests[0])])


def _check(desk: Desk, call: Call) -> bytes:
    query = call.query
    if call.media == JSON:
        return desk.checks.of_rows(call.text, query.payer, query.state)
    return desk.checks.of_fhir(call.text.encode(), query.payer, query.state)


def _changes(desk: Desk, call: Call) -> answers.ChangesAnswer:
    query = call.query
    return answers.changes(desk, desk.day(query.from_, "from"), desk.day(query.to_, "to"), query.code, query.payer)


def _compare(desk: Desk, call: Call) -> answers.ComparisonAnswer:
    return answers.compared(desk, call.path["code"], desk.day(call.query.as_of, "as_of"), call.query.payer)


def _payer(desk: Desk, call: Call) -> answers.PayerAnswer:
    return answers.payer(desk, call.path["payer"], desk.day(call.query.as_of, "as_of"))


def _as_sent(call: Call, found: list[Any]) -> Any:
    return found if call.is_list else found[0]
