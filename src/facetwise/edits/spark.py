"""The same rule texts on Spark, for claims that have outgrown one machine.

DuckDB reads the claims, brings them into the form of the claim-line table and keeps the person-days in which a finding is
possible (`screening`), Spark prepares and judges these, DuckDB puts the findings in order. The files between the two lie in
the work directory beside the output, which every machine of the cluster has to see.

Spark plans and works out a step anew wherever its name stands. So what is read more than once, the prepared tables among it,
is written once as Parquet and read from there; by the size of the file Spark also tells which tables are small.
"""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from facetwise.edits.found import SELECT
from facetwise.edits.prepare.statements import fill
from facetwise.edits.registry import SCREENS, Family
from facetwise.edits.tables import PREPARED, reference_shapes
from facetwise.edits.texts import FINDING_COLUMNS, RuleText, read_text
from facetwise.edits.translate import WRITTEN_IN, translate
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

LOCAL = "local[*]"
_PAYER_BOOK = {"payer": "VARCHAR", "filing": "VARCHAR", "state": "VARCHAR", "book": "INTEGER"}
_TYPES = {"VARCHAR": "STRING"}
# Not kept from run to run, quiet, and the same on every machine.
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # By so much rows in memory outgrow their Parquet file: what is sent whole to every task must fit there.
    "spark.sql.sources.fileCompressionFactor": "8",
}
_LOCAL = {"spark.driver.memory": "2g", "spark.driver.extraJavaOptions": "-XX:+UseParallelGC"}
# Few lines: planning in steps and compiling every stage and every hot method cost more than they save.
_SMALL = {
    "spark.driver.memory": "1g",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}
_FEW_LINES = 100_000
_LINES_IN_PARTITION = 2_000_000
_TOGETHER = 4  # families judged at a time: while one is planned another runs


def run_spark(
    connection: duckdb.DuckDBPyConnection,
    work: Path,
    families: list[Family],
    master: str,
    progress: Callable[[str, float], None],
) -> None:
    """Judge what a batch has kept on the cluster at `master` (default: this machine); leave the findings as the view `found`.

    Raises FacetwiseError when pyspark or Java is missing or the cluster cannot be reached.
    """
    lines = _exported(connection, work)
    progress("preparing", 0.35)
    session = _session(master or LOCAL, lines)
    try:
        _prepare(session, work)
        progress("judging", 0.5)
        _judge_all(session, work, families, progress)
    finally:
        session.stop()
    progress("ordering", 0.95)
    connection.execute(
        f"CREATE OR REPLACE VIEW finding AS SELECT * FROM read_parquet('{_quoted(work / 'judged')}/*/*.parquet')"  # noqa: S608
    )
    connection.execute("CREATE OR REPLACE VIEW lot_line AS SELECT * FROM claim_line")
    connection.execute(f"CREATE OR REPLACE VIEW found AS {SELECT}")


def _exported(connection: duckdb.DuckDBPyConnection, work: Path) -> int:
    """Write the lines kept, their diagnoses and books, and the reference tables as Parquet; return how many lines."""
    place = work / "spark"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name in ("claim_line", "claim_dx"):
        connection.execute(f"COPY {name} TO '{_quoted(place / name)}' (FORMAT parquet, PER_THREAD_OUTPUT true)")
    for name in ("payer_book", *reference_shapes()):
        connection.execute(f"COPY {name} TO '{_quoted(place / name)}.parquet' (FORMAT parquet)")
    row: Any = connection.execute("SELECT count(*) FROM claim_line").fetchone()
    return int(row[0])


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
    if local:  # two hundred tasks, the default, cost more than they share; a task for each core holds what fits
        partitions = session.sparkContext.defaultParallelism * (1 + lines // _LINES_IN_PARTITION)
        session.conf.set("spark.sql.shuffle.partitions", str(partitions))
    return session


def _prepare(session: Any, work: Path) -> None:
    place, shapes = work / "spark", reference_shapes()
    for name in ("payer_book", *shapes):
        # With its columns said beforehand a file is not looked at until it is read.
        columns = _columns(_PAYER_BOOK if name == "payer_book" else shapes[name].columns)
        session.read.schema(columns).parquet(f"{place / name}.parquet").createOrReplaceTempView(name)
    for name in ("claim_line", "claim_dx"):
        session.read.parquet(str(place / name)).createOrReplaceTempView(name)
    for name, shape in PREPARED.items():
        made = f"SELECT {', '.join(shape.columns)} FROM ({fill(name, 'spark')})"  # noqa: S608 - names of our own
        if name == "line_dx":
            made = f"WITH claim_line AS (SELECT * FROM claim_dx) {made}"  # noqa: S608
        _written(session, made, place / "prepared" / name).createOrReplaceTempView(name)


def _judge_all(session: Any, work: Path, families: list[Family], progress: Callable[[str, float], None]) -> None:
    empty = {name for name in ("facet", "line_dx") if session.table(name).isEmpty()}
    asked = [(number, one) for number, one in enumerate(families) if not empty.intersection(one.needs)]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        jobs = [pool.submit(_judge, session, work, family, number) for number, family in asked]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                progress("judging", 0.5 + 0.4 * done / len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _judge(session: Any, work: Path, family: Family, number: int) -> None:
    """Write the findings of a family."""
    text = read_text(family.name)
    again = read_again(text)
    bit = SCREENS[family.screen]
    # The names that the text reads; every text has a `line` of its own, so the names of views must differ.
    before = {"line": f"SELECT * FROM line WHERE (screened & {bit:d}) <> 0"}  # noqa: S608 - a number of our own
    for step, select in text.steps:
        before[step] = translate(select, "spark")
        if step in again:
            view = f"{family.name}_{step}"
            made = _written(session, _with(before, f"SELECT * FROM {step}"), work / "spark" / "steps" / view)  # noqa: S608
            made.createOrReplaceTempView(view)
            before[step] = f"SELECT * FROM {view}"  # noqa: S608
    found = session.sql(_with(before, translate(text.findings, "spark")))
    found = found.toDF(*FINDING_COLUMNS).selectExpr(*FINDING_COLUMNS, f"{number} AS family")
    found.write.mode("overwrite").parquet(str(work / "judged" / family.name))


@functools.cache
def read_again(text: RuleText) -> frozenset[str]:
    """Return the steps of a text that its later parts read more than once."""
    reads: Counter[str] = Counter()
    for select in (*(select for _, select in text.steps), text.findings):
        reads.update(table.name for table in sqlglot.parse_one(select, dialect=WRITTEN_IN).find_all(exp.Table))
    return frozenset(step for step, _ in text.steps if reads[step] > 1)


def _with(before: Mapping[str, str], select: str) -> str:
    return f"WITH {', '.join(f'{name} AS ({made})' for name, made in before.items())} {select}"


def _written(session: Any, statement: str, place: Path) -> Any:
    """Work a statement out, write it as Parquet and return what reads it."""
    made = session.sql(statement)
    made.write.mode("overwrite").parquet(str(place))
    return session.read.schema(made.schema).parquet(str(place))


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in columns.items())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
