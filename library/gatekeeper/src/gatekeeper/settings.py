"""The service's configuration file: strict, and each error names the key and says what to write."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from gatekeeper.core import Address, CoreSettings, Mcu, Rates

ROLES = ("primary", "secondary")


class SettingsError(ValueError):
    """The configuration can't be used; its text says what to write."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a mutual TLS connection, PEM."""

    ca: Path
    certificate: Path
    private_key: Path


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
    nodes: int = 1
    """Gatekeepers that share it: each must have a record of the witness log on disk before the store drops it."""

    @property
    def kind(self) -> str:
        """As the configuration names it."""
        return "etcd" if self.path is None else "sqlite"


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus reads; without TLS only on loopback."""

    address: str = "127.0.0.1"
    port: int = 9719
    tls: Tls | None = None


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


_LONGEST_IDENTIFIER = 128
_MOST_ALTERNATES = 8
"""Every GCF and RCF names them all, and must fit into a datagram that isn't fragmented."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class _Mapping:
    """A mapping of the file whose keys are taken one by one; what is left over in the end is an error."""

    def __init__(self, values: object, where: str, advice: str) -> None:
        if not isinstance(values, dict):
            raise SettingsError(f"{where} is not a mapping; write {advice}")
        self._values: dict[object, object] = dict(values)
        self._where = where

    def _name(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def take(self, key: str, kind: type, advice: str, default: object = ...) -> object:
        value = self._values.pop(key, default)
        if value is ...:
            raise SettingsError(f"{self._name(key)} is missing; write {key}: {advice}")
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: {advice}")
        return value

    def text(self, key: str, advice: str) -> str:
        value = str(self.take(key, str, advice))
        if not value:
            raise SettingsError(f"{self._name(key)} is empty; write {key}: {advice}")
        return value

    def name(self, key: str, advice: str) -> str:
        value = self.text(key, advice)
        if not _NAME.fullmatch(value):
            raise SettingsError(f"{self._name(key)} is {value!r}; write letters, digits and . _ - like {advice}")
        return value

    def path(self, key: str, advice: str) -> Path:
        return Path(self.text(key, advice))

    def number(self, key: str, advice: str, default: int, low: int = 1, high: int = 2**31) -> int:
        value = self.take(key, int, advice, default)
        if not isinstance(value, int) or not low <= value <= high:
            raise SettingsError(f"{self._name(key)} is {value!r}; write a number from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._values.pop(key, default)
        if not isinstance(value, bool):
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: true or false")
        return value

    def address(self, key: str, advice: str) -> str:
        value = self.text(key, advice)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError as error:
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: {advice}") from error

    def inner(self, key: str, advice: str, default: object = ...) -> _Mapping:
        return _Mapping(self.take(key, dict, advice, default), self._name(key), advice)

    def has(self, key: str) -> bool:
        return self._values.get(key) is not None

    def end(self) -> None:
        for key in self._values:
            raise SettingsError(f"{self._name(str(key))} is not a setting of this service; remove it")


def load_settings(path: Path) -> Settings:
    """Read the configuration file.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader), path)
        values = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give the path of gatekeeper.yaml") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line}: not YAML; write 'name: value' lines") from error
    except SettingsError:
        raise
    except (ValueError, OverflowError, LookupError, AttributeError) as error:
        # What PyYAML lets out at 2026-13-45, "\UFFFFFFFF", !!int "" and !!timestamp x.
        raise SettingsError(f"{path}: a value that YAML cannot read ({error}); write text in quotes") from error
    try:
        return parse_settings(values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _check_keys(node: yaml.Node | None, path: Path) -> None:
    """Refuse a key that stands twice: YAML would silently take the last one."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, path)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise SettingsError(f"{path}:{key.start_mark.line + 1}: {key.value} stands twice; keep one of them")
            seen.add(str(key.value))
            _check_keys(value, path)


def parse_settings(values: object) -> Settings:
    """Settings from the values of the file.

    Raises:
        SettingsError: a value is missing, wrong or unknown.
    """
    top = _Mapping(values, "", "node:, role:, ras:, store: and so on, one a line")
    role = top.text("role", " | ".join(ROLES))
    if role not in ROLES:
        raise SettingsError(f"role is {role!r}; write role: {' | '.join(ROLES)}")
    ras = _ras(top.inner("ras", "{address: 192.0.2.11, port: 1719, virtual_address: 192.0.2.10}"))
    settings = Settings(
        role=role,
        core=_core(top, ras),
        registry=top.path("registry", "/etc/h323-gatekeeper/guardian-registry.yaml"),
        signing_key=top.path("signing_key", "/etc/h323-gatekeeper/gatekeeper-key.pem"),
        passwords=top.path("passwords", "/etc/h323-gatekeeper/passwords.yaml") if top.has("passwords") else None,
        log_directory=top.path("log_directory", "/var/log/guardian-council"),
        ras=ras,
        store=_store(top.inner("store", "{kind: sqlite, path: …} or {kind: etcd, endpoints: […], …}")),
        metrics=_metrics(top.inner("metrics", "{address: 127.0.0.1, port: 9719}", {})),
        control_socket=top.path("control_socket", "/run/h323-gatekeeper/control.sock"),
        track_file=top.path("track_file", "/run/h323-gatekeeper/track") if top.has("track_file") else None,
        priority_file=top.path("priority_file", "/run/h323-gatekeeper/priority") if top.has("priority_file") else None,
        restore=_restore(top.inner("restore", "{mode: manual} or {mode: automatic, after_minutes: 30}", {})),
        vrrp_fifo=top.path("vrrp_fifo", "/run/council-vrrp/notify") if top.has("vrrp_fifo") else None,
        fitness=_fitness(top),
    )
    if settings.vrrp_fifo is not None and ras.virtual_address is None:
        raise SettingsError("vrrp_fifo is there without an address that moves; write ras.virtual_address, or remove it")
    top.end()
    return settings


def _fitness(top: _Mapping) -> FitnessSettings:
    default = FitnessSettings()
    return FitnessSettings(
        pulse_file=top.path("pulse_file", "/run/h323-gatekeeper/pulse") if top.has("pulse_file") else None,
        promise=top.number("pulse_promise_ms", "80", round(1_000 * default.promise), 50, 5_000) / 1_000,
        disk_reserve=1_000_000 * top.number("disk_reserve_mb", "64", default.disk_reserve // 1_000_000, 1, 1_000_000),
    )


def _ras(ras: _Mapping) -> RasSettings:
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


def _core(top: _Mapping, ras: RasSettings) -> CoreSettings:
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


def _rates(rates: _Mapping) -> Rates:
    default = Rates()
    made = Rates(
        source=rates.number("source", "200 (a second)", default.source),
        host=rates.number("host", "500 (a second)", default.host),
        in_all=rates.number("in_all", "5000 (a second)", default.in_all),
        proven=rates.number("proven", "5000 (a second)", default.proven),
    )
    rates.end()
    return made


def _neighbours(top: _Mapping) -> tuple[str, ...]:
    listed = top.take("neighbours", list, "[198.51.100.10]", [])
    named = tuple(map(str, listed)) if isinstance(listed, list) else ()
    for host in named:
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise SettingsError(f"neighbours has {host!r}; write IP addresses of gatekeepers") from error
    return tuple(str(ipaddress.ip_address(host)) for host in named)


def _alternates(top: _Mapping, ras: RasSettings) -> tuple[Address, ...]:
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
    alternate = _Mapping(values, f"alternates[{number}]", "{address: 192.0.2.12, port: 1719}")
    made = (alternate.address("address", "192.0.2.12"), alternate.number("port", "1719", 1719, 1, 65_535))
    alternate.end()
    return made


def _identifier(top: _Mapping) -> str:
    identifier = top.text("gatekeeper_identifier", "guardian-council")
    if len(identifier) > _LONGEST_IDENTIFIER:
        raise SettingsError(f"gatekeeper_identifier is longer than the {_LONGEST_IDENTIFIER} characters of H.225.0")
    return identifier


def _mcu(values: object, number: int) -> Mcu:
    mcu = _Mapping(values, f"mcus[{number}]", "{name: mcu1, address: 192.0.2.21, port: 1720, capacity: 25}")
    made = Mcu(
        mcu.name("name", "mcu1"),
        (mcu.address("address", "192.0.2.21"), mcu.number("port", "1720", 1720, 1, 65_535)),
        mcu.number("capacity", "25", 25),
    )
    mcu.end()
    return made


def _tls(mapping: _Mapping) -> Tls:
    return Tls(
        mapping.path("ca", "/etc/guardian-council/pki/ca.pem"),
        mapping.path("certificate", "/etc/guardian-council/pki/host.pem"),
        mapping.path("private_key", "/etc/guardian-council/pki/host-key.pem"),
    )


def _store(store: _Mapping) -> StoreSettings:
    kind = store.text("kind", "sqlite | etcd")
    if kind == "sqlite":
        path = store.path("path", "/var/lib/h323-gatekeeper/state.sqlite")
        made = StoreSettings(path=path, nodes=store.number("nodes", "1", 1))
    elif kind == "etcd":
        endpoints = store.take("endpoints", list, '["https://192.0.2.11:2379"]')
        urls = tuple(str(url) for url in endpoints) if isinstance(endpoints, list) else ()
        if not urls or not all(url.startswith("https://") for url in urls):
            raise SettingsError('store.endpoints must be https addresses; write ["https://192.0.2.11:2379", …]')
        made = StoreSettings(endpoints=urls, tls=_tls(store), nodes=store.number("nodes", "2", 2))
    else:
        raise SettingsError(f"store.kind is {kind!r}; write kind: sqlite | etcd")
    store.end()
    return made


def _restore(restore: _Mapping) -> RestoreSettings:
    mode = restore.text("mode", "manual | automatic") if restore.has("mode") else "manual"
    if mode not in ("manual", "automatic"):
        raise SettingsError(f"restore.mode is {mode!r}; write mode: manual | automatic")
    minutes = restore.number("after_minutes", "30", 30, 1, 10_080) if mode == "automatic" else None
    restore.end()
    return RestoreSettings(minutes)


def _metrics(metrics: _Mapping) -> MetricsSettings:
    address = metrics.address("address", "127.0.0.1") if metrics.has("address") else "127.0.0.1"
    port = metrics.number("port", "9719", 9719, 0, 65_535)
    tls = _tls(metrics) if metrics.has("certificate") else None
    if tls is None and not ipaddress.ip_address(address).is_loopback:
        raise SettingsError("metrics leave this host unprotected; write ca, certificate and private_key beside address")
    metrics.end()
    return MetricsSettings(address, port, tls)
