"""The drill's load as a process: told what to do by lines of JSON on stdin, as README.md describes."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from terminal.cli.running import gatekeeper_address
from terminal.core.endpoint import Address
from terminal.errors import TerminalError

from .run import GUARDIANS, Traffic, TrafficSettings

_REAL_TIME_PRIORITY = 1
_NICE = -20
_LARGEST_LINE = 65_536
_RARELY = (100_000, 50, 100)
"""When to look for garbage: the objects of a run live long or die at once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load until told to stop; 1 where it can't be begun or carried on."""
    try:
        return asyncio.run(_run(_settings(arguments)))
    except TerminalError as error:
        _say("failed", why=str(error))
        return 1


def _settings(arguments: Sequence[str] | None) -> TrafficSettings:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.traffic", description=__doc__)
    parser.add_argument("--gatekeeper", required=True, help="the virtual address, HOST[:PORT]")
    parser.add_argument("--direct", action="append", default=[], metavar="NODE=HOST[:PORT]", help="a node's own one")
    for name in ("--registry", "--keys", "--gatekeeper-key", "--answers"):
        parser.add_argument(name, required=True, type=Path)
    parser.add_argument("--guardians", type=int, default=GUARDIANS, help=f"who are held in a call ({GUARDIANS})")
    parser.add_argument("--requests", type=float, default=100.0, help="ARQ and DRQ a second, in all (100)")
    parser.add_argument("--interval-ms", type=float, default=5.0, help="between two probes (5)")
    parser.add_argument("--ordinary", action="store_true", help="ask for no real-time scheduling")
    parser.add_argument("--most-paused-ms", type=float, default=20.0, help="of this process; longer is invalid (20)")
    parser.add_argument("--gatekeeper-identifier", default="guardian-council")
    options = parser.parse_args(arguments)
    return TrafficSettings(
        gatekeeper=gatekeeper_address(options.gatekeeper),
        direct=dict(_direct(one) for one in options.direct),
        registry=options.registry,
        keys=options.keys,
        gatekeeper_key=options.gatekeeper_key,
        answers=options.answers,
        guardians=options.guardians,
        requests=options.requests,
        interval=options.interval_ms / 1000,
        ordinary=options.ordinary,
        most_paused_ms=options.most_paused_ms,
        gatekeeper_identifier=options.gatekeeper_identifier,
    )


def _direct(text: str) -> tuple[str, Address]:
    node, equals, address = text.partition("=")
    if not equals:
        raise TerminalError(f"--direct {text} is not NODE=HOST[:PORT]; write for example gk1=192.0.2.11")
    return node, gatekeeper_address(address)


async def _run(settings: TrafficSettings) -> int:
    traffic = Traffic(settings)
    try:
        await traffic.begin()
        writing = asyncio.ensure_future(traffic.write_answers())
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_RARELY)
        _say("ready", scheduling="ordinary" if settings.ordinary else _hurry())
        asking = asyncio.ensure_future(_answer_all(traffic))
        try:
            await asyncio.wait([writing, asking], return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
            asking.result()
        finally:
            writing.cancel()
            asking.cancel()
        _say("stopped", held_lost=await traffic.leave())
    finally:
        traffic.close()
    return 0


async def _answer_all(traffic: Traffic) -> None:
    """Do what is asked on stdin until told to stop, or nobody is there any more who could ask."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LARGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settling: asyncio.Task[None] | None = None
    try:
        while line := await reader.readline():
            asked = _read(line)
            do = str(asked.get("do"))
            if settling is not None:
                settling.cancel()  # whoever asks something else waits for that no longer
            if do == "stop":
                return
            if do == "settled":
                settling = asyncio.ensure_future(_settled(traffic, asked))
            else:
                await _ANSWERS.get(do, _not_understood)(traffic, asked)
    finally:
        if settling is not None:
            settling.cancel()


def _read(line: bytes) -> Mapping[str, object]:
    try:
        asked = json.loads(line)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


async def _mark(traffic: Traffic, asked: Mapping[str, object]) -> None:
    name = str(asked.get("name", ""))
    _say("marked", name=name, time=traffic.mark(name))


async def _settled(traffic: Traffic, asked: Mapping[str, object]) -> None:
    probes, requests = int(str(asked.get("probes", 100))), int(str(asked.get("requests", 20)))
    _say("settled", seconds=round(await traffic.settled(probes, requests), 3))


async def _report(traffic: Traffic, _asked: Mapping[str, object]) -> None:
    _write((await traffic.report()).line)


async def _not_understood(_traffic: Traffic, asked: Mapping[str, object]) -> None:
    _say("not understood", asked=asked)


_ANSWERS: Mapping[str, Callable[[Traffic, Mapping[str, object]], Awaitable[None]]] = {
    "mark": _mark,
    "report": _report,
}


def _hurry() -> str:
    """Be scheduled before others: a busy machine is not to be taken for an outage. Says what was allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REAL_TIME_PRIORITY))
    except OSError:
        pass
    else:
        return "real-time"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    except OSError:
        return "ordinary"
    return f"nice {_NICE}"


def _say(event: str, **fields: object) -> None:
    _write(json.dumps({"event": event, **fields}))


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
