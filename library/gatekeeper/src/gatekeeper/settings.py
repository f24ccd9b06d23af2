"""The service's configuration file: strict, and each error names the key and says what to write."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from witness.service.settings import MetricsSettings, Section, SettingsError, Tls, load, take_metrics, take_tls

from gatekeeper.core import Address, CoreSettings, Mcu, Rates
from gatekeeper.core.term_record import describe_settings
from gatekeeper.store.trimming import ONE_REPLICA, OUTBOX_BOUND, Trimming

ROLES = ("primary", "secondary")


@dataclass(frozen=True, slots=True)
class RasSettings:
    """Where RAS is spoken: this node's address, and the address that moves between the nodes."""

    address: str
    port: int = 1719
    virtual_address: str | None = None
    virtual_address6: str | None = None
    """An IPv6 address that moves with it."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """SQLite by its path, or etcd by its endpoints."""

    path: Path | None = None
    endpoints: tuple[str, ...] = ()
    tls: Tls | None = None
    trimming: Trimming = ONE_REPLICA
    """When the store drops a record of the witness log."""

    @property
    def kind(self) -> str:
        """As the configuration names it."""
        return "etcd" if self.path is None else "sqlite"


@dataclass(frozen=True, slots=True)
class RefetchSettings:
    """Where records come from that have left the outbox before this host had them on disk."""

    peers: tuple[str, ...]
    """The log services of the other replicas."""
    policy: Path
    """Whose signatures make a checkpoint one to believe (C2SP tlog-policy)."""


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """When this node gives up the virtual address (docs/decisions/0011-fitness.md)."""

    pulse_file: Path | None = None
    """Where h323-gatekeeper-watch sees whether the event loop is stuck; None where nobody looks."""
    promise: float = 0.08
    """Seconds within which the event loop is back unless it is stuck."""
    disk_reserve: int = 64_000_000
    """Octets that must be left on the file systems of log and state."""


@dataclass(frozen=True, slots=True)
class RestoreSettings:
    """Whether the secondary in office hands it back to the primary of its own accord."""

    after_minutes: int | None = None
    """Minutes for which the primary must have proved itself; None: only when an operator says so."""

    @property
    def mode(self) -> str:
        """As the configuration names it."""
        return "manual" if self.after_minutes is None else "automatic"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    role: str
    core: CoreSettings
    registry: Path
    signing_key: Path
    passwords: Path | None
    """Of equipment that can't sign; None where there is none."""
    log_directory: Path
    ras: RasSettings
    store: StoreSettings
    metrics: MetricsSettings
    control_socket: Path
    track_file: Path | None
    priority_file: Path | None
    """Where keepalived is told what to add to its priority."""
    vrrp_fifo: Path | None
    """Where keepalived tells its state; None where it isn't listened to."""
    fitness: FitnessSettings = FitnessSettings()
    restore: RestoreSettings = RestoreSettings()
    refetch: RefetchSettings | None = None


_LONGEST_IDENTIFIER = 128
_MOST_ALTERNATES = 8
"""Every GCF and RCF names them all, and must fit into a datagram that isn't fragmented."""
_LARGEST_STATED = 32_768
"""Octets of the settings that each term's record states: half of what a line of the log may have."""


