"""The process that checks one upload: apart from the server, so that a file can neither block nor break it.

It is started when an upload begins and told what to do when that is whole. When the server goes, it deletes the upload and goes
too. What it says goes line by line to standard output (see `messages`); it logs nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from facetwise.problems import FacetwiseError, Problem
from facetwise.web.check.messages import END, LINE, PIECE, PROBLEM, PROGRESS, VALUES, Job, Trouble, Upload
from facetwise.web.trouble import ProblemPart, part_of

Emit = Callable[[bytes, Any], None]
_MOST_REJECTED = 1_000
_REJECTED_SHOWN = 200
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_NOT_HERE = ("raise --", "the columns there are")
_DAMAGED = "it cannot be read to its end: the file is damaged"


def work(job: Job, knowledge: Any, emit: Emit) -> None:
    """Check an upload and say what is wanted of it. What goes wrong is said too; no error comes out of here."""
    import duckdb

    try:
        for one in (*job.claims, *job.history):
            _measure(one, job)
        _check(job, knowledge, emit)
    except FacetwiseError as error:
        emit(PROBLEM, Trouble(kind="wrong-input", problems=_parts(error, job)))
    except duckdb.OutOfMemoryException:
        _refuse(emit, "more memory than a check may take is wanted", "fewer claims at once")
    except duckdb.Error:
        # Its words may hold what stands in the file.
        _refuse(emit, _DAMAGED, "a whole file")
    except MemoryError:
        _refuse(emit, "more memory than a check may take is wanted", "fewer claims at once")
    except OSError as error:
        _refuse(emit, f"the check ran out of room: {(error.strerror or 'no room').lower()}", "fewer claims at once")
    else:
        emit(END, None)


def _refuse(emit: Emit, found: str, expected: str) -> None:
    emit(PROBLEM, Trouble(kind="wrong-input", problems=(ProblemPart(file="claims", found=found, expected=expected),)))


def _parts(error: FacetwiseError, job: Job) -> tuple[ProblemPart, ...]:
    """Return the problems as they may be sent: with the labels of the files, and without what stands in them."""
    labels = {one.path: one.label for one in (*job.claims, *job.history)}
    parts = []
    for problem in error.problems:
        found = problem.found.partition(" that can be read: ")
        # What the engine says of a file may hold some of it.
        said = problem.found if not found[1] else found[0] + " that can be read"
        for path, label in labels.items():
            said = said.replace(path, label)
        part = part_of(Problem(problem.file, problem.line, said, problem.expected, problem.mend), of_body=True)
        # An option of the command means nothing here, and a header could hold anything.
        mend = "" if part.mend.startswith(_NOT_HERE) else part.mend
        parts.append(msgspec.structs.replace(part, file=labels.get(problem.file, ""), mend=mend))
    return tuple(parts)


def _measure(one: Upload, job: Job) -> None:
    """Raise FacetwiseError for a file that unpacks to more than is allowed, before anything is unpacked into memory or disk."""
    with Path(one.path).open("rb") as file:
        head = file.read(4)
    if head.startswith(_GZIP):
        import gzip

        size = 0
        # A file that ends early is told of by the reader.
        with gzip.open(one.path) as unpacked, contextlib.suppress(EOFError, OSError):
            while piece := unpacked.read(_CHUNK):
                size += len(piece)
                if size > job.unpacked_bytes:
                    break
        _bounded(one, size, job.unpacked_bytes, "bytes")
    elif head == b"PAR1":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            about = pq.read_metadata(one.path)
        except (pa.ArrowException, OSError):
            return  # the reader says what is wrong
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        _bounded(one, about.num_rows, job.lines, "lines")
        _bounded(one, sum(group.total_byte_size for group in groups), job.unpacked_bytes, "bytes")


def _bounded(one: Upload, found: int, most: int, what: str) -> None:
    if found > most or found < 0:
        raise FacetwiseError(
            Problem(one.path, 0, f"it unpacks to more than {most:,} {what}", f"at most {most:,} {what}", "split it")
        )


def _check(job: Job, knowledge: Any, emit: Emit) -> None:
    from facetwise.edits.batch import Settings
    from facetwise.edits.check import Asked, checked

    def progress(stage: str, done: float) -> None:
        emit(PROGRESS, {"type": "progress", "stage": stage, "done": round(done, 3)})

    asked = Asked(
        claims=tuple(Path(one.path) for one in job.claims),
        history=tuple(Path(one.path) for one in job.history),
        default_payer=job.payer,
        state=job.state,
        settings=Settings(job.memory, max(1, (os.cpu_count() or 2) - 1)),
    )
    with checked(asked, knowledge, Path(job.directory) / "findings", progress) as result:
        names = {one.path: one.name for one in (*job.claims, *job.history)}
        result.files = tuple(names.get(path, "claims") for path in result.files)
        _answer(job, knowledge, asked, result, names, emit)


def _answer(job: Job, knowledge: Any, asked: Any, result: Any, names: dict[str, str], emit: Emit) -> None:
    from facetwise.web.check import records

    if job.answer == "json":
        for piece in _json(result, names):
            emit(PIECE, piece)
    elif job.answer == "csv":
        for piece in records.csv_lines(records.records(result)):
            emit(PIECE, piece)
    elif job.answer == "report":
        emit(PIECE, _report(result, knowledge, asked, Path(job.directory)))
    elif job.answer == "page":
        emit(VALUES, _values(job, result, names))
    else:
        for finding in records.records(result):
            emit(LINE, {"type": "finding", **finding})
        for one in records.rejected(result.rejected_file, names):
            emit(LINE, {"type": "rejected", **one})
        emit(LINE, {"type": "summary", **result.head(), "rejected_records": result.rejected_records})
        if job.page:
            emit(VALUES, _values(job, result, names))
            emit(LINE, {"type": "report", "html": _report(result, knowledge, asked, Path(job.directory))})


def _json(result: Any, names: dict[str, str]) -> Iterator[str]:
    """Give the contract's document piece by piece."""
    from facetwise.web.check import records

    refused = list(records.rejected(result.rejected_file, names, _MOST_REJECTED))
    piece = msgspec.json.encode({**result.head(), "rejected_records": refused})[:-1] + b',\n"findings": ['
    between = b"\n"
    for finding in records.records(result):
        piece += between + msgspec.json.encode(finding)
        between = b",\n"
        if len(piece) > 60_000:
            yield piece.decode()
            piece = b""
    yield (piece + b"]}\n").decode()


