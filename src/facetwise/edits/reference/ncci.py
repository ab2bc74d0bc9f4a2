"""The NCCI tables: from the releases of the catalog on the days that they hold, else from the tables of the knowledge.

A pair holds from its effective date to the day before its deletion date. Add-ons of type 2 are left out: their primaries
are the contractor's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from facetwise.edits.reference.codes import Rows, day_number, from_day, joined, to_day
from facetwise.edits.tables import FAR
from facetwise.knowledge import Knowledge

if TYPE_CHECKING:
    import duckdb

    from facetwise.catalog import Release

PRACTITIONER, HOSPITAL = 1, 2
# The kind of a release, the table it fills and for which service; an add-on table is for both.
KINDS = (
    ("ptp_practitioner", "ptp", PRACTITIONER),
    ("ptp_hospital", "ptp", HOSPITAL),
    ("mue_practitioner", "mue", PRACTITIONER),
    ("mue_outpatient_hospital", "mue", HOSPITAL),
    ("add_on", "add_on", 0),
)
_SERVICES = {"practitioner": PRACTITIONER, "outpatient_hospital": HOSPITAL}
_MUE_KINDS = {PRACTITIONER: "mue_practitioner", HOSPITAL: "mue_outpatient_hospital"}
# How the rows of one release become rows of a table; $release, $service, $first and $last are set by the caller.
_FROM_RELEASE = {
    "ptp": """
        INSERT INTO ptp
        SELECT $service, column1 || column2, column1, column2, indicator,
          greatest($first, effective - DATE '1970-01-01'),
          least($last, coalesce(deleted - DATE '1970-01-01' - 1, $last)), ''
        FROM catalog.ptp
        WHERE release_id = $release AND greatest($first, effective - DATE '1970-01-01')
          <= least($last, coalesce(deleted - DATE '1970-01-01' - 1, $last))""",
    "mue": """
        INSERT INTO mue SELECT $service, code, value, mai, 0, $first, $last, '' FROM catalog.mue WHERE release_id = $release""",
    "add_on": """
        INSERT INTO add_on
        SELECT add_on, primary_code, type, greatest($first, effective - DATE '1970-01-01'),
          least($last, coalesce(deleted - DATE '1970-01-01' - 1, $last)), ''
        FROM catalog.add_on
        WHERE release_id = $release AND type <> '2' AND $service = 0
          AND greatest($first, effective - DATE '1970-01-01') <= least($last, coalesce(deleted - DATE '1970-01-01' - 1, $last))
        """,
}
# A pair stands in every release that it outlives: rows that say the same and touch become one.
_UNITED = """
    CREATE OR REPLACE TABLE ptp AS
    SELECT service, pair, column1, column2, indicator, min(from_day) AS from_day, max(to_day) AS to_day, citations
    FROM (
      SELECT *, sum(begins) OVER (PARTITION BY service, pair, indicator, citations ORDER BY from_day, to_day) AS island
      FROM (
        SELECT *, CASE WHEN from_day <= max(to_day) OVER (
          PARTITION BY service, pair, indicator, citations ORDER BY from_day, to_day
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1 THEN 0 ELSE 1 END AS begins
        FROM ptp))
    GROUP BY service, pair, column1, column2, indicator, citations, island"""


@dataclass(frozen=True, slots=True)
class Edition:
    """A release, or an edition of the knowledge, that answers for a kind from one day to another."""

    kind: str
    release: str
    from_day: int
    to_day: int
    from_catalog: bool


def knowledge_rows(knowledge: Knowledge, releases: list[Release]) -> tuple[dict[str, Rows], list[Edition]]:
    """Return the rows of the knowledge's own tables on the days that no release answers for, and their editions."""
    taken: dict[str, list[tuple[int, int]]] = {}
    for release in releases:
        taken.setdefault(release.kind, []).append((day_number(release.start), day_number(release.end)))
    tables = knowledge.store.tables
    rows: dict[str, Rows] = {"ptp": [], "mue": [], "add_on": []}
    editions: list[Edition] = []

    def put(kind: str, table: str, values: tuple[object, ...], edition: str, span: tuple[int, int], cited: str) -> None:
        for begin, end in outside(span, taken.get(kind, [])):
            rows[table].append((*values, begin, end, cited))
            editions.append(Edition(kind, edition, begin, end, False))

    for row, record in tables["edits/ptp"].records():
        codes = record["column1"], record["column2"]
        for kind, service, indicator, deleted in (
            ("ptp_practitioner", PRACTITIONER, record["practitioner_indicator"], record["practitioner_deleted"]),
            ("ptp_hospital", HOSPITAL, record["hospital_indicator"], record["hospital_deleted"]),
        ):
            if indicator is None or (service == HOSPITAL and not record["hospital_listed"]):
                continue
            span = from_day(row.start), min(to_day(row.end), _last(deleted))
            if span[0] <= span[1]:
                values = (service, "".join(codes), *codes, indicator)
                put(kind, "ptp", values, record["edition"], span, joined(row.sources))
    for row, record in tables["edits/mue"].records():
        service = _SERVICES[record["table"]]
        inferred = int(row.evidence == "inferred")
        most = (service, record["code"], record["value"], record["mai"], inferred)
        span = from_day(row.start), to_day(row.end)
        put(_MUE_KINDS[service], "mue", most, record["edition"], span, joined(row.sources))
    for row, record in tables["edits/add-on-codes"].records():
        if record["type"] != "2":
            listed = (record["add_on"], record["primary"], record["type"])
            span = from_day(row.start), to_day(row.end)
            put("add_on", "add_on", listed, record["edition"], span, joined(row.sources))
    return rows, _summed(editions, taken)


def load_releases(connection: duckdb.DuckDBPyConnection, releases: list[Release]) -> list[Edition]:
    """Fill ptp, mue and add_on of this database from the catalog attached as `catalog`; return the editions."""
    editions = []
    services = {kind: (table, service) for kind, table, service in KINDS}
    for release in releases:
        table, service = services[release.kind]
        first, last = day_number(release.start), day_number(release.end)
        connection.execute(
            _FROM_RELEASE[table], {"service": service, "release": release.id, "first": first, "last": last}
        )
        editions.append(Edition(release.kind, release.release, first, last, True))
    if len({release.kind for release in releases}) < len(releases):
        connection.execute(_UNITED)
    return editions


def edition_rows(editions: list[Edition]) -> Rows:
    """Return the rows of the table `edition`."""
    kinds = {kind: (table, service) for kind, table, service in KINDS}
    rows: Rows = []
    for one in editions:
        table, service = kinds[one.kind]
        for each in (PRACTITIONER, HOSPITAL) if service == 0 else (service,):
            rows.append((table, each, one.release, one.from_day, one.to_day))
    return rows


def outside(span: tuple[int, int], taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of a span of days that none of the taken spans covers."""
    parts = [span]
    for first, last in taken:
        parts = [
            piece
            for begin, end in parts
            for piece in ((begin, min(end, first - 1)), (max(begin, last + 1), end))
            if piece[0] <= piece[1]
        ]
    return sorted(set(parts))


def _last(deleted: date | None) -> int:
    return FAR if deleted is None else day_number(deleted - timedelta(days=1))


def _summed(editions: list[Edition], taken: dict[str, list[tuple[int, int]]]) -> list[Edition]:
    """Unite the spans of the rows of one edition; an older edition ends where the next begins."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for one in editions:
        begin, end = spans.get((one.kind, one.release), (one.from_day, one.to_day))
        spans[one.kind, one.release] = min(begin, one.from_day), max(end, one.to_day)
    found = []
    for (kind, release), (begin, end) in sorted(spans.items(), key=lambda item: (item[0][0], item[1])):
        later = [first for (other, _), (first, _) in spans.items() if other == kind and first > begin]
        span = begin, min([end, *(first - 1 for first in later)])
        found += [Edition(kind, release, *part, False) for part in outside(span, taken.get(kind, []))]
    return found
