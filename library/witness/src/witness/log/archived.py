"""What an archive says that it has: a checkpoint, which is one of this very log and cosigned, or nothing is marked."""

from __future__ import annotations

from witness.day_files.markers import SHIPPED, read_marker, write_marker
from witness.errors import WitnessError
from witness.log.stream_log import StreamLog
from witness.policy import PolicyError
from witness.tiles import TileError, TileReader, folder_source
from witness.tree import tree_root


class ArchivedError(WitnessError):
    """Nothing was marked."""


class OtherLogError(ArchivedError):
    """What the archive has is no part of this log, or nobody has cosigned it."""


class NotYetError(ArchivedError):
    """This host can't tell now; the archive may ask again."""


def mark_archived(log: StreamLog, octets: bytes) -> int:
    """Mark what an archive has for good by its checkpoint; how many records are marked. A mark never goes back.

    May wait for the disk. There must be one call at a time.

    Raises:
        OtherLogError, NotYetError, MarkerError: nothing was marked.
    """
    size = _confirmed(log, octets)
    before = read_marker(log.folder, SHIPPED, log.name)
    if size <= before:
        return before
    try:
        write_marker(log.folder, SHIPPED, log.name, size)
    except OSError as error:
        # Where another user has put it, who ships from this very host.
        raise NotYetError(
            f"{log.folder / SHIPPED}: {error.strerror}; remove it if nobody ships as its owner"
        ) from error
    return size


def _confirmed(log: StreamLog, octets: bytes) -> int:
    try:
        judged = log.judge(octets)
    except PolicyError as error:
        raise OtherLogError(str(error)) from error
    if not judged.fulfilled:
        raise OtherLogError("the checkpoint is not cosigned as the policy demands")
    checkpoint, covered = judged.checkpoint, log.covered
    if checkpoint.size > covered:
        raise NotYetError(f"this host has {covered} of {checkpoint.size} records under a checkpoint")
    try:
        root = tree_root(checkpoint.size, TileReader(covered, folder_source(log.folder)).hash_at)
    except TileError as error:
        raise NotYetError(str(error)) from error
    if root != checkpoint.root:
        raise OtherLogError(f"the first {checkpoint.size} records of this host's log are others: keep both as evidence")
    return checkpoint.size
