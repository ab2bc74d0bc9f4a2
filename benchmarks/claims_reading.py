"""How many claims of an 837P are read a second on one core, beside a plain split and two other readers, in one run.

    .venv/bin/python benchmarks/claims_reading.py [--claims N]

The file is generated (seeded): subscribers with one claim each, 1 to 4 diagnoses, 1 to 3 lines, fees fixed by code, member ids,
claim numbers and line control numbers all different; about 20 segments and 440 bytes a claim. "Split" reads the file and splits
it into segments; "split into elements" splits those too. pyx12 walks with its maps and builds a tree a claim; hccinfhir reads the
fields that risk adjustment needs. Both get the first claims of the same file only, since they take longer. All take turns in one process with one thread;
time is that of the processor, so that other work on the machine counts less. Medians.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from facetwise.claims.rejected import Counts, Quarantine
from facetwise.claims.x12 import read_837

_ROUNDS = 5
_BOUND = 60_000
_FEES = {
    code: 100 + 37 * number
    for number, code in enumerate(("64493", "64494", "64495", "99213", "64635", "77003", "J1100"))
}
_HEAD = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260302*1147*^*00501*000000907*0*P*:",
    "GS*HC*S*R*20260302*1147*1*X*005010X222A1",
)
_BEGIN = (
    *("ST*837*0001*005010X222A1", "BHT*0019*00*1*20260302*1147*CH", "NM1*41*2*SUBMITTER*****46*123"),
    *("PER*IC*LISA*TE*3035551234", "NM1*40*2*RECEIVER*****46*456", "HL*1**20*1", "PRV*BI*PXC*208VP0014X"),
    *("NM1*85*2*PAIN CLINIC*****XX*1234567893", "N3*1 MAIN ST", "N4*COLUMBUS*OH*432150000", "REF*EI*123456789"),
)


def _write(path: Path, claims: int) -> None:
    """Write the file piece by piece, so that its size does not count as memory."""
    count = len(_BEGIN)
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(f"{segment}~\n" for segment in (*_HEAD, *_BEGIN))
        for segments in _claims(claims):
            count += len(segments)
            file.writelines(f"{segment}~\n" for segment in segments)
        file.writelines(f"{segment}~\n" for segment in (f"SE*{count + 1}*0001", "GE*1*1", "IEA*1*000000907"))


def _claims(claims: int) -> Iterator[list[str]]:
    chance = random.Random(1)
    for number in range(claims):
        segments = [
            *(
                f"HL*{number + 2}*1*22*0",
                "SBR*P*18*******MB",
                f"NM1*IL*1*DOE*JANE*Q***MI*{number:08d}A",
                "N3*12 ELM ST",
            ),
            *("N4*COLUMBUS*OH*43215", "DMG*D8*19430412*F", "NM1*PR*2*MEDICARE*****PI*15202"),
        ]
        lines = [
            (chance.choice(list(_FEES)), chance.choice((":RT", ":LT", ":50", "", ":KX:RT")))
            for _ in range(chance.randint(1, 3))
        ]
        segments.append(f"CLM*C{number:08d}*{sum(_FEES[code] for code, _ in lines)}***11:B:1*Y*A*Y*Y")
        if chance.random() < 0.3:
            segments.append(f"REF*G1*A{number}")
        diagnoses = [f"M47{chance.randrange(800, 900)}" for _ in range(chance.randint(1, 4))]
        segments.append("HI*ABK:" + "*ABF:".join(diagnoses))
        segments += [f"NM1*82*1*HOUSE*GREG****XX*{1_000_000_000 + chance.randrange(300)}", "PRV*PE*PXC*208VP0014X"]
        day = f"2025{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
        for place, (code, modifiers) in enumerate(lines, 1):
            segments += [
                *(f"LX*{place}", f"SV1*HC:{code}{modifiers}*{_FEES[code]}*UN*1***1", f"DTP*472*D8*{day}"),
                f"REF*6R*{number}-{place}",
            ]
        yield segments


def _ours(path: Path) -> int:
    counts, quarantine = Counts(), Quarantine()
    with path.open("rb") as file:
        lines = sum(batch.num_rows for batch in read_837(file.read, 0, date(2026, 12, 31), quarantine, counts))
    if quarantine.records or lines != counts.lines:
        raise SystemExit(f"rejected: {quarantine.records[:3]}")
    return counts.claims or 0


def _split(path: Path) -> int:
    return sum(segment.startswith(b"CLM") for segment in path.read_bytes().split(b"~\n"))


def _elements(path: Path) -> int:
    return sum(elements[0] == b"CLM" for elements in [one.split(b"*") for one in path.read_bytes().split(b"~\n")])


def _pyx12(path: Path) -> int:
    from pyx12.error_handler import errh_null
    from pyx12.params import params
    from pyx12.x12context import X12ContextReader

    reader = X12ContextReader(params(), errh_null(), io.StringIO(path.read_text(encoding="ascii")))
    return sum(tree.id == "2300" for tree in reader.iter_segments("2300"))


def _hccinfhir(path: Path) -> int:
    from hccinfhir.extractor_837 import extract_sld_837

    return len({line.claim_id for line in extract_sld_837(path.read_text(encoding="ascii"))})


def _rate(read: Callable[[Path], int], path: Path, claims: int) -> float:
    begin = time.process_time()
    found = read(path)
    seconds = time.process_time() - begin
    if found != claims:
        raise SystemExit(f"{read.__name__} found {found} of {claims} claims")
    return claims / seconds


def main() -> int:
    """Print claims a second and the ratios; return 1 when fewer than 60,000 are read."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--claims", type=int, default=100_000)
    claims = options.parse_args().claims
    readers: dict[str, tuple[Callable[[Path], int], int]] = {
        "facetwise": (_ours, claims),
        "split into segments": (_split, claims),
        "split into elements": (_elements, claims),
        "hccinfhir": (_hccinfhir, min(claims, 2_000)),
        "pyx12": (_pyx12, min(claims, 200)),
    }
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, one thread")
    with tempfile.TemporaryDirectory() as name:
        files = {}
        for count in {count for _, count in readers.values()}:
            files[count] = Path(name, f"{count}.837")
            _write(files[count], count)
        size = files[claims].stat().st_size
        print(f"{claims:,} claims, {size / 1e6:.0f} MB; median of {_ROUNDS} rounds, in turn\n")
        _ours(files[claims])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rates: dict[str, list[float]] = {reader: [] for reader in readers}
        for _ in range(_ROUNDS):
            for reader, (read, count) in readers.items():
                rates[reader].append(_rate(read, files[count], count))
    ours = statistics.median(rates["facetwise"])
    for reader, found in rates.items():
        ratio = statistics.median(mine / other for mine, other in zip(rates["facetwise"], found, strict=True))
        print(
            f"{reader:20} {statistics.median(found):10,.0f} claims a second    facetwise reads {ratio:7.2f} times as many"
        )
    print(f"\npeak memory after reading {size / 1e6:.0f} MB: {peak:.0f} MB; bound: {_BOUND:,} claims a second")
    return int(ours < _BOUND)


if __name__ == "__main__":
    sys.exit(main())
