"""The same rule texts on Spark, for claims that have outgrown one machine.

DuckDB reads the claims and brings them into the form of the claim-line table, Spark prepares and judges them, DuckDB puts the
findings in order. The files between the two lie in the work directory beside the output, which every machine of the cluster
has to see.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.edits.batch import FINDINGS, Found
from facetwise.edits.books import Books
from facetwise.edits.prepare.statements import fill
from facetwise.edits.registry import FAMILIES, Family
from facetwise.edits.tables import PREPARED, reference_shapes
from facetwise.edits.texts import FINDING_COLUMNS, read_text
from facetwise.edits.translate import translate
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

    from facetwise.edits.reference.build import Reference

LOCAL = "local[*]"
_ALL_SCREENS = 31
_PAYER_BOOK = {"payer": "VARCHAR", "filing": "VARCHAR", "state": "VARCHAR", "book": "INTEGER"}
_TYPES = {"VARCHAR": "STRING"}
# Not kept from run to run, quiet, and the same on every machine.
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.parquet.enableVectorizedReader": "true",
    "spark.driver.memory": "2g",
}
_LOCAL = {"spark.sql.shuffle.partitions": "4"}  # on one machine two hundred small tasks cost more than they share
# Few lines: planning in steps and compiling every stage cost many times what they save.
_SMALL = {"spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false"}
_FEW_LINES = 100_000


def run_spark(
    connection: duckdb.DuckDBPyConnection,
    work: Path,
    reference: Reference,
    books: Books,
    master: str,
    progress: Callable[[str, float], None],
    with_history: bool,
    families: Sequence[Family] = FAMILIES,
) -> Found:
    """Judge the lines of `source` on the cluster at `master` (default: this machine); return where the findings lie.

    Raises FacetwiseError when pyspark or Java is missing or the cluster cannot be reached.
    """
    lines, first, last = _exported(connection, work, reference, books)
    progress("preparing", 0.2)
    session = _session(master or LOCAL, lines)
    try:
        _prepare(session, work)
        progress("judging", 0.4)
        for number, family in enumerate(families):
            if family.with_history and not with_history:
                continue
            found = session.sql(translate(read_text(family.name).statement(), "spark"))
            found = found.toDF(*FINDING_COLUMNS).selectExpr(*FINDING_COLUMNS, f"{number} AS family")
            found.write.mode("overwrite").parquet(str(work / "judged" / family.name))
            progress("judging", 0.4 + 0.5 * (number + 1) / len(families))
    finally:
        session.stop()
    progress("ordering", 0.9)
    found = Found(work / "findings.parquet", lines, first, last, 1)
    connection.execute(
        f"CREATE OR REPLACE VIEW finding AS SELECT * FROM read_parquet('{_quoted(work / 'judged')}/*/*.parquet')"  # noqa: S608
    )
    connection.execute("CREATE OR REPLACE VIEW lot_line AS SELECT * FROM source")
    connection.execute(FINDINGS, {"file": str(found.findings)})
    progress("done", 1.0)
    return found


def _exported(
    connection: duckdb.DuckDBPyConnection, work: Path, reference: Reference, books: Books
) -> tuple[int, int, int]:
    """Write the claim lines, their books and the reference tables as Parquet; return the lines and their days."""
    run = connection.execute
    place = work / "spark"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    run(
        f"COPY (SELECT *, {_ALL_SCREENS} AS screened FROM source) TO '{_quoted(place / 'claim_line')}'"  # noqa: S608
        " (FORMAT parquet, PER_THREAD_OUTPUT true)"
    )
    asked = run(
        "SELECT DISTINCT coalesce(payer, ''), coalesce(claim_filing_indicator_code, ''), coalesce(state, '') FROM source"
    ).fetchall()
    run("CREATE OR REPLACE TABLE payer_book (payer VARCHAR, filing VARCHAR, state VARCHAR, book INTEGER)")
    if asked:
        connection.executemany("INSERT INTO payer_book VALUES (?, ?, ?, ?)", books.resolve(asked))
    for name in ("payer_book", *reference_shapes()):
        run(f"COPY {name} TO '{_quoted(place / name)}.parquet' (FORMAT parquet)")
    row: Any = run(
        "SELECT count(*), coalesce(min(claim_line_start_date) - DATE '1970-01-01', 0),"
        " coalesce(max(claim_line_start_date) - DATE '1970-01-01', 0) FROM source"
    ).fetchone()
    return row[0], row[1], row[2]


def _session(master: str, lines: int) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise FacetwiseError(
            Problem("", 0, "pyspark is not installed", "it", "install it with: pip install 'facetwise[spark]'")
        ) from None
    builder = SparkSession.builder.appName("facetwise check").master(master)
    local = master.startswith("local")
    settings = {**_SETTINGS, **(_LOCAL if local else {}), **(_SMALL if local and lines < _FEW_LINES else {})}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # pyspark raises its own kind for a missing Java and for a master that does not answer
        first = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"Spark does not start at {master}: {first[0][:200]}",
                "Java 17 or newer, and a master that answers",
            )
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _prepare(session: Any, work: Path) -> None:
    place, shapes = work / "spark", reference_shapes()
    for name in ("payer_book", *shapes):
        # With its columns said beforehand a file is not looked at until it is read.
        read = session.read.schema(_columns(_PAYER_BOOK if name == "payer_book" else shapes[name].columns))
        read.parquet(f"{place / name}.parquet").createOrReplaceTempView(name)
    session.read.parquet(str(place / "claim_line")).createOrReplaceTempView("claim_line")
    for name, shape in PREPARED.items():
        columns = ", ".join(shape.columns)
        made = session.sql(f"SELECT {columns} FROM ({fill(name, 'spark')})")  # noqa: S608 - names of our own
        made.persist()
        made.createOrReplaceTempView(name)


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in columns.items())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
