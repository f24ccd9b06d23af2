"""How fast the codec and the gatekeeper's core are here: microseconds an operation, on one core, in memory."""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from pathlib import Path

from h323.ras import decode, encode

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "library" / "gatekeeper" / "tests" / "core"))

from zone import Terminal, Zone

ROUNDS = 2_000


def measure(name: str, work: Callable[[], object]) -> float:
    """Print and give the microseconds of one call of `work`."""
    microseconds = timeit.timeit(work, number=ROUNDS) / ROUNDS * 1e6
    sys.stdout.write(f"{name:44} {microseconds:8.1f} us {1e6 / microseconds:10.0f} /s\n")
    return microseconds


def main() -> None:
    """Measure."""
    zone = Zone()
    alice = Terminal(zone, "alice")
    alice.register()
    keep_alive = alice.registration(keep_alive=True)
    octets = encode(keep_alive)
    measure("decode RRQ keepAlive", lambda: decode(octets))
    measure("encode RRQ keepAlive", lambda: encode(keep_alive))
    measure("sign RRQ keepAlive", lambda: alice.signed(keep_alive))
    pairs = iter([alice.signed(alice.registration(keep_alive=True)) for _ in range(ROUNDS)])
    measure("signed keepAlive through the core", lambda: zone.exchange_octets(next(pairs), alice.source))


main()
