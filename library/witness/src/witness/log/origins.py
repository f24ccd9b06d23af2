"""The policy of the council's log, and which of its keys is which stream's."""

from __future__ import annotations

from pathlib import Path

from witness.day_files.streams import STREAMS
from witness.errors import WitnessError
from witness.policy import Policy, PolicyError, parse_policy
from witness.service.settings import SettingsError


def origin_of(policy: Policy, stream: str) -> str:
    """The origin of a stream's log, which is the name of its key in the policy.

    Raises:
        PolicyError: the policy has none, or more than one.
    """
    names = [each.verifier.name for each in policy.logs if each.verifier.name.endswith(f"/{stream}")]
    if len(names) != 1:
        raise PolicyError(f"the policy has {len(names)} log keys whose names end with /{stream}; give it one")
    return names[0]


def read_policy(path: Path) -> Policy:
    """A policy that has a log for each stream.

    Raises:
        SettingsError: it can't be used.
    """
    try:
        policy = parse_policy(path.read_bytes())
        for name in STREAMS:
            origin_of(policy, name)
    except OSError as error:
        raise SettingsError(f"policy {path}: {error.strerror}; let the service read it") from error
    except WitnessError as error:
        raise SettingsError(f"policy {path}: {error}") from error
    return policy
