"""How fast a file of lines is priced: lines a second, and the ratio to a plain read-and-hash of the same columns.

    .venv/bin/python benchmarks/price_setwise.py [LINES] [--threads N] [--memory-limit 2GB]

LINES (5 million) seeded lines are written once to a Parquet file below the temporary directory: claims of one to five
lines of the codes of the knowledge, dates of 2020 to 2026, office, hospital and surgery center, a third of 2026 with a
locality. Pricing (Parquet to Parquet, the
knowledge's fees loaded before) and the plain read (every column hashed, the hashes summed) run in turn, A B A B, in
processes of their own; the medians count, and the ratio is taken pair by pair.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_LINES = 5_000_000
_RUNS = 3
_TARGET = 500_000
_SEED = "facetwise"

_GENERATE = """
COPY (
    WITH claims AS (
        SELECT range AS claim, md5_number_lower($seed || range) AS h FROM range($claims)
    ),
    settled AS (
        SELECT claim, h,
            DATE '2020-01-01' + CAST(h % 2557 AS INTEGER) AS day,
            CAST(1 + (h >> 12) % 5 AS INTEGER) AS count,
            ['11', '11', '22', '24'][1 + CAST((h >> 16) % 4 AS INTEGER)] AS place,
            (h >> 20) % 8 = 0 AS center,
            h % 2557 >= 2192 AND (h >> 24) % 3 = 0 AS located,  -- the knowledge has the localities of 2026
            (h >> 28) % 4 = 0 AS participant
        FROM claims
    ),
    lines AS (
        SELECT settled.*, sequence.range AS line_number, md5_number_lower(h || '-' || sequence.range) AS g
        FROM settled, range(1, 6) AS sequence
        WHERE sequence.range <= settled.count
    )
    SELECT
        'C' || lpad(CAST(claim AS VARCHAR), 12, '0') AS claim_id,
        CAST(line_number AS INTEGER) AS claim_line_number,
        list_extract($codes, CAST(1 + g % len($codes) AS INTEGER)) AS hcpcs_code,
        ['', '', '50', 'RT', 'LT', '', 'KX', '59'][1 + CAST((g >> 24) % 8 AS INTEGER)] AS hcpcs_modifier_1,
        ['', '', '', 'KX'][1 + CAST((g >> 28) % 4 AS INTEGER)] AS hcpcs_modifier_2,
        '' AS hcpcs_modifier_3, '' AS hcpcs_modifier_4, '' AS hcpcs_modifier_5,
        CAST(CASE WHEN (g >> 32) % 10 = 0 THEN 2 ELSE 1 END AS INTEGER) AS service_unit_quantity,
        day AS date_of_service,
        CASE WHEN center THEN '24' ELSE place END AS place_of_service_code,
        CASE WHEN center THEN 'facility' ELSE 'professional' END AS claim,
        CASE WHEN located THEN list_extract($macs, CAST(1 + (h >> 40) % len($macs) AS INTEGER)) ELSE '' END AS mac,
        CASE WHEN located THEN list_extract($localities, CAST(1 + (h >> 40) % len($macs) AS INTEGER)) ELSE '' END AS locality,
        participant AS apm_participant,
        CAST((g >> 36) % 200000 AS DECIMAL(12, 2)) / 100 AS charge_amount
    FROM lines
) TO '{file}' (FORMAT parquet)
"""
_HASH = "SELECT count(*), bit_xor(hash({columns})) FROM read_parquet('{file}')"


def generate(file: Path, lines: int) -> None:
    """Write the lines, the same on every machine."""
    import duckdb

    from facetwise.knowledge import load

    tables = load().store.tables
    codes = sorted({(row.cells[0], row.cells[1]) for row in tables["fees/physician"].rows if not row.cells[1]})
    places = sorted({(row.cells[0], row.cells[1]) for row in tables["fees/gpci"].rows})
    connection = duckdb.connect()
    # The facet family and its neighbours as a claim file has them: the surgical codes far more often than the rest.
    common = [code for code, _ in codes if code.startswith(("644", "646"))]
    pool = [code for code, _ in codes] + common * 6
    values = {
        "claims": lines // 3 + 1,
        "seed": _SEED,
        "codes": pool,
        "macs": [mac for mac, _ in places],
        "localities": [locality for _, locality in places],
    }
    connection.execute(_GENERATE.format(file=file), values)
    connection.close()


def _price(file: Path, threads: int, memory_limit: str) -> None:
    from facetwise.knowledge import load
    from facetwise.payment.setwise import price_file

    store = load().store
    with tempfile.TemporaryDirectory() as place:
        priced = price_file(file, Path(place) / "out.parquet", store, threads=threads, memory_limit=memory_limit)
    print(priced.seconds, priced.lines, priced.priced, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def _hash(file: Path, threads: int) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    columns = ", ".join(connection.read_parquet(str(file)).columns)
    begin = time.perf_counter()
    found = connection.execute(_HASH.format(columns=columns, file=file)).fetchone()
    assert found is not None
    print(time.perf_counter() - begin, found[0], 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def _child(what: str, file: Path, options: argparse.Namespace) -> list[float]:
    command = [sys.executable, __file__, str(options.lines), "--run", what, "--file", str(file)]
    command += ["--threads", str(options.threads), "--memory-limit", options.memory_limit]
    return [float(word) for word in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()]


def main() -> int:
    """Print lines a second, the ratio and the method; return 1 when the target is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("lines", nargs="?", type=int, default=_LINES)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--memory-limit", default="")
    options.add_argument("--run", choices=("price", "hash"), help=argparse.SUPPRESS)
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.run == "price":
        _price(given.file, given.threads, given.memory_limit)
        return 0
    if given.run == "hash":
        _hash(given.file, given.threads)
        return 0
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "lines.parquet"
        generate(file, given.lines)
        pairs = [(_child("price", file, given), _child("hash", file, given)) for _ in range(_RUNS)]
        size = file.stat().st_size / 1e6
    seconds = statistics.median(price[0] for price, _ in pairs)
    plain = statistics.median(plain[0] for _, plain in pairs)
    lines, priced, memory = pairs[0][0][1], pairs[0][0][2], max(price[3] for price, _ in pairs)
    ratio = statistics.median(price[0] / plain[0] for price, plain in pairs)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors ({given.threads} threads used), "
        f"{platform.platform()}"
    )
    print(f"{lines:,.0f} lines ({priced:,.0f} priced), {size:,.0f} MB of Parquet; {_RUNS} pairs in turn, medians")
    rate = lines / seconds
    print(f"price, Parquet to Parquet   {seconds:6.2f} s   {rate:12,.0f} lines a second   peak {memory:.1f} GB")
    print(f"read and hash, same columns {plain:6.2f} s   {lines / plain:12,.0f} lines a second")
    print(f"ratio {ratio:.1f}; target {_TARGET:,} lines a second: {'met' if rate >= _TARGET else 'missed'}")
    return int(rate < _TARGET)


if __name__ == "__main__":
    sys.exit(main())