def _values(job: Job, result: Any, names: dict[str, str]) -> Any:
    from facetwise.edits.report import report, run_of
    from facetwise.edits.report_terminal import answer, first_things
    from facetwise.web.check import records
    from facetwise.web.check.messages import PageValues

    found = report(result.findings_file, run_of(result))
    return PageValues(
        answer=answer(found),
        first=tuple(first_things(found)),
        report=found,
        rows=tuple(records.rows(result, job.severity, job.order, job.rows)),
        total=result.total,
        rejected=tuple(records.rejected(result.rejected_file, names, _REJECTED_SHOWN)),
        rejected_records=result.rejected_records,
        citations=records.citations(result),
    )


def _report(result: Any, knowledge: Any, asked: Any, directory: Path) -> str:
    from facetwise.edits.report_command import write_report

    out = directory / "report.html"
    write_report(result, knowledge, asked, out)
    return out.read_text(encoding="utf-8")


def main() -> None:
    """Wait for the job on standard input, do it, and go."""
    directory, overlays = Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]]
    _bound()
    # What takes time before the work can begin is done while the upload is still coming in.
    import duckdb  # noqa: F401

    import facetwise.edits.check  # noqa: F401
    from facetwise.knowledge import load

    try:
        knowledge = load(overlays)
    except FacetwiseError:
        knowledge = None  # told when it is asked for
    line = sys.stdin.buffer.readline()
    if not line:
        shutil.rmtree(directory, ignore_errors=True)
        return
    job = msgspec.json.decode(line, type=Job)
    threading.Thread(target=_watch, args=(directory,), daemon=True).start()
    out = sys.stdout.buffer

    def emit(tag: bytes, said: Any) -> None:
        out.write(tag + msgspec.json.encode(said) + b"\n")
        if tag != LINE:
            out.flush()

    try:
        if knowledge is None or knowledge.digest != job.knowledge:
            part = ProblemPart(found="the knowledge has changed since the server began", mend="start the server anew")
            emit(PROBLEM, Trouble(kind="failed", problems=(part,)))
        else:
            work(job, knowledge, emit)
    except BrokenPipeError:
        pass  # nobody waits for it any more
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
        emit(PROBLEM, Trouble(kind="failed", problems=(ProblemPart(found="the check failed", place=place),)))
    with contextlib.suppress(OSError):
        out.flush()


def _watch(directory: Path) -> None:
    """Go when the server has gone, and take the upload along."""
    sys.stdin.buffer.read()
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(1)


def _bound() -> None:
    """No dump of the memory, no file without end, and room for the server beside it."""
    try:
        import resource
    except ImportError:
        return  # not on Windows
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = 16_000_000_000
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or hard > most:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with contextlib.suppress(OSError):
        os.nice(10)


if __name__ == "__main__":
    main()
