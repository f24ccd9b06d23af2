"""Whom to believe: a log's key, cosigners, and how many of them it takes (C2SP tlog-policy)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from witness.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from witness.errors import WitnessError
from witness.note import Algorithm, NoteError, Verifier, open_note, parse_vkey

MAX_OCTETS = 1_000_000
MAX_NAMES = 1_000
"""Cosigners, groups and logs that a policy may have in all."""
NONE = "none"
_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}\Z")


class PolicyError(WitnessError):
    """A text that is no policy, or a checkpoint that a policy can't judge."""


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """The key of a log or a cosigner, and where it is if the policy says so."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these cosigners or groups."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy's text says. Names are its own: they mean nothing elsewhere."""

    logs: tuple[PolicyKey, ...]
    cosigners: Mapping[str, PolicyKey]
    """The text's "witness" lines, by name."""
    groups: Mapping[str, Group]
    quorum: str
    """The name of a cosigner or a group, or NONE."""

    def log(self, origin: str) -> PolicyKey | None:
        """The log of this origin."""
        return next((each for each in self.logs if each.verifier.name == origin), None)

    def render(self) -> bytes:
        """The policy's text."""
        lines = [f"log {_key_text(each)}" for each in self.logs]
        lines += [f"witness {name} {_key_text(each)}" for name, each in self.cosigners.items()]
        lines += [f"group {name} {each.threshold} {' '.join(each.members)}" for name, each in self.groups.items()]
        return "".join(f"{line}\n" for line in (*lines, f"quorum {self.quorum}")).encode("utf-8", "surrogateescape")


def fulfilled(policy: Policy, cosigners: Collection[str]) -> bool:
    """Whether cosignatures by the cosigners of these names make a quorum."""
    # Groups stand after what they are made of, so that one pass does.
    satisfied = set(cosigners) & set(policy.cosigners)
    for name, group in policy.groups.items():
        if len(satisfied.intersection(group.members)) >= group.threshold:
            satisfied.add(name)
    return policy.quorum == NONE or policy.quorum in satisfied


@dataclass(frozen=True, slots=True)
class JudgedCheckpoint:
    """A checkpoint that a log of the policy has signed."""

    checkpoint: Checkpoint
    cosigned: Mapping[str, int]
    """By the cosigner's name in the policy: when, in seconds since 1970 (UTC)."""
    fulfilled: bool
    """Whether these cosignatures make the policy's quorum."""


def judge_checkpoint(octets: bytes, policy: Policy, origin: str | None = None) -> JudgedCheckpoint:
    """Read a signed checkpoint and see who of the policy stands for it.

    Raises:
        PolicyError: it is no checkpoint, no log of the policy has signed it, it's another log's than `origin`, or a
            signature by a key of the policy is wrong.
    """
    names = {each.verifier: name for name, each in policy.cosigners.items()}
    logs = {each.verifier for each in policy.logs}
    try:
        opened = open_note(octets, [*logs, *names])
        checkpoint = parse_checkpoint(opened.text)
    except (NoteError, CheckpointError) as error:
        raise PolicyError(f"this is not a checkpoint to rely on: {error}") from error
    if origin is not None and checkpoint.origin != origin:
        raise PolicyError(f"this checkpoint is of {checkpoint.origin}, not of {origin}")
    signers = [each.verifier for each in opened.verified if each.verifier in logs]
    if not any(each.name == checkpoint.origin for each in signers):
        raise PolicyError(f"the checkpoint of {checkpoint.origin} is not signed by a key of that name in the policy")
    cosigned: dict[str, int] = {}
    for each in opened.verified:
        if each.timestamp is not None:
            name = names[each.verifier]
            cosigned[name] = max(cosigned.get(name, 0), each.timestamp)
    return JudgedCheckpoint(checkpoint, cosigned, fulfilled(policy, cosigned))


