"""`tell` says to the replicas what an archive has, so that their rotation may remove old days."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from witness.cli.ship import add_certificate, add_streams, read_policy
from witness.day_files.streams import STREAMS, Stream
from witness.errors import WitnessError
from witness.log.origins import origin_of
from witness.log.peers import PeerError
from witness.policy import Policy, judge_checkpoint, parse_policy
from witness.service.settings import Tls
from witness.ship.archive import ArchiveError, FolderArchive, UnusableArchiveError, read_small
from witness.ship.https_source import HttpsSource, https_source
from witness.ship.source import CHECKPOINT, LARGEST_CHECKPOINT, SourceError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

OTHER_LOG, NOT_TOLD = 1, 2
_CONFLICT = 409
_EPILOG = """\
exit codes:
   0  every replica has marked what the archive has
   1  a replica has another log than the archive, or the archive's checkpoint is none of this log: keep both as evidence
   2  a replica was not told, as it doesn't answer or doesn't have all of it yet; run it again. Or the archive
      has nothing to tell

Verify the archive first: h323-witness verify ARCHIVE --policy FILE && h323-witness tell ARCHIVE --policy FILE --to URL
The log service believes archives that its setting `archives` names, by their certificate."""


def add_tell(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that tells."""
    text = "say to replicas' log services what an archive has, so that rotate may remove old days there"
    command = commands.add_parser(
        "tell",
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive's folder, which was verified")
    command.add_argument(
        "--policy", type=Path, required=True, metavar="FILE", help="whom to believe (C2SP tlog-policy)"
    )
    command.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="URL",
        help="https://HOST:PORT of a replica's log service; may be repeated",
    )
    add_streams(command)
    add_certificate(command)
    command.set_defaults(run=_tell)


def _tell(options: argparse.Namespace) -> int:
    policy = parse_policy(read_policy(options.policy))
    archive = FolderArchive(options.archive)
    tls = Tls(options.ca, options.certificate, options.private_key)
    code = 0
    for url in options.to:
        if not url.startswith("https://"):
            raise SourceError(f"{url}: name an https address (nothing is told without mutual TLS)")
    try:
        have = _checkpoints(options, policy, archive)
    except UnusableArchiveError:
        raise
    except ArchiveError as error:
        print(f"h323-witness: {error}", file=sys.stderr)
        return OTHER_LOG
    if not have:
        # A mount that is missing, or a typing error, must not look like replicas that were told.
        raise SourceError(f"{archive} has no checkpoint, so there is nothing to tell; see whether it is the archive")
    for url in options.to:
        with https_source(url, tls) as replica:
            found = [_tell_one(replica, stream, octets) for stream, octets in have]
        # Another log outweighs a replica that doesn't answer.
        code = OTHER_LOG if OTHER_LOG in (code, *found) else max(code, *found, 0)
    return code


def _checkpoints(options: argparse.Namespace, policy: Policy, archive: FolderArchive) -> list[tuple[Stream, bytes]]:
    """What the archive stands for, of the streams that have records."""
    have = []
    for name in options.stream or STREAMS:
        path = f"{STREAMS[name].folder}/{CHECKPOINT}"
        octets = read_small(archive, path, LARGEST_CHECKPOINT)
        if octets is None:
            continue
        try:
            judged = judge_checkpoint(octets, policy, origin_of(policy, name))
        except WitnessError as error:
            raise ArchiveError(f"{path} of the archive: {error}") from error
        if not judged.fulfilled:
            raise ArchiveError(f"{path} of the archive is not cosigned as the policy demands; ship again")
        have.append((STREAMS[name], octets))
    return have


def _tell_one(replica: HttpsSource, stream: Stream, octets: bytes) -> int:
    try:
        replica.say_archived(stream.name, octets)
    except PeerError as error:
        print(f"h323-witness: {stream.name}: {error}", file=sys.stderr)
        return OTHER_LOG if error.status == _CONFLICT else NOT_TOLD
    print(f"{replica}: {stream.name} is marked")
    return 0
