"""What an operator may set of the gatekeeper's rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.core.effects import Address
from gatekeeper.core.source_limits import Rates


@dataclass(frozen=True, slots=True)
class Mcu:
    """A multipoint control unit: where terminals send Setup for a conference, and how many legs it can mix."""

    name: str
    address: Address
    capacity: int = 25


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """The core's settings. Times are seconds, bandwidths bit/s."""

    node: str
    gatekeeper_identifier: str
    ras_address: Address
    """What GCF and redirects name: the virtual address where there is one."""
    ras_address6: Address | None = None
    """The same for who comes by IPv6; None where there is no IPv6 address."""
    shared_address: bool = True
    """Whether `ras_address` is a virtual one, at which whoever is active answers."""
    alternates: tuple[Address, ...] = ()
    """RAS addresses of the other gatekeepers of the zone, best first: the alternateGatekeeper of GCF and RCF."""
    mcus: tuple[Mcu, ...] = ()
    council_alias: str = "council"
    time_to_live: int = 60
    conference_capacity: int = 25
    signature_window: int = 30
    maximum_bandwidth_bps: int = 2_000_000
    """Of one call; endpoints that ask for more are granted this much."""
    max_registrations: int = 100_000
    max_outstanding: int = 10_000
    """Decisions waiting for their commit; above it requests are dropped, and terminals retry."""
    calls_per_endpoint: int = 250
    """Legs at a time, an MCU's or gateway's included."""
    outside_callers: bool = False
    """Whether an endpoint may answer a call whose caller is not registered here."""
    neighbours: tuple[str, ...] = ()
    """IP addresses of other zones' gatekeepers, whose LRQ is answered though it is not signed."""
    irr_frequency: int = 60
    """Between two reports (IRR) on a call; 0 asks for none."""
    missed_reports: int = 3
    """Reports left out after which the endpoint is asked (IRQ), and a call that it doesn't confirm is cleared."""
    slow_commit: float = 0.5
    """After which whoever waits for a commit is told so (RIP)."""
    max_initiated: int = 1_000
    """Requests of the gatekeeper's own that wait for their answer."""
    refusals_per_source: int = 50
    """Refusals to unauthenticated requests that one IP address gets, each with a record, in a `refusal_interval`."""
    refusals_in_all: int = 500
    """Such refusals to everybody together in a `refusal_interval`."""
    refusal_interval: int = 10
    rates: Rates = field(default_factory=Rates)
    """What a source may send before it has proven who it is, and after."""

    def ras_address_for(self, source: Address) -> Address:
        """What is named to an endpoint there: an address of its own IP version, if there is one."""
        return self.ras_address6 if self.ras_address6 is not None and ":" in source[0] else self.ras_address

    @property
    def hosts(self) -> tuple[str, ...]:
        """The gatekeeper's own IP addresses, as an endpoint may write them."""
        return tuple(address[0] for address in (self.ras_address, self.ras_address6) if address is not None)
