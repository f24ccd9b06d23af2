"""Which actions a search is made of. A few at a time can be searched deeply, all together at random."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alphabet:
    """Actions, and what happens before any of them."""

    name: str
    actions: tuple[str, ...]
    before: tuple[str, ...] = ()


def _at(node: int, *actions: str) -> tuple[str, ...]:
    return tuple(f"{action}@{node}" for action in actions)


def _at_both(*actions: str) -> tuple[str, ...]:
    return (*_at(0, *actions), *_at(1, *actions))


_ON_ITS_WAY = ("carry-out:0", "answer:0", "lose:0", "answer:-1")
_NODE = ("come", "go", "invite", "freeze", "thaw", "crash", "restart")
_NETWORK = ("hold", "release", "cut", "heal", "lag", "catch-up")
_LATE = ("come-untold", "go-untold", "tell")

EVERYTHING = Alphabet(
    "everything",
    (
        *_at_both(*_NODE, *_NETWORK, *_ON_ITS_WAY, *_LATE),
        *_at_both("admit:alice", "admit:bob", "end:alice", "keep:alice"),
        "wait:0.4",
        "wait:1.1",
    ),
)
"""One of each, for the runs that are short enough to try all."""

SEATS = Alphabet(
    "seats",
    (
        *_at_both("come", "crash", "restart", "freeze", "thaw"),
        *_at_both("admit:alice", "admit:bob", "end:alice"),
        "go@0",
        "wait:1.1",
    ),
)
"""Who has the one seat, while the nodes come and go."""

COMMITS = Alphabet(
    "commits",
    (
        *_at(0, "release", *_ON_ITS_WAY),
        *_at_both("admit:alice", "end:alice"),
        "come@1",
        "wait:0.4",
        "wait:6",
    ),
    ("hold@0",),
)
"""Transactions of the active node that are late, lost, doubled, or heard of late."""

LEASES = Alphabet(
    "leases",
    (*_at(0, "carry-out:-1", "answer:-1", "freeze", "thaw"), "come@1", "+keep:alice@0", "+keep:alice@1", "wait:1.1"),
    ("hold@0", "wait:3.3"),
)
"""What needs no commit, while nobody knows whose the epoch is."""

TAKEOVERS = Alphabet(
    "takeovers",
    (
        *_at(1, "come", "go", "lag", "catch-up", "release", "carry-out:0", "answer:0", "lose:0"),
        *_at(0, "admit:alice", "crash", "come"),
        *_at(1, "admit:bob", "admit:alice"),
        "wait:0.4",
    ),
    ("hold@1",),
)
"""A take-over that is slow, lost, or crossed by another."""

INVITATIONS = Alphabet(
    "invitations",
    (
        *_at(1, "invite", "come", "admit:bob", "release", "crash"),
        *_at(0, "go", "come", "admit:alice", "end:alice", "+keep:alice", "invite"),
        "wait:0.4",
        "wait:1.1",
    ),
    ("hold@1",),
)
"""A standby takes office before it has the address, which then comes, or doesn't."""

FOLLOWERS = Alphabet(
    "followers",
    (
        *_at(1, "come", "go", "catch-up", "lag", "cut", "heal", "admit:alice"),
        *_at(0, "admit:alice", "end:alice", "come", "freeze", "thaw"),
        "wait:0.4",
    ),
    ("lag@1",),
)
"""A standby that follows late, and takes office by what it has followed."""

THAWS = Alphabet(
    "thaws",
    (*_at(0, "come", "go", "thaw", "freeze", "keep:alice", "admit:alice"), "come@1", "go@1", "wait:0.4"),
    ("freeze@0", "wait:0.4"),
)
"""All that waits for a node that stood still, at once."""

CARETAKERS = Alphabet(
    "caretakers",
    (
        *_at(0, "release", "carry-out:0", "lose:0"),
        *_at(1, "come", "heal", "admit:alice", "admit:bob", "register:bob"),
        "wait:1.1",
        "wait:2.5",
    ),
    ("hold@0", "admit:alice@0", "go@0", "cut@1", "alone@1", "wait:8"),
)
"""The address comes to a node without a quorum, while what the other one has handed over is on its way."""

ANYTHING = Alphabet(
    "anything",
    (
        *EVERYTHING.actions * 2,
        *_at_both("admit:alice", "admit:bob", "end:alice", "end:bob", "keep:alice") * 2,
        *_at_both(
            "+admit:alice", "+end:alice", "+keep:bob", "another:alice", "lower:bob", "leave:bob", "+register:bob"
        ),
        *_at_both("step:3600", "step:-3600"),
        *_at_both("repeat:3", "repeat:7", "repeat:11", "replay:2", "replay:5"),
        *_at_both("carry-out:-1", "lose:-1", "answer:1"),
        *("wait:0.05", "wait:0.4", "wait:1.1", "wait:2.5") * 3,
        "wait:20",
    ),
)
"""All there is, weighted by how often it stands here."""

ALPHABETS = {
    one.name: one
    for one in (EVERYTHING, SEATS, COMMITS, LEASES, TAKEOVERS, INVITATIONS, FOLLOWERS, THAWS, CARETAKERS, ANYTHING)
}