def parse_policy(octets: bytes) -> Policy:
    """The policy that a text is.

    Raises:
        PolicyError: it is none; it says in which line.
    """
    if len(octets) > MAX_OCTETS:
        raise PolicyError(f"a policy of more than {MAX_OCTETS} octets")
    if not _ALLOWED.match(octets):
        raise PolicyError("a policy has no control characters other than tab and newline")
    if octets and not octets.endswith(b"\n"):
        raise PolicyError("the policy's last line has no end")
    reading = _Reading()
    # Names are opaque octets: those that are no UTF-8 survive, too.
    for number, line in enumerate(octets.decode("utf-8", "surrogateescape").split("\n"), 1):
        # Space and tab alone are white: str.split() would take Unicode's, too.
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            try:
                reading.take(words)
            except WitnessError as error:
                raise PolicyError(f"line {number} of the policy: {error}") from error
    return reading.finish()


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    logs: list[PolicyKey] = field(default_factory=list)
    cosigners: dict[str, PolicyKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    unused: set[str] = field(default_factory=set)
    """Names that are in no group yet."""

    def take(self, words: list[str]) -> None:
        """Read one line."""
        keyword, *rest = words
        readers = {"log": self._log, "witness": self._cosigner, "group": self._group, "quorum": self._quorum}
        if keyword not in readers:
            raise PolicyError("a line begins with log, witness, group or quorum")
        readers[keyword](rest)
        if len(self.logs) + len(self.cosigners) + len(self.groups) > MAX_NAMES:
            raise PolicyError(f"more than {MAX_NAMES} logs, witnesses and groups")

    def finish(self) -> Policy:
        """What it all says."""
        if self.quorum is None:
            raise PolicyError("the policy has no quorum line")
        return Policy(tuple(self.logs), self.cosigners, self.groups, self.quorum)

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise PolicyError("a log is written: log VKEY [URL]")
        key = _key(words, Algorithm.ED25519)
        _require_new_key(key, self.logs, "logs")
        self.logs.append(key)

    def _cosigner(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise PolicyError("a witness is written: witness NAME VKEY [URL]")
        key = _key(words[1:], Algorithm.COSIGNATURE)
        _require_new_key(key, list(self.cosigners.values()), "witnesses")
        self._define(words[0])
        self.cosigners[words[0]] = key

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise PolicyError("a group is written: group NAME all|any|NUMBER MEMBER…")
        name, number, *members = words
        thresholds = {"all": len(members), "any": 1}
        threshold = thresholds.get(number) or (int(number) if _NUMBER.match(number) else 0)
        if not 1 <= threshold <= len(members):
            raise PolicyError(f"a group of {len(members)} takes from 1 to {len(members)} of them, not {number}")
        for member in members:
            if member not in self.unused:
                raise PolicyError(f"{member} is not defined above, or is in a group already")
            self.unused.remove(member)
        self._define(name)
        self.groups[name] = Group(threshold, tuple(members))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.quorum is not None:
            raise PolicyError("there is one quorum line: quorum NAME")
        if words[0] != NONE and words[0] not in self.cosigners and words[0] not in self.groups:
            raise PolicyError(f"{words[0]} is not defined above")
        self.quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE or name in self.cosigners or name in self.groups:
            raise PolicyError(f"the name {name} is taken")
        self.unused.add(name)


def _key(words: list[str], algorithm: Algorithm) -> PolicyKey:
    verifier = parse_vkey(words[0])
    if verifier.algorithm is not algorithm:
        raise PolicyError(f"the key of {verifier.name} is of type 0x{verifier.algorithm:02x}, not 0x{algorithm:02x}")
    return PolicyKey(verifier, words[1] if len(words) > 1 else None)


def _require_new_key(key: PolicyKey, others: list[PolicyKey], what: str) -> None:
    if any(each.verifier.public_key == key.verifier.public_key for each in others):
        raise PolicyError(f"two {what} have the same key: {key.verifier.name}'s")


def _key_text(key: PolicyKey) -> str:
    return key.verifier.vkey if key.url is None else f"{key.verifier.vkey} {key.url}"
