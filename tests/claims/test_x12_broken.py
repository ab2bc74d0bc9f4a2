"""837s that are not whole: each fault is named with its place, nothing is lost, and neighbours stay."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from facetwise.claims.interchanges import SEGMENT_MOST
from small_claims import BILLING, GS, ISA, SUBSCRIBER, claim, got_837, interchange, simple, transaction


def changed(old: str, new: str) -> str:
    content = simple(claim("C1"), claim("C2"), claim("C3"))
    assert old in content
    return content.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("20260302~\nLX*2", "20260231~\nLX*2", "the date of service is absent or cannot be read"),
        ("20260302~\nLX*2", "20990101~\nLX*2", "after 2026-12-31, the last day that can be checked"),
        ("*100*UN*1*", "*100*UN*-1*", "the units are not above 0"),
        ("*100*UN*1*", "*100*UN*1e9*", "the units are not above 0"),
        ("*100*UN*1*", "*100*UN*0*", "the units are not above 0"),
        ("*100*UN*1*", "*100*UN*one*", "the units are absent or no number"),
        ("*100*UN*1*", "*100*UN**", "the units are absent or no number"),
        ("*100*UN*1*", "*-100*UN*1*", "the charge is negative"),
        ("*100*UN*1*", "*1OO*UN*1*", "the charge is no amount"),
        ("HC:64493:RT", "HC:6449:RT", "the procedure code is not five letters or digits"),
        ("HC:64493:RT", "HC", "the procedure code is not five letters or digits"),
        ("HC:64493:RT", "WK:64493:RT", "a professional line has no procedure code"),
        ("HC:64493:RT", "HC::RT", "a professional line has no procedure code"),
        ("UN*1***1~", "UN*1***X~", "a diagnosis pointer is no number from 1 to 25"),
        ("LX*1", "LX*one", "the line number is absent or no whole number from 1"),
        ("SV1*HC:64493:RT*100*UN*1***1~\n", "", "the line has no service (SV1 or SV2)"),
    ],
)
def test_a_line_at_fault_is_rejected_alone(old: str, new: str, reason: str) -> None:
    content = changed(old, new)
    if old.startswith("SV1"):
        count = content.count("~") - 4
        content = content.replace(f"SE*{count + 1}*", f"SE*{count}*")
    got = got_837(content)
    assert len(got.rejected) == 1
    assert reason in got.rejected[0].reason
    assert (got.rejected[0].lines, got.rejected[0].claim_id) == (1, "C1")
    assert got.counts.lines == 5


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("CLM*C2*", "CLM**", "there is no claim id"),
        ("CLM*C2*200***11:B:1", "CLM*C2*200***11>B>1", "CLM05 has not three parts"),
        ("CLM*C2*200***11:B:1*Y*A*Y*Y~\nHI*ABK:M47816*ABF:M4726", "CLM*C2*200***11:B:1*Y*A*Y*Y~\nH!*ABK:M47816", "none of an 837"),
        ("LX*2~\nSV1*HC:64493:RT*100*UN*1***1~\nDTP*472*D8*20260302~\nCLM*C3", "LX*1~\nSV1*HC:64493*1*UN*1~\nDTP*472*D8*20260302~\nCLM*C3", "not numbered upward"),
    ],
)  # fmt: skip
def test_a_claim_at_fault_takes_no_neighbour_along(old: str, new: str, reason: str) -> None:
    got = got_837(changed(old, new))
    assert [reason in one for one in got.reasons] == [True]
    assert got.rejected[0].lines == 2
    assert got.seen("claim_id") == ["C1", "C1", "C3", "C3"]


def test_a_lost_claim_segment_is_noticed() -> None:
    lost = [segment for segment in claim("C2") if not segment.startswith("CLM")]
    got = got_837(simple(claim("C1"), lost, claim("C3")))
    assert got.seen("claim_id") == ["C3", "C3"]
    assert (got.rejected[0].claim_id, got.rejected[0].lines) == ("C1", 4)
    assert "a CLM is lost" in got.reasons[0]


def test_a_lost_loop_is_noticed() -> None:
    second = ("SBR*P*18*******MB", "NM1*IL*1*ROE*SAM****MI*M2", "NM1*PR*2*MEDICARE")
    third = ("HL*4*1*22*0", "SBR*P*18*******MB", "NM1*IL*1*POE*ANN****MI*M3", "NM1*PR*2*MEDICARE")
    content = interchange(transaction(BILLING, SUBSCRIBER, claim("C1"), second, claim("C2"), third, claim("C3")))
    got = got_837(content)
    assert got.seen("claim_id", "person_id") == [("C3", "M3")] * 2
    assert sum(one.lines for one in got.rejected) == 4
    assert all("without its loop" in reason for reason in got.reasons)


def test_service_of_the_other_kind() -> None:
    got = got_837(changed("SV1*HC:64493:RT*100*UN*1***1", "SV2*0360*HC:64493*100*UN*1"))
    assert "does not belong to this kind of claim" in got.reasons[0]
    assert got.counts.lines == 4


@pytest.mark.parametrize(
    ("old", "new", "segment", "reason"),
    [
        ("SE*37*0001", "SE*36*0001", "SE", "SE01 says 36 segments, 37 were counted"),
        ("SE*37*0001", "SE*x*0001", "SE", "SE01 says no number segments"),
        ("SE*37*0001", "SE*37*0002", "SE", "SE02 differs from ST02"),
        ("GE*1*1", "GE*2*1", "GE", "GE01 says 2 transactions, 1 were counted"),
        ("GE*1*1", "GE*1*9", "GE", "GE02 differs from GS06"),
        ("IEA*1*000000907", "IEA*4*000000907", "IEA", "IEA01 says 4 groups, 1 were counted"),
        ("IEA*1*000000907", "IEA*1*000000908", "IEA", "IEA02 differs from ISA13"),
    ],
)
def test_counts_and_control_numbers(old: str, new: str, segment: str, reason: str) -> None:
    content = changed(old, new)
    got = got_837(content)
    assert got.counts.lines == 6
    assert len(got.rejected) == 1
    assert reason in got.rejected[0].reason
    assert (got.rejected[0].segment, got.rejected[0].lines) == (segment, 0)
    assert content[got.rejected[0].place :].startswith(new.split("*")[0] + "*")


@pytest.mark.parametrize(
    ("gone", "segment", "lines"),
    [("SE*37*0001~\n", "SE", 4), ("GE*1*1~\n", "GE", 6), ("IEA*1*000000907~\n", "IEA", 6), (GS.format(version="005010X222A1") + "~\n", "GS", 6)],
)  # fmt: skip
def test_a_lost_part_of_the_envelope_is_named(gone: str, segment: str, lines: int) -> None:
    got = got_837(changed(gone, "") + simple(claim("C9", 1)))
    assert any(f"{segment} is missing" in reason for reason in got.reasons)
    assert got.counts.lines == lines + 1
    assert got.counts.lines + sum(one.lines for one in got.rejected) == 7


def test_a_file_cut_in_half_keeps_what_is_whole() -> None:
    content = simple(claim("C1"), claim("C2"), claim("C3"))
    cut = content[: content.index("CLM*C2") + 120]
    got = got_837(cut)
    assert got.seen("claim_id") == ["C1", "C1"]
    assert [one.claim_id for one in got.rejected] == ["C2", None]
    assert "the file was cut" in got.reasons[0]
    assert got.reasons[1] == "the file ends within a segment"


def test_a_file_cut_and_the_next_glued_on() -> None:
    content = simple(claim("C1"), claim("C2"), claim("C3"))
    got = got_837(content[: content.index("HI*", content.index("CLM*C3"))] + simple(claim("C4")))
    assert got.seen("claim_id") == ["C1", "C1", "C2", "C2", "C4", "C4"]
    assert got.rejected[0].claim_id == "C3"


def test_the_last_terminator_may_be_absent() -> None:
    assert got_837(simple(claim()).rstrip("~\n")).rejected == []


def test_garbage_between_interchanges() -> None:
    one = simple(claim("C1"))
    got = got_837("junk" + one + "  \n\n" + one + "ISA is not one\n" + one + "the end")
    assert got.counts.lines == 6
    assert [(rejected.place, rejected.lines) for rejected in got.rejected] == [
        (0, 0),
        (len("junk") + 2 * len(one) + 4, 0),
        (len("junk") + 3 * len(one) + 4 + 15, 0),
    ]
    assert got.reasons[0].startswith("4 bytes are no interchange")


def test_segments_outside_a_transaction() -> None:
    first = transaction(BILLING, SUBSCRIBER, claim("C1"))
    got = got_837(interchange([*first, *claim("C2")], transaction(BILLING, SUBSCRIBER, claim("C3"))))
    assert got.seen("claim_id") == ["C1", "C1", "C3", "C3"]
    assert [one.lines for one in got.rejected if "outside a transaction" in one.reason] == [2]


@pytest.mark.parametrize(
    ("kind", "version", "reason", "lines"),
    [
        ("837", "004010X098A1", "837 of version 4010 (004010X098A1) is not read", 4),
        ("837", "005010X224A2", "837 of a dental claim", 4),
        ("837", "006020X323", "837 of version 006020X323 is not read", 4),
        ("835", "005010X221A1", "transaction 835 (claim payment) holds no claims", 0),
        ("270", "005010X279A1", "transaction 270 (eligibility inquiry) holds no claims", 0),
    ],
)
def test_other_transactions_are_refused_by_name(kind: str, version: str, reason: str, lines: int) -> None:
    other = [
        part.replace("ST*837", f"ST*{kind}")
        for part in transaction(BILLING, SUBSCRIBER, claim("X"), claim("Y"), version=version)
    ]
    got = got_837(interchange(other, transaction(BILLING, SUBSCRIBER, claim("C1"))))
    assert got.seen("claim_id") == ["C1", "C1"]
    assert [(one.segment, one.lines) for one in got.rejected] == [("ST", lines)]
    assert reason in got.reasons[0]


def endless(content: str, size: int) -> Callable[[int], bytes]:
    """A file with a segment of `size` bytes in it, made while it is read."""
    head, tail = content.encode().split(b"ENDLESS")
    left = [head, size, tail]

    def read(count: int) -> bytes:
        while left:
            if isinstance(left[0], int):
                part = min(count, left[0])
                left[0] -= part
                if not left[0]:
                    left.pop(0)
                return b"9" * part
            one: bytes = left.pop(0)  # type: ignore[assignment]
            if one:
                return one
        return b""

    return read


def test_a_segment_without_end_is_skipped_in_little_memory() -> None:
    segments = claim("C2", 1, ["NTE*ADD*ENDLESS"])
    content = simple(claim("C1"), segments, claim("C3"))
    tracemalloc.start()
    got = got_837("", endless(content, 200 * SEGMENT_MOST))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * SEGMENT_MOST
    assert got.seen("claim_id") == ["C1", "C1", "C3", "C3"]
    assert [(one.claim_id, one.lines) for one in got.rejected] == [("C2", 1)]
    assert "longer than 1,048,576 bytes" in got.reasons[0]
    assert got.rejected[0].place == content.index("NTE*ADD")


def test_bytes_without_any_segment_are_skipped_in_little_memory() -> None:
    tracemalloc.start()
    got = got_837("", endless(ISA + "~ENDLESS", 100 * SEGMENT_MOST))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * SEGMENT_MOST
    assert "longer than 1,048,576 bytes" in got.reasons[0]


def test_a_claim_without_end_does_not_fill_the_memory() -> None:
    line = ("LX*{}", "SV1*HC:64493*1*UN*1", "DTP*472*D8*20260302")
    lines = [part.format(number) for number in range(1, 12_001) for part in line]
    got = got_837(simple(claim("C1"), ["CLM*C2*1***11:B:1*Y*A*Y*Y", *lines], claim("C3"), ends="~"))
    assert got.seen("claim_id") == ["C1", "C1", "C3", "C3"]
    assert [(one.claim_id, one.lines) for one in got.rejected] == [("C2", 12_000)]
    assert "more than 9,999 lines" in got.reasons[0]


def test_too_many_diagnoses() -> None:
    codes = [f"ABF:M{number:04}" for number in range(26)]
    got = got_837(simple(claim("C1", 2, ["HI*" + "*".join(codes)])))
    assert got.reasons == ["the claim has more than 25 diagnoses"]


def test_no_reason_repeats_what_the_claim_says_of_a_person() -> None:
    content = simple(claim("C1", 2)).replace("20260302", "19630102X").replace("*UN*1*", "*UN*JANE DOE*")
    got = got_837(content)
    assert len(got.rejected) == 2
    assert not any(
        secret in str(one._replace(claim_id=None)) for one in got.rejected for secret in ("DOE", "1963", "M1")
    )
