"""`ship` brings an archive up to date, `shipped` tells a replica up to where an archive has its log."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from witness.day_files.markers import SHIPPED, read_marker
from witness.day_files.streams import STREAMS, Stream
from witness.durable_file import replace_durably
from witness.errors import WitnessError
from witness.policy import MAX_OCTETS, PolicyError
from witness.service.settings import Tls
from witness.ship.archive import ArchiveError, FolderArchive, UnusableArchiveError
from witness.ship.confirmation import confirm
from witness.ship.errors import RefusedError
from witness.ship.https_source import https_source
from witness.ship.metrics import StreamRun, last_shipped, render
from witness.ship.shipping import Shipment, Shipping
from witness.ship.source import FolderSource, Source, SourceError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

REFUSED, NOT_SHIPPED = 1, 2
_PKI = Path("/etc/guardian-council/pki")
Errors = list[tuple[str, WitnessError]]
_LOOK_AGAIN = 0.5
"""Seconds between two looks at a source that has less than the archive."""
_EPILOG = """\
exit codes:
   0  the archive has what the source's cosigned checkpoints stand for (with --check: it could have)
   1  refused: the source shows another history, or less than before (both checkpoints are kept in ARCHIVE/evidence), or
      the archive itself is not what was shipped
   2  a stream was not shipped, as the source does not answer, its checkpoint is not cosigned, or the archive can't be
      written (a full disk); run it again

