"""What is believed of one other gatekeeper's signs of life: genuine, of the last second, and each only once.

docs/protocol.md, "Signs of life"; docs/decisions/0010-signs-of-life.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from h323.h235 import PrivateKey, PublicKey, SignedToken, TokenError, read_token, sign, verify
from h323.ras import DecodeError, RasMessage, decode

from gatekeeper.core import Address, Instant
from gatekeeper.failover.sign_of_life import PeerSign, SignError, Stamp, message, read

FRESH = 1.0
"""Seconds that a sign counts, and that it may have been under way."""
LARGEST = 2_048
"""Octets of a datagram with a sign of life."""
_SILENT = 0.2
"""Seconds without a sign after which the sender may have been started anew."""
_MOST_CHECKS = 200
"""Signatures that are checked a second."""
_MOST_DOUBTFUL = 20
"""Those of signs that can't be believed yet: from before a silence, or of a sender that says it was started anew."""
_REMEMBERED = 256
"""Own signs of which the time is known: more than are sent in a second."""

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Heard:
    """A sign that was believed."""

    sign: PeerSign
    at: float
    """Monotonic seconds."""
    boot: str


class _Budget:
    """At most so many in each second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = float("-inf")
        self._left = 0

    def spend(self, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second, self._left = now, self._most
        if self._left == 0:
            return False
        self._left -= 1
        return True


class PeerWatch:
    """Both directions between this gatekeeper and one other. Without a clock, a socket or randomness of its own."""

    def __init__(
        self, gatekeeper_identifier: str, key: PrivateKey, address: Address, random_bytes: RandomBytes
    ) -> None:
        self._gatekeeper_identifier = gatekeeper_identifier
        self._key = key
        # Both have the same key: whoever signs for the zone is one of them.
        self._public_key: PublicKey = key.public_key()
        self.address = address
        self._random_bytes = random_bytes
        self._boot = random_bytes(8).hex()
        self._count = 0
        self._sent: deque[float] = deque(maxlen=_REMEMBERED)
        self._answered = 0
        """The highest count of ours that a sign that was believed had heard of."""
        self._last: Stamp | None = None
        """Of the sender's boot that is believed."""
        self._candidate: Stamp | None = None
        """Of another boot: genuine, but it may be old. To hear its own count from us makes it prove that it isn't."""
        self._checks = _Budget(_MOST_CHECKS)
        self._late, self._strange = _Budget(_MOST_DOUBTFUL), _Budget(_MOST_DOUBTFUL)
        self.heard: Heard | None = None
        """The last sign that was believed."""
        self.refused = 0
        """Datagrams in the other's name that were not believed."""

    @property
    def boot(self) -> str | None:
        """Of the sender that is believed."""
        return None if self._last is None else self._last.boot

    def sign(self, own: PeerSign, now: Instant) -> bytes:
        """The datagram of the next sign of life."""
        self._count += 1
        self._sent.append(now.monotonic)
        echo = self._candidate or self._last
        stamp = Stamp(self._boot, self._count, *((echo.boot, echo.count) if echo else ()))
        return sign(
            message(stamp, own),
            key=self._key,
            senders_id=self._gatekeeper_identifier,
            general_id=self._gatekeeper_identifier,
            time_stamp=int(now.unix),
            random=int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF or 1,
        )

    def receive(self, datagram: bytes, source: Address, now: float) -> PeerSign | None:
        """The sign in a datagram, if it is the other's and was made within the last second. Never raises.

        `now` is monotonic seconds. The cheap checks come first.
        """
        found = self._read(datagram) if source == self.address and len(datagram) <= LARGEST else None
        if found is None or not self._may_check(found[0], now) or not verify(datagram, found[2], self._public_key):
            self.refused += 1
            return None
        stamp, told, _ = found
        if not self._is_proven(stamp, now):
            return None
        self.heard = Heard(told, now, stamp.boot)
        return told

    def _read(self, datagram: bytes) -> tuple[Stamp, PeerSign, SignedToken] | None:
        try:
            received = decode(datagram)
            stamp, told = read(received)
            token = _token(received)
        except (DecodeError, SignError, TokenError):
            return None
        names = (token.senders_id, token.general_id)
        ours = names == (self._gatekeeper_identifier, self._gatekeeper_identifier) and token.challenge is None
        return (stamp, told, token) if ours else None

    def _may_check(self, stamp: Stamp, now: float) -> bool:
        """Whether the signature is worth checking: only who reads what passes here knows the current boot."""
        if stamp.boot == self._boot:
            return False  # our own, sent back
        if self._last is None or stamp.boot != self._last.boot:
            return self._strange.spend(now)
        budget = self._checks if self._is_fresh(stamp, now) else self._late
        return stamp.count > self._last.count and budget.spend(now)

    def _is_proven(self, stamp: Stamp, now: float) -> bool:
        """Take in a genuine stamp; whether it was made after one of ours of the last second, and is the latest."""
        fresh = self._is_fresh(stamp, now)
        if self._last is not None and stamp.boot == self._last.boot:
            # Also where it isn't fresh: the other must hear its own count to make one that is.
            self._last, self._candidate = stamp, None
        elif fresh and stamp.heard_count > self._answered:
            self._last = stamp
        else:
            self._consider(stamp, now)
            return False
        if not fresh:
            return False
        self._candidate = None
        self._answered = max(self._answered, stamp.heard_count)
        return True

    def _is_fresh(self, stamp: Stamp, now: float) -> bool:
        """Whether its sender had heard one of ours that was made within the last second."""
        age = self._count - stamp.heard_count
        ours = stamp.heard_boot == self._boot and 0 <= age < len(self._sent)
        return ours and now - self._sent[-1 - age] <= FRESH

    def _consider(self, stamp: Stamp, now: float) -> None:
        """Another boot while the one that is believed is silent: it may be the one that was started after it."""
        if self.heard is not None and now - self.heard.at < _SILENT:
            return
        if self._candidate is None or stamp.boot != self._candidate.boot or stamp.count > self._candidate.count:
            self._candidate = stamp


def _token(received: RasMessage) -> SignedToken:
    token = read_token(received)
    if token is None:
        raise TokenError("no signature")
    return token
