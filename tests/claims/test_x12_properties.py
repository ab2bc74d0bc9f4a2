"""What must hold of any 837, whole or not: blocks cut anywhere, files cut anywhere, bytes changed anywhere."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from small_claims import BILLING, SUBSCRIBER, Got, claim, got_837, interchange, pieces, simple, transaction

WHOLE = interchange(
    transaction(BILLING, SUBSCRIBER, claim("C1", 3), claim("C2", 1, ["REF*G1*A1", "NM1*82*1*H****XX*1111111112"])),
    transaction(
        BILLING, ("HL*2*1*22*1", *SUBSCRIBER[1:]), ("HL*3*2*23*0", "NM1*QC*1*DOE*ANN"), claim("C3", 2), control="2"
    ),
).encode()
FILE = (
    WHOLE
    + b"\r\n noise "
    + simple(claim("C4"), claim("C5"), ends="~").replace(":", ">").encode()
    + WHOLE.replace(b"~\n", b"~\r\n")
)
LINES = FILE.count(b"LX*")
COMPLETE = got_837(FILE)


def told(got: Got) -> tuple[object, ...]:
    return got.rows, got.rejected, got.counts


@settings(max_examples=150)
@given(st.lists(st.integers(0, len(FILE)), max_size=12))
def test_blocks_may_end_anywhere(cuts: list[int]) -> None:
    assert told(got_837(FILE, pieces(FILE, cuts))) == told(COMPLETE)


def test_a_byte_at_a_time() -> None:
    assert told(got_837(FILE, pieces(FILE, range(len(FILE))))) == told(COMPLETE)


@settings(max_examples=150)
@given(st.integers(0, len(FILE)))
@example(FILE.index(b"CLM*C2"))
@example(len(WHOLE))
def test_of_a_cut_file_what_is_whole_is_kept(cut: int) -> None:
    part = FILE[:cut]
    got = got_837(part)
    assert got.rows == COMPLETE.rows[: len(got.rows)]
    # A line is counted when its LX is there whole.
    seen = part.count(b"LX*") - (part.rfind(b"LX*") > part.rfind(b"~"))
    assert got.counts.lines + sum(one.lines for one in got.rejected) == seen
    last = part.rfind(b"CLM*")
    if last >= 0 and b"SE*" not in part[last:]:
        begun = part[last:].split(b"*")[1].split(b"~")[0].decode()
        # The claim at the cut is never taken for whole, unless an earlier interchange had one of its name.
        assert got.seen("claim_id").count(begun) <= COMPLETE.seen("claim_id")[: len(got.rows)].count(begun)


@settings(max_examples=200)
@given(st.data())
def test_changed_bytes_lose_nothing_and_harm_no_other_transaction(data: st.DataObject) -> None:
    begin = FILE.index(b"ST*837*0001")
    end = FILE.index(b"SE*", begin)
    place = data.draw(st.integers(begin + 30, end - 1))
    inserted = data.draw(st.binary(max_size=6))
    got = got_837(FILE[:place] + inserted + FILE[place + data.draw(st.integers(0, 6)) :])
    later = [row["claim_id"] for row in got.rows if row["claim_id"] in ("C3", "C4", "C5")]
    assert later.count("C4") == later.count("C5") == 2
    assert later.count("C3") >= 2
    assert all(row["claim_line_number"] >= 1 and row["service_unit_quantity"] > 0 for row in got.rows)


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_failing(tail: bytes) -> None:
    got_837(tail)
    head = FILE[: FILE.index(b"HI*")]
    got = got_837(head + tail)
    assert got.rejected


@settings(max_examples=100)
@given(st.lists(st.sampled_from([*FILE.split(b"~\n")[:40], b"", b" ", b"ISA", b"CLM", b"LX", b"SV1", b"HL", b"NM1", b"HI", b"DTP", b"REF"]), max_size=40))  # fmt: skip
def test_segments_in_any_order_are_read_without_failing(segments: list[bytes]) -> None:
    content = FILE[: FILE.index(b"HL*1")] + b"".join(one + b"~\n" for one in segments)
    got = got_837(content)
    assert got.counts.lines + sum(one.lines for one in got.rejected) == sum(one.startswith(b"LX*") for one in segments)