def load_settings(path: Path) -> Settings:
    """Read the configuration file.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    return load(path, "gatekeeper.yaml", parse_settings)


def parse_settings(values: object) -> Settings:
    """Settings from the values of the file.

    Raises:
        SettingsError: a value is missing, wrong or unknown.
    """
    top = Section(values, "", "node:, role:, ras:, store: and so on, one a line")
    role = top.text("role", " | ".join(ROLES))
    if role not in ROLES:
        raise SettingsError(f"role is {role!r}; write role: {' | '.join(ROLES)}")
    ras = _ras(top.inner("ras", "{address: 192.0.2.11, port: 1719, virtual_address: 192.0.2.10}"))
    store = take_store(top.inner("store", "{kind: sqlite, path: …} or {kind: etcd, endpoints: […], …}"))
    settings = Settings(
        role=role,
        core=_core(top, ras),
        registry=top.path("registry", "/etc/h323-gatekeeper/guardian-registry.yaml"),
        signing_key=top.path("signing_key", "/etc/h323-gatekeeper/gatekeeper-key.pem"),
        passwords=top.path("passwords", "/etc/h323-gatekeeper/passwords.yaml") if top.has("passwords") else None,
        log_directory=top.path("log_directory", "/var/log/guardian-council"),
        ras=ras,
        store=store,
        metrics=take_metrics(top.inner("metrics", "{address: 127.0.0.1, port: 9719}", {})),
        control_socket=top.path("control_socket", "/run/h323-gatekeeper/control.sock"),
        track_file=top.path("track_file", "/run/h323-gatekeeper/track") if top.has("track_file") else None,
        priority_file=top.path("priority_file", "/run/h323-gatekeeper/priority") if top.has("priority_file") else None,
        restore=_restore(top.inner("restore", "{mode: manual} or {mode: automatic, after_minutes: 30}", {})),
        vrrp_fifo=top.path("vrrp_fifo", "/run/council-vrrp/notify") if top.has("vrrp_fifo") else None,
        fitness=_fitness(top),
        refetch=take_refetch(top, store),
    )
    must_fit_in_a_record(settings.core)
    if settings.vrrp_fifo is not None and ras.virtual_address is None:
        raise SettingsError("vrrp_fifo is there without an address that moves; write ras.virtual_address, or remove it")
    top.end()
    return settings


def must_fit_in_a_record(core: CoreSettings) -> None:
    """Whether a term can begin by these: its first record states them, and a longer line would stop the log.

    Raises:
        SettingsError: they are too long.
    """
    octets = len(json.dumps(describe_settings(core)))
    if octets > _LARGEST_STATED:
        raise SettingsError(
            f"mcus, neighbours and council_alias are {octets} octets in a record, which has at most {_LARGEST_STATED}"
            " for them; name fewer (some 400 MCUs fit)"
        )


def _fitness(top: Section) -> FitnessSettings:
    default = FitnessSettings()
    return FitnessSettings(
        pulse_file=top.path("pulse_file", "/run/h323-gatekeeper/pulse") if top.has("pulse_file") else None,
        promise=top.number("pulse_promise_ms", "80", round(1_000 * default.promise), 50, 5_000) / 1_000,
        disk_reserve=1_000_000 * top.number("disk_reserve_mb", "64", default.disk_reserve // 1_000_000, 1, 1_000_000),
    )


def _ras(ras: Section) -> RasSettings:
    address = ras.address("address", "192.0.2.11 (this node's own)")
    port = ras.number("port", "1719", 1719, 0, 65_535)
    virtual = ras.address("virtual_address", "192.0.2.10") if ras.has("virtual_address") else None
    if virtual == address:
        raise SettingsError("ras.virtual_address is this node's own address; write one that no host has")
    virtual6 = ras.address("virtual_address6", "2001:db8::10") if ras.has("virtual_address6") else None
    if virtual6 is not None and (virtual is None or ":" in virtual or ":" not in virtual6):
        raise SettingsError(
            "ras.virtual_address6 needs an IPv4 address beside it; write ras.virtual_address: 192.0.2.10 and"
            " ras.virtual_address6: 2001:db8::10, or only the former"
        )
    ras.end()
    return RasSettings(address, port, virtual, virtual6)


def _core(top: Section, ras: RasSettings) -> CoreSettings:
    listed = top.take("mcus", list, "[{name: mcu1, address: 192.0.2.21}]", [])
    mcus = tuple(_mcu(mcu, number) for number, mcu in enumerate(listed if isinstance(listed, list) else []))
    if len({mcu.name for mcu in mcus}) != len(mcus):
        raise SettingsError("mcus has two of the same name; give each a name of its own")
    default = CoreSettings("", "", ("", 0))
    return CoreSettings(
        node=top.name("node", "gk1"),
        gatekeeper_identifier=_identifier(top),
        ras_address=(ras.virtual_address or ras.address, ras.port),
        ras_address6=(ras.virtual_address6, ras.port) if ras.virtual_address6 is not None else None,
        shared_address=ras.virtual_address is not None,
        alternates=_alternates(top, ras),
        mcus=mcus,
        council_alias=top.text("council_alias", "council") if top.has("council_alias") else default.council_alias,
        time_to_live=top.number("time_to_live", "60 (seconds)", default.time_to_live, 5, 86_400),
        conference_capacity=top.number("conference_capacity", "25", default.conference_capacity),
        signature_window=top.number("signature_window", "30 (seconds)", default.signature_window, 5, 300),
        maximum_bandwidth_bps=top.number("maximum_bandwidth_bps", "2000000", default.maximum_bandwidth_bps, 6_400),
        refusals_per_source=top.number("refusals_per_source", "50", default.refusals_per_source),
        refusals_in_all=top.number("refusals_in_all", "500", default.refusals_in_all),
        refusal_interval=top.number("refusal_interval", "10 (seconds)", default.refusal_interval, 1, 3_600),
        rates=_rates(top.inner("rates", "{source: 200, host: 500, in_all: 5000, proven: 5000}", {})),
        calls_per_endpoint=top.number("calls_per_endpoint", "250", default.calls_per_endpoint),
        outside_callers=top.flag("outside_callers", default=default.outside_callers),
        neighbours=_neighbours(top),
        irr_frequency=top.number("irr_frequency", "60 (seconds)", default.irr_frequency, 0, 65_535),
        missed_reports=top.number("missed_reports", "3", default.missed_reports, 1, 100),
        slow_commit=top.number("slow_commit_ms", "500", round(1_000 * default.slow_commit), 50, 30_000) / 1_000,
    )


def _rates(rates: Section) -> Rates:
    default = Rates()
    made = Rates(
        source=rates.number("source", "200 (a second)", default.source),
        host=rates.number("host", "500 (a second)", default.host),
        in_all=rates.number("in_all", "5000 (a second)", default.in_all),
        proven=rates.number("proven", "5000 (a second)", default.proven),
    )
    rates.end()
    return made


def _neighbours(top: Section) -> tuple[str, ...]:
    listed = top.take("neighbours", list, "[198.51.100.10]", [])
    named = tuple(map(str, listed)) if isinstance(listed, list) else ()
    for host in named:
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise SettingsError(f"neighbours has {host!r}; write IP addresses of gatekeepers") from error
    return tuple(str(ipaddress.ip_address(host)) for host in named)


def _alternates(top: Section, ras: RasSettings) -> tuple[Address, ...]:
    listed = top.take("alternates", list, "[{address: 192.0.2.12}]", [])
    addresses = tuple(_alternate(one, number) for number, one in enumerate(listed if isinstance(listed, list) else []))
    if len(set(addresses)) != len(addresses):
        raise SettingsError("alternates has the same address twice; keep one of them")
    if (ras.address, ras.port) in addresses:
        raise SettingsError("alternates has this node's own address; name only the other gatekeepers")
    if len(addresses) > _MOST_ALTERNATES:
        raise SettingsError(f"alternates has more than {_MOST_ALTERNATES} gatekeepers; keep the best")
    return addresses


def _alternate(values: object, number: int) -> Address:
    alternate = Section(values, f"alternates[{number}]", "{address: 192.0.2.12, port: 1719}")
    made = (alternate.address("address", "192.0.2.12"), alternate.number("port", "1719", 1719, 1, 65_535))
    alternate.end()
    return made


def _identifier(top: Section) -> str:
    identifier = top.text("gatekeeper_identifier", "guardian-council")
    if len(identifier) > _LONGEST_IDENTIFIER:
        raise SettingsError(f"gatekeeper_identifier is longer than the {_LONGEST_IDENTIFIER} characters of H.225.0")
    return identifier


def _mcu(values: object, number: int) -> Mcu:
    mcu = Section(values, f"mcus[{number}]", "{name: mcu1, address: 192.0.2.21, port: 1720, capacity: 25}")
    made = Mcu(
        mcu.name("name", "mcu1"),
        (mcu.address("address", "192.0.2.21"), mcu.number("port", "1720", 1720, 1, 65_535)),
        mcu.number("capacity", "25", 25),
    )
    mcu.end()
    return made


def take_store(store: Section) -> StoreSettings:
    """Which store, and how it is reached."""
    kind = store.text("kind", "sqlite | etcd")
    if kind == "sqlite":
        path = store.path("path", "/var/lib/h323-gatekeeper/state.sqlite")
        made = StoreSettings(path=path, trimming=_trimming(store, 1))
    elif kind == "etcd":
        urls = store.urls("endpoints", '["https://192.0.2.11:2379", …]')
        made = StoreSettings(endpoints=urls, tls=take_tls(store), trimming=_trimming(store, 2))
    else:
        raise SettingsError(f"store.kind is {kind!r}; write kind: sqlite | etcd")
    store.end()
    return made


def _trimming(store: Section, nodes: int) -> Trimming:
    return Trimming(
        store.number("nodes", str(nodes), nodes, nodes),
        store.number("outbox_bound", str(OUTBOX_BOUND), OUTBOX_BOUND, 1_000),
    )


def take_refetch(top: Section, store: StoreSettings) -> RefetchSettings | None:
    """Where lost records come from; None where nobody is to be asked."""
    if not top.has("refetch"):
        return None
    refetch = top.inner("refetch", "{peers: [https://192.0.2.12:9721], policy: /etc/h323-witness/policy}")
    made = RefetchSettings(
        refetch.urls("peers", "[https://192.0.2.12:9721]"), refetch.path("policy", "/etc/h323-witness/policy")
    )
    refetch.end()
    if store.tls is None:
        raise SettingsError("refetch needs store's certificates; write kind: etcd there, or remove it")
    return made


def _restore(restore: Section) -> RestoreSettings:
    mode = restore.text("mode", "manual | automatic") if restore.has("mode") else "manual"
    if mode not in ("manual", "automatic"):
        raise SettingsError(f"restore.mode is {mode!r}; write mode: manual | automatic")
    minutes = restore.number("after_minutes", "30", 30, 1, 10_080) if mode == "automatic" else None
    restore.end()
    return RestoreSettings(minutes)
