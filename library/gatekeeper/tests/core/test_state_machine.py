"""Random registrations and calls: no index goes stale, none grows with what is gone, and the store can restore all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gatekeeper.core.admission import admit
from gatekeeper.core.bandwidth_change import change_bandwidth
from gatekeeper.core.denial import Denial
from gatekeeper.core.disengage import disengage
from gatekeeper.core.registration import entitled, register, unregister_endpoint
from gatekeeper.core.registration_index import Registration, Sharing
from gatekeeper.core.request import Request
from gatekeeper.core.resources import indicate
from gatekeeper.core.state import State
from gatekeeper.core.unregistration import unregister
from gatekeeper.registry import Registry
from gatekeeper.store import Change
from h323.asn1.types import GatewayInfo, McuInfo, SupportedPrefix, TerminalInfo, VoiceCaps
from h323.ras import PROTOCOL_IDENTIFIER, AliasAddress, EndpointType, RasMessage, ResourcesAvailableIndicate
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from .zone import SETTINGS, START, Terminal, Zone, guardian

TYPES, PREFIXES = ("terminal", "gateway", "mcu"), ("0", "00", "9")
ALL = {"endpoint_types": TYPES, "prefixes": PREFIXES}
ALICE = replace(guardian("alice"), aliases=("alice", "1001", "the-chair"), **ALL)
BOB = replace(guardian("bob"), aliases=("bob", "1002"), **ALL)
CAROL = replace(guardian("carol"), endpoint_types=("terminal",))
REGISTRIES = (
    Registry((ALICE, BOB, CAROL)),
    # The chair changes hands, with its number; and Alice is nothing but a terminal any more.
    Registry((replace(guardian("alice"), aliases=("alice",)), replace(BOB, aliases=("bob", "1001", "the-chair")))),
)
NAMES = ("alice", "bob", "carol")
ALIASES = ("alice", "bob", "carol", "1001", "1002", "the-chair", *(f"if://guardian/{name}" for name in NAMES))
HOSTS = (101, 102, 103)
PORTS = (1720, 1721)
DIGITS = ("", "0", "001", "09", "9", "91", "5")

names = st.sampled_from(NAMES)
call_numbers = st.integers(1, 3)
bandwidths = st.sampled_from((0, 64_000))


def some(values: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=3).map(tuple)


def terminal_type(types: tuple[str, ...], prefixes: tuple[str, ...]) -> EndpointType:
    supported = tuple(SupportedPrefix(prefix=("dialledDigits", prefix)) for prefix in prefixes)
    return EndpointType(
        mc=False,
        undefined_node=False,
        terminal=TerminalInfo() if "terminal" in types else None,
        gateway=GatewayInfo(protocol=(("voice", VoiceCaps(supported_prefixes=supported)),))
        if "gateway" in types
        else None,
        mcu=McuInfo() if "mcu" in types else None,
    )


def alias_addresses(aliases: tuple[str, ...]) -> tuple[AliasAddress, ...] | None:
    return tuple(("h323-ID", alias) for alias in aliases) or None


def picture(state: State) -> dict[str, object]:
    """All that a state holds, its indexes included. When calls were reported is no part of what the store restores."""
    registrations, calls = dict(vars(state)), dict(vars(state.calls))
    del registrations["calls"]
    reported = calls.pop("_reported", {})
    return {**registrations, **{f"calls.{name}": value for name, value in calls.items()}, "reported": set(reported)}


class Registrar(RuleBasedStateMachine):
    """Decides one random request after the other, as the gatekeeper does once it knows who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.items: dict[str, bytes] = {}
        self.standby = State()
        self.untold: dict[str, bytes | None] = {}
        self.registry = REGISTRIES[0]
        zone = Zone()
        self.terminals = {name: Terminal(zone, name, host) for name, host in zip(NAMES, HOSTS, strict=True)}
        self.random = 0

    def random_bytes(self, count: int) -> bytes:
        self.random += 1
        return self.random.to_bytes(count, "big")

    def decide(self, handler: Any, name: str, message: RasMessage, host: int = HOSTS[0]) -> None:
        who = self.registry.by_terminal_id(f"if://guardian/{name}")
        if who is None:
            return
        decision = handler(
            Request(
                message=message,
                guardian=who,
                source=(f"192.0.2.{host}", 1719),
                now=START,
                state=self.state,
                registry=self.registry,
                settings=SETTINGS,
                random_bytes=self.random_bytes,
            )
        )
        if not isinstance(decision, Denial):
            self.keep(decision.changes)

    def keep(self, changes: tuple[Change, ...]) -> None:
        """What the store does with a decision's changes; a denial has none, and so must not have changed anything."""
        for change in changes:
            self.untold[change.key] = change.value
            if change.value is None:
                # A deletion of what isn't there would be a call or registration that was ended twice.
                del self.items[change.key]
            else:
                self.items[change.key] = change.value

    def identified(self, name: str) -> Terminal:
        terminal = self.terminals[name]
        registration = self.state.registration_of(f"if://guardian/{name}")
        terminal.endpoint_identifier = registration.endpoint_identifier if registration else ""
        return terminal

    @rule(
        name=names,
        addresses=st.lists(st.tuples(st.sampled_from(HOSTS), st.sampled_from(PORTS)), min_size=1, max_size=3),
        aliases=some(ALIASES),
        types=some(TYPES),
        prefixes=some(PREFIXES),
        flag=st.sampled_from(("", "", "additive_registration", "restart", "keep_alive")),
    )
    def registers(
        self,
        name: str,
        addresses: list[tuple[int, int]],
        aliases: tuple[str, ...],
        types: tuple[str, ...],
        prefixes: tuple[str, ...],
        flag: str,
    ) -> None:
        message = self.identified(name).registration(
            call_signal_address=tuple(Terminal(Zone(), name, host).address(port) for host, port in addresses),
            terminal_alias=alias_addresses(aliases),
            terminal_type=terminal_type(types, prefixes),
            **({flag: True} if flag else {}),
        )
        self.decide(register, name, message, addresses[0][0])

    @rule(name=names)
    def unregisters(self, name: str) -> None:
        self.decide(unregister, name, self.identified(name).unregistration())

    @rule(name=names, aliases=some(ALIASES), prefixes=some(PREFIXES))
    def unregisters_in_part(self, name: str, aliases: tuple[str, ...], prefixes: tuple[str, ...]) -> None:
        supported = tuple(SupportedPrefix(prefix=("dialledDigits", prefix)) for prefix in prefixes)
        message = self.identified(name).unregistration(
            endpoint_alias=alias_addresses(aliases), supported_prefixes=supported or None
        )
        self.decide(unregister, name, message)

    @rule(
        name=names, call=call_numbers, to=st.sampled_from(("council", *ALIASES)), bandwidth=st.sampled_from((0, 64_000))
    )
    def is_admitted(self, name: str, call: int, to: str, bandwidth: int) -> None:
        self.decide(admit, name, self.identified(name).admission(call, to=to, bandwidth_bps=bandwidth))

    @rule(name=names, call=call_numbers)
    def disengages(self, name: str, call: int) -> None:
        self.decide(disengage, name, self.identified(name).disengagement(call))

    @rule(name=names, call=call_numbers, bandwidth=bandwidths)
    def changes_bandwidth(self, name: str, call: int, bandwidth: int) -> None:
        self.decide(change_bandwidth, name, self.identified(name).bandwidth(bandwidth, call))

    @rule(name=names, almost_out=st.booleans())
    def tells_of_its_resources(self, name: str, almost_out: bool) -> None:
        terminal = self.identified(name)
        message = ResourcesAvailableIndicate(
            request_seq_num=terminal.next_seq(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            endpoint_identifier=terminal.endpoint_identifier or "0000000000000000",
            protocols=(),
            almost_out_of_resources=almost_out,
        )
        self.decide(indicate, name, message)

    @rule(registry=st.sampled_from(REGISTRIES), enforced=st.booleans())
    def registry_changes(self, registry: Registry, enforced: bool) -> None:
        """At a reload it's enforced; after a takeover requests may come before that."""
        self.registry = registry
        for registration in tuple(self.state.registrations.values()):
            who = registry.by_terminal_id(registration.terminal_id)
            if enforced and (who is None or not entitled(registration, who)):
                self.keep(unregister_endpoint(self.state, registration))

    @rule()
    def the_standby_is_told(self) -> None:
        """Of several transactions at once, as it may happen."""
        self.standby.take(self.untold, Sharing())
        self.untold = {}
        assert picture(self.standby) == picture(self.state)

    @rule(warm=st.booleans())
    def fails_over(self, warm: bool) -> None:
        self.the_standby_is_told()
        restored = State.restored(self.items, 0.0)
        self.state, self.standby = (self.standby, restored) if warm else (restored, self.standby)

    @invariant()
    def the_store_restores_all(self) -> None:
        assert picture(State.restored(self.items, 0.0)) == picture(self.state)

    @invariant()
    def every_question_is_answered_as_by_a_search(self) -> None:
        state, all_of_them = self.state, tuple(self.state.registrations.values())
        for name in NAMES:
            found = [one for one in all_of_them if one.terminal_id == f"if://guardian/{name}"]
            assert [state.registration_of(f"if://guardian/{name}")] == (found or [None])
        for alias in ALIASES:
            found = [one for one in all_of_them if alias in (*one.aliases, one.terminal_id)]
            assert [state.registration_by_alias(alias)] == (found or [None])
        for address in ((f"192.0.2.{host}", port) for host in HOSTS for port in PORTS):
            found = [one for one in all_of_them if address in one.call_signal_addresses]
            assert [state.registration_at(address)] == (found or [None])
        mcus = {one.endpoint_identifier for one in all_of_them if "mcu" in one.endpoint_types}
        assert set(state.registered_mcus) == mcus
        for digits in DIGITS:
            assert set(state.gateways_for(digits)) == longest_match(all_of_them, digits)

    @invariant()
    def every_call_is_a_registered_endpoints(self) -> None:
        assert {call.endpoint_identifier for call in self.state.calls} <= set(self.state.registrations)
        assert self.state.almost_out <= set(self.state.registrations)


def longest_match(registrations: tuple[Registration, ...], digits: str) -> set[Registration]:
    """The gateways with the longest prefix of `digits`, found by looking at all of them."""
    best = max((len(p) for one in registrations for p in one.prefixes if digits.startswith(p)), default=0)
    return {one for one in registrations if any(len(p) == best and digits.startswith(p) for p in one.prefixes)}


TestState = Registrar.TestCase
TestState.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
