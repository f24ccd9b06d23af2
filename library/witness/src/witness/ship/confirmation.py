"""Whether an archive's log is a replica's: then the replica may rely on it for what is old."""

from __future__ import annotations

from witness.checkpoint import Checkpoint
from witness.day_files.streams import Stream
from witness.log.origins import origin_of
from witness.policy import PolicyError, judge_checkpoint, parse_policy
from witness.ship.archive import Archive, ArchiveError, read_small
from witness.ship.growth import check_consistency
from witness.ship.source import CHECKPOINT, LARGEST_CHECKPOINT, Source, SourceError


def confirm(source: Source, archive: Archive, stream: Stream, policy_octets: bytes) -> int:
    """How many records of the replica's log the archive's checkpoint stands for; 0 if it has none.

    Raises:
        ArchiveError: the archive's checkpoint is not this log's, or not cosigned as the policy demands.
        SourceError: the replica has no checkpoint that covers it, or its tiles don't fit.
        RefusedError: they are of two different histories.
    """
    policy = parse_policy(policy_octets)
    origin = origin_of(policy, stream.name)

    def checked(octets: bytes) -> Checkpoint | None:
        judged = judge_checkpoint(octets, policy, origin)
        return judged.checkpoint if judged.fulfilled else None

    path = f"{stream.folder}/{CHECKPOINT}"
    octets = read_small(archive, path, LARGEST_CHECKPOINT)
    if octets is None:
        return 0
    own = source.checkpoint(stream.name)
    try:
        archived = checked(octets)
    except PolicyError as error:
        raise ArchiveError(f"{path} of the archive: {error}") from error
    try:
        replica = checked(own) if own is not None else None
    except PolicyError as error:
        raise SourceError(f"the checkpoint of {stream.name}: {error}") from error
    if archived is None:
        raise ArchiveError(f"{path} of the archive is not cosigned as the policy demands; ship again")
    if replica is None or replica.size < archived.size:
        text = f"{source} has no cosigned checkpoint of {stream.name} that covers {archived.size} records"
        raise SourceError(f"{text}; wait until its log service has caught up")
    check_consistency(archived, replica, lambda tile: source.tile(stream.name, tile))
    return archived.size
