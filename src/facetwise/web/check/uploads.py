"""Uploads of claims: received, checked in a process of their own, answered as a stream or whole, and gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from facetwise.web import reply
from facetwise.web.check import messages
from facetwise.web.check.messages import Job, PageValues, Trouble
from facetwise.web.check.private import private_directory, sweep
from facetwise.web.check.process import Process
from facetwise.web.check.receive import Received, receive
from facetwise.web.desk import Desk
from facetwise.web.settings import Settings
from facetwise.web.trouble import RequestError, refused

NDJSON, CSV = "application/x-ndjson", "text/csv"
# A stream begins when the process has read everything, or after so many seconds: before that, what is wrong has a status.
_PATIENCE = 2.0
_HEAD = {"cache-control": reply.NEVER_KEPT, "x-accel-buffering": "no"}
_FILES = {
    "csv": (f"{CSV}; charset=utf-8", "findings.csv"),
    "json": (reply.JSON, "findings.json"),
    "report": (f"{reply.HTML}; charset=utf-8", "report.html"),
}


@dataclass(frozen=True)
class Wanted:
    """How an upload is answered; `page` makes a page of values, `attached`: the answer is a file to keep."""

    answer: str
    page: Callable[[PageValues, Job], bytes] | None = None
    attached: bool = False


class Uploads:
    """Takes uploads, a few at a time."""

    def __init__(self, desk: Desk, settings: Settings, payers: tuple[str, ...]):
        self.desk = desk
        self.settings = settings
        self.payers = payers
        self.at_work = 0
        self._swept = False

    async def answer(
        self, scope: Scope, receive_: Receive, send: Send, wanted: Callable[[Received], Wanted], asked: dict[str, str]
    ) -> None:
        """Receive an upload, check it and answer. `asked` are payer and state, before those of a form. Raises RequestError."""
        if self.at_work >= self.settings.limits.checks_at_once:
            raise refused("busy", "as many uploads as are allowed are being checked", retry_after="10")
        self.at_work += 1
        try:
            if not self._swept:
                self._swept = True
                await asyncio.to_thread(sweep)
            with private_directory() as place:
                processes: list[Process] = []

                def begin() -> None:
                    processes.append(Process(place, self.settings.overlays))

                try:
                    received = await receive(Request(scope, receive_), place, begin)
                    how = wanted(received)
                    job = self._job(place, received, asked, how)
                    processes[0].ask(job)
                    await self._answered(processes[0], job, how, receive_, send)
                except ClientDisconnect:
                    pass  # there is nobody left to answer
                finally:
                    for process in processes:
                        process.close()
        finally:
            self.at_work -= 1

    def _job(self, place: Path, received: Received, asked: dict[str, str], how: Wanted) -> Job:
        if not received.files["claims"]:
            raise refused("wrong-input", "no file of claims", "a file under the name claims")
        limits = self.settings.limits
        fields = {**asked, **{name: text for name, text in received.fields.items() if text}}
        payer, state = fields.get("payer", ""), fields.get("state", "").upper()
        if payer and payer not in self.payers:
            raise refused("wrong-input", "a payer that is not known", "the id of a payer, see /api/v1/payers")
        if state and not (len(state) == 2 and state.isascii() and state.isalpha()):
            raise refused("wrong-input", "a state that is none", "two letters, such as OH")
        for name, words in (("severity", messages.SEVERITIES), ("order", messages.ORDERS)):
            if fields.get(name, "") not in words:
                raise refused("wrong-input", f"{name} is not known", ", ".join(word for word in words if word))
        return Job(
            directory=str(place),
            claims=tuple(received.files["claims"]),
            history=tuple(received.files["history"]),
            payer=payer,
            state=state,
            answer=how.answer,  # type: ignore[arg-type]
            page=how.page is not None,
            severity=fields.get("severity", ""),
            order=fields.get("order", ""),
            knowledge=self.desk.knowledge.digest,
            memory=limits.check_memory,
            unpacked_bytes=limits.unpacked_bytes,
            lines=limits.upload_lines,
        )

    async def _answered(self, process: Process, job: Job, how: Wanted, receive_: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive_, process))
        try:
            said = _said(process, asyncio.get_running_loop().time() + self.settings.limits.check_seconds)
            if job.answer == "stream":
                await _stream(said, job, how, send)
            elif job.answer == "page":
                await _page(said, job, how, send)
            else:
                await _whole(said, job, how, send)
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


Said = AsyncIterator[tuple[bytes, bytes]]


async def _said(process: Process, until: float) -> Said:
    """Give what the process says by its letter, to its end. Raises RequestError for its problems, and where it breaks off."""
    lines = process.lines()
    while True:
        try:
            async with asyncio.timeout_at(until):
                line = await anext(lines)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise refused("too-large", "the check takes longer than is allowed", "fewer claims at once") from None
        tag, said = line[:1], line[1:]
        if tag == messages.PROBLEM:
            trouble = msgspec.json.decode(said, type=Trouble)
            raise RequestError(trouble.kind, trouble.problems)
        if tag == messages.END:
            return
        yield tag, said
    raise refused("wrong-input", "the check of this file broke off", "a whole file, or fewer claims at once")


async def _page(lines: Said, job: Job, how: Wanted, send: Send) -> None:
    assert how.page is not None
    values: PageValues | None = None
    async for tag, said in lines:
        if tag == messages.VALUES:
            values = msgspec.json.decode(said, type=PageValues)
    assert values is not None
    content = await asyncio.to_thread(how.page, values, job)
    await _begin(send, f"{reply.HTML}; charset=utf-8")
    await send({"type": "http.response.body", "body": content})


async def _stream(lines: Said, job: Job, how: Wanted, send: Send) -> None:
    """Answer line by line. A problem is an error while nothing has been sent, and the last line of the stream after that."""
    begun = False
    held: list[bytes] = []
    began_at = asyncio.get_running_loop().time()

    async def pass_on(content: bytes) -> None:
        await send({"type": "http.response.body", "body": content, "more_body": True})

    try:
        async for tag, said in lines:
            if tag == messages.VALUES and how.page is not None:
                values = msgspec.json.decode(said, type=PageValues)
                html = await asyncio.to_thread(how.page, values, job)
                said = msgspec.json.encode({"type": "page", "html": html.decode()})
            held.append(said + b"\n")
            waited = asyncio.get_running_loop().time() - began_at
            if not begun and (tag != messages.PROGRESS or waited > _PATIENCE):
                begun = True
                await _begin(send, NDJSON)
            if begun and (tag == messages.PROGRESS or len(held) >= 200 or tag == messages.VALUES):
                await pass_on(b"".join(held))
                held.clear()
    except RequestError as error:
        if not begun:
            raise
        held.append(msgspec.json.encode({"type": "problem", "problem": error.details()}) + b"\n")
    await pass_on(b"".join(held))
    await send({"type": "http.response.body", "body": b""})


async def _whole(lines: Said, job: Job, how: Wanted, send: Send) -> None:
    """Answer as one document, piece by piece."""
    media, name = _FILES[job.answer]
    begun = False
    async for tag, said in lines:
        if tag != messages.PIECE:
            continue
        if not begun:
            begun = True
            headers = {"content-disposition": f'attachment; filename="{name}"'} if how.attached else {}
            await _begin(send, media, headers)
        piece: str = msgspec.json.decode(said, type=str)
        await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send, media: str, headers: dict[str, str] | None = None) -> None:
    given = {"content-type": media, **_HEAD, **(headers or {})}
    pairs = [(name.encode(), text.encode()) for name, text in given.items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})


async def _until_gone(receive_: Receive, process: Process) -> None:
    """End the process when nobody waits for its answer any more."""
    while (await receive_())["type"] != "http.disconnect":
        pass
    process.kill()