It may be stopped at any point and run again. h323-witness verify ARCHIVE --policy FILE verifies the archive."""


def add_ship(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that ships."""
    text = "bring an archive up to date: only what is missing, only what is cosigned, checked before it counts"
    command = commands.add_parser(
        "ship",
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "source",
        metavar="SOURCE",
        help="a replica's folder above the streams' folders, or https://HOST:PORT of its log service",
    )
    command.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive's folder, made if it is missing")
    command.add_argument(
        "--policy", type=Path, required=True, metavar="FILE", help="whom to believe (C2SP tlog-policy)"
    )
    add_streams(command)
    command.add_argument("--check", action="store_true", help="write nothing; say what would be shipped")
    command.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds that a source may have less than the archive, before that is a rollback (%(default).0f)",
    )
    command.add_argument(
        "--no-mark",
        dest="mark",
        action="store_false",
        help="leave no mark in a SOURCE that is a folder; h323-witness rotate then keeps everything there",
    )
    add_certificate(command)
    command.add_argument(
        "--metrics", type=Path, metavar="FILE", help="a text file for Prometheus' node exporter, written at the end"
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    command.set_defaults(run=_ship)


def add_shipped(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that marks a replica's folder."""
    text = "mark in a replica's folder up to where an archive has its log, so that rotate may remove old days"
    command = commands.add_parser("shipped", help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("directory", type=Path, metavar="DIR", help="the folder above the streams' folders")
    command.add_argument(
        "archive", type=Path, metavar="ARCHIVE", help="the archive, or a folder with its STREAM_FOLDER/checkpoint files"
    )
    command.add_argument(
        "--policy", type=Path, required=True, metavar="FILE", help="whom to believe (C2SP tlog-policy)"
    )
    add_streams(command)
    command.add_argument("--check", action="store_true", help="write nothing; say what would be marked")
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    command.set_defaults(run=_shipped)


def add_certificate(command: argparse.ArgumentParser) -> None:
    """Arguments of a command that speaks with log services."""
    for name, file, what in (
        ("--ca", "ca.pem", "the council's CA"),
        ("--certificate", "host.pem", "this host's certificate"),
        ("--private-key", "host-key.pem", "this host's private key"),
    ):
        command.add_argument(name, type=Path, default=_PKI / file, metavar="FILE", help=f"{what}, PEM (%(default)s)")


def add_streams(command: argparse.ArgumentParser) -> None:
    """The argument of a command that may be about some streams only."""
    command.add_argument(
        "--stream", action="append", choices=sorted(STREAMS), metavar="STREAM", help="only this one; may be repeated"
    )


def _ship(options: argparse.Namespace) -> int:
    policy = read_policy(options.policy)
    archive = FolderArchive(options.archive)
    # Check mode must not make the folder, and so can't lock it.
    wait = _patience(options.wait)
    with _source(options) as source, nullcontext() if options.check else archive.locked(wait):
        shipping = Shipping(source, archive, policy, check=options.check, wait=wait)

        def ship(stream: Stream) -> Shipment:
            shipment = shipping.ship(stream)
            if not options.check:
                source.mark_shipped(stream.name, shipment.after)
            return shipment

        shipments, errors = _each(options, ship)
        if options.metrics is not None and not options.check:
            _write_metrics(options.metrics, shipping, shipments, errors)
    return _report(options, shipments, errors)


def _shipped(options: argparse.Namespace) -> int:
    policy = read_policy(options.policy)
    archive = FolderArchive(options.archive)
    source = FolderSource(options.directory, mark=not options.check)

    def mark(stream: Stream) -> Shipment:
        before = read_marker(options.directory / stream.folder, SHIPPED, stream.name)
        size = confirm(source, archive, stream, policy)
        if size > before:
            source.mark_shipped(stream.name, size)
        return Shipment(stream.name, before, max(before, size))

    return _report(options, *_each(options, mark))


def read_policy(path: Path) -> bytes:
    """The octets of a policy, unparsed. Raises PolicyError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror})") from error


@contextmanager
def _source(options: argparse.Namespace) -> Iterator[Source]:
    if options.source.startswith("https://"):
        with https_source(options.source, Tls(options.ca, options.certificate, options.private_key)) as source:
            yield source
    elif "://" in options.source:
        raise SourceError(
            f"{options.source}: name a folder, or an https address (nothing is shipped without mutual TLS)"
        )
    else:
        yield FolderSource(Path(options.source), mark=options.mark)


def _patience(seconds: float) -> Callable[[], bool]:
    """Waits a moment, as long as there is time left for it; all streams share it."""
    end = time.monotonic() + seconds

    def wait() -> bool:
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_AGAIN)
        return True

    return wait


def _each(options: argparse.Namespace, work: Callable[[Stream], Shipment]) -> tuple[list[Shipment], Errors]:
    """Do each stream's work, whatever becomes of the others."""
    shipments: list[Shipment] = []
    errors: Errors = []
    for name in options.stream or STREAMS:
        try:
            shipments.append(work(STREAMS[name]))
        except WitnessError as error:
            errors.append((name, error))
    return shipments, errors


def _write_metrics(path: Path, shipping: Shipping, shipments: list[Shipment], errors: Errors) -> None:
    try:
        before = last_shipped(path.read_text(encoding="utf-8")) if path.exists() else {}
        now = time.time()
        runs = {each.stream: StreamRun(lag=0, shipped=now, refused=False) for each in shipments}
        for name, error in errors:
            runs[name] = StreamRun(_lag(shipping, name), before.get(name), refused=_is_refused(error))
        replace_durably(path, render(runs), mode=0o644)
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}; give --metrics a file that this user may write") from error


def _lag(shipping: Shipping, name: str) -> int | None:
    try:
        return shipping.lag(STREAMS[name])
    except WitnessError:
        return None


def _is_refused(error: WitnessError) -> bool:
    # A full disk is no evidence of anything.
    return isinstance(error, (RefusedError, ArchiveError)) and not isinstance(error, UnusableArchiveError)


def _report(options: argparse.Namespace, shipments: list[Shipment], errors: Errors) -> int:
    if options.json:
        print(json.dumps(_document(shipments, errors, check=options.check), indent=1))
    else:
        _show(shipments, errors, check=options.check)
    refused = any(_is_refused(error) for _, error in errors)
    return REFUSED if refused else NOT_SHIPPED if errors else 0


def _show(shipments: list[Shipment], errors: Errors, *, check: bool) -> None:
    verb = "to come" if check else "new"
    for each in shipments:
        print(f"{each.stream:9} {each.after} records, {each.sent} of them {verb}")
    for name, error in errors:
        print(f"h323-witness: {name}: {error}", file=sys.stderr)


def _document(shipments: list[Shipment], errors: Errors, *, check: bool) -> object:
    return {
        "check": check,
        "sent": sum(each.sent for each in shipments),
        "streams": {each.stream: {"before": each.before, "after": each.after, "sent": each.sent} for each in shipments},
        "errors": [{"stream": name, "kind": _kind(error), "text": str(error)} for name, error in errors],
    }


def _kind(error: WitnessError) -> str:
    if isinstance(error, RefusedError):
        return error.refusal.value
    return "archive" if isinstance(error, ArchiveError) else "source"
