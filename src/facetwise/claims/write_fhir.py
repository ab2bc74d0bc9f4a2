"""Writes claim lines as FHIR R4 Claim resources, one a line (NDJSON)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from facetwise.claims.columns import DIAGNOSES, MODIFIERS, POINTERS
from facetwise.claims.fhir_parties import NPI_SYSTEM
from facetwise.claims.writing import Row, claims, plain, same, whole

_CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
_CPT = "http://www.ama-assn.org/go/cpt"
_HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
_ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
_PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"


def write_fhir(path: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write claim lines as NDJSON; return how many lines. The lines of a claim must follow each other.

    A unit basis of minutes is written as the unit `min`; line control and referral numbers have no place in a Claim and are
    left out.
    """
    count = 0
    with whole(path) as file:
        for rows in claims(batches):
            file.write(msgspec.json.encode(_claim(rows)) + b"\n")
            count += len(rows)
    return count


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _provider(npi: str) -> dict[str, Any]:
    return {"identifier": {"system": NPI_SYSTEM, "value": npi}}


def _claim(rows: list[Row]) -> dict[str, Any]:
    first = rows[0]
    renderers = list(dict.fromkeys(row["rendering_npi"] for row in rows if row["rendering_npi"]))
    claim: dict[str, Any] = {
        "resourceType": "Claim",
        "identifier": [{"value": first["claim_id"]}],
        "status": "active",
        "use": "claim",
        "type": _concept(_CLAIM_TYPE, first["claim_type"]),
    }
    if first["person_id"]:
        claim["patient"] = {"identifier": {"value": first["person_id"]}}
    if first["payer"]:
        claim["insurer"] = {"display": first["payer"]}
    if first["billing_npi"]:
        claim["provider"] = _provider(first["billing_npi"])
    if renderers:
        claim["careTeam"] = [
            {"sequence": number, "provider": _provider(npi)} for number, npi in enumerate(renderers, 1)
        ]
    if state := same(rows, "state"):
        claim["contained"] = [{"resourceType": "Location", "id": "place", "address": {"state": state}}]
        claim["facility"] = {"reference": "#place"}
    if first["bill_type_code"]:
        category = {"coding": [{"code": "typeofbill"}]}
        claim["supportingInfo"] = [
            {"sequence": 1, "category": category, "code": {"coding": [{"code": first["bill_type_code"]}]}}
        ]
    codes = [code for number in range(1, DIAGNOSES + 1) if (code := first[f"diagnosis_code_{number}"])]
    if codes:
        claim["diagnosis"] = [
            {"sequence": number, "diagnosisCodeableConcept": _concept(_ICD10, code)}
            for number, code in enumerate(codes, 1)
        ]
    insurance: dict[str, Any] = {"sequence": 1, "focal": True, "coverage": {"display": first["payer"] or "not carried"}}
    if first["prior_authorization_number"]:
        insurance["preAuthRef"] = [first["prior_authorization_number"]]
    claim["insurance"] = [insurance]
    claim["item"] = [_item(row, renderers, "facility" in claim) for row in rows]
    return claim


def _item(row: Row, renderers: list[str], one_state: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"sequence": row["claim_line_number"]}
    if row["rendering_npi"]:
        item["careTeamSequence"] = [renderers.index(row["rendering_npi"]) + 1]
    pointers = [row[f"diagnosis_pointer_{number}"] for number in range(1, POINTERS + 1)]
    if any(pointers):
        item["diagnosisSequence"] = [pointer for pointer in pointers if pointer]
    if row["hcpcs_code"]:
        system = _CPT if row["hcpcs_code"][0].isdigit() else _HCPCS
        item["productOrService"] = _concept(system, row["hcpcs_code"])
    modifiers = [row[f"hcpcs_modifier_{number}"] for number in range(1, MODIFIERS + 1)]
    if any(modifiers):
        item["modifier"] = [{"coding": [{"code": modifier}]} for modifier in modifiers if modifier]
    item["servicedDate"] = row["claim_line_start_date"].isoformat()
    if row["place_of_service_code"]:
        item["locationCodeableConcept"] = _concept(_PLACE, row["place_of_service_code"])
    elif row["state"] and not one_state:
        item["locationAddress"] = {"state": row["state"]}
    # Numbers are written digit by digit, never as floats.
    item["quantity"] = {"value": msgspec.Raw(plain(row["service_unit_quantity"]).encode())}
    if row["unit_basis"] in ("MJ", "DA"):
        item["quantity"]["unit"] = {"MJ": "min", "DA": "DA"}[row["unit_basis"]]
    if row["charge_amount"] is not None:
        item["net"] = {"value": msgspec.Raw(f"{row['charge_amount']:f}".encode()), "currency": "USD"}
    return item
