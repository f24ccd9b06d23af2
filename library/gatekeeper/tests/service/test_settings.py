"""The configuration file: what is good is read, and what is not is named with what to write."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from gatekeeper.core import Instant, Mcu, Rates, State
from gatekeeper.core.journal import Journal
from gatekeeper.core.term_record import describe_term
from gatekeeper.settings import RasSettings, RestoreSettings, StoreSettings, load_settings
from gatekeeper.store.trimming import TWO_REPLICAS
from witness.day_files.streams import RAS_STREAM
from witness.service.settings import MetricsSettings, SettingsError, Tls
from witness.tiles import MAX_ENTRY_OCTETS

PKI = {"ca": "/pki/ca.pem", "certificate": "/pki/host.pem", "private_key": "/pki/host-key.pem"}
GOOD: dict[str, Any] = {
    "node": "gk1",
    "role": "primary",
    "gatekeeper_identifier": "guardian-council",
    "registry": "/etc/h323-gatekeeper/guardian-registry.yaml",
    "signing_key": "/etc/h323-gatekeeper/gatekeeper-key.pem",
    "log_directory": "/var/log/guardian-council",
    "ras": {"address": "192.0.2.11", "port": 1719, "virtual_address": "192.0.2.10", "virtual_address6": "2001:DB8::10"},
    "alternates": [{"address": "192.0.2.12"}, {"address": "2001:db8::12", "port": 1720}],
    "mcus": [{"name": "mcu1", "address": "192.0.2.21"}],
    "store": {"kind": "etcd", "endpoints": ["https://192.0.2.11:2379"], **PKI},
    "metrics": {"address": "192.0.2.11", **PKI},
    "control_socket": "/run/h323-gatekeeper/control.sock",
    "track_file": "/run/h323-gatekeeper/track",
    "priority_file": "/run/h323-gatekeeper/priority",
    "vrrp_fifo": "/run/council-vrrp/notify",
    "restore": {"mode": "automatic", "after_minutes": 15},
    "time_to_live": 120,
}
LEFT_OUT = ("restore", "alternates", "mcus", "metrics", "track_file", "priority_file", "vrrp_fifo", "time_to_live")
MISSING = object()


def load(folder: Path, values: object) -> Any:
    path = folder / "gatekeeper.yaml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values), encoding="utf-8")
    return load_settings(path)


# 700 of them took more than a line of the log may have.
MCUS = [{"name": f"mcu{number}", "address": f"192.0.2.{number % 250}"} for number in range(700)]


def changed(key: str, value: object) -> dict[str, Any]:
    """The good values with one of them, named by its path, changed or missing."""
    values = copy.deepcopy(GOOD)
    *path, last = key.split(".")
    inner: Any = values
    for step in path:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return values


def test_a_good_file_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    tls = Tls(Path("/pki/ca.pem"), Path("/pki/host.pem"), Path("/pki/host-key.pem"))
    assert settings.role == "primary"
    assert settings.ras == RasSettings("192.0.2.11", 1719, "192.0.2.10", "2001:db8::10")
    assert settings.core.ras_address == ("192.0.2.10", 1719)
    assert settings.core.ras_address_for(("198.51.100.7", 1719)) == ("192.0.2.10", 1719)
    assert settings.core.ras_address_for(("2001:db8:1::7", 1719)) == ("2001:db8::10", 1719)
    assert settings.core.shared_address
    assert settings.core.alternates == (("192.0.2.12", 1719), ("2001:db8::12", 1720))
    assert settings.core.mcus == (Mcu("mcu1", ("192.0.2.21", 1720), 25),)
    assert settings.core.time_to_live == 120
    assert settings.core.conference_capacity == 25
    assert settings.store == StoreSettings(endpoints=("https://192.0.2.11:2379",), tls=tls, trimming=TWO_REPLICAS)
    assert settings.metrics == MetricsSettings("192.0.2.11", 9719, tls)
    assert settings.track_file == Path("/run/h323-gatekeeper/track")
    assert settings.priority_file == Path("/run/h323-gatekeeper/priority")
    assert settings.vrrp_fifo == Path("/run/council-vrrp/notify")
    assert settings.restore == RestoreSettings(after_minutes=15)


def test_what_concerns_calls_and_other_zones_is_read(tmp_path: Path) -> None:
    more = {"neighbours": ["198.51.100.10", "2001:DB8::1"], "outside_callers": True, "slow_commit_ms": 250}
    core = load(tmp_path, GOOD | more | {"irr_frequency": 0, "missed_reports": 2, "calls_per_endpoint": 9}).core
    assert core.neighbours == ("198.51.100.10", "2001:db8::1")
    assert core.outside_callers
    assert (core.slow_commit, core.irr_frequency, core.missed_reports, core.calls_per_endpoint) == (0.25, 0, 2, 9)
    default = load(tmp_path, GOOD).core
    assert (default.neighbours, default.outside_callers, default.slow_commit) == ((), False, 0.5)


def test_what_limits_strangers_is_read(tmp_path: Path) -> None:
    more: dict[str, object] = {"refusals_in_all": 70, "refusals_per_source": 7, "refusal_interval": 5}
    more |= {"rates": {"source": 20, "in_all": 900}, "passwords": "/etc/h323-gatekeeper/passwords.yaml"}
    settings = load(tmp_path, GOOD | more)
    core = settings.core
    assert core.rates == Rates(source=20, host=500, in_all=900, proven=5_000)
    assert (core.refusals_in_all, core.refusals_per_source, core.refusal_interval) == (70, 7, 5)
    assert settings.passwords == Path("/etc/h323-gatekeeper/passwords.yaml")
    default = load(tmp_path, GOOD)
    assert (default.core.rates, default.passwords) == (Rates(), None)


def test_roles_are_restored_by_hand_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD | {"restore": {"mode": "manual"}}).restore == RestoreSettings(None)
    assert load(tmp_path, GOOD | {"restore": {"mode": "automatic"}}).restore == RestoreSettings(30)
    assert load(tmp_path, {key: value for key, value in GOOD.items() if key != "restore"}).restore.mode == "manual"


def test_most_of_it_may_be_left_out(tmp_path: Path) -> None:
    values = {key: value for key, value in GOOD.items() if key not in LEFT_OUT}
    values |= {"ras": {"address": "2001:db8::11"}, "store": {"kind": "sqlite", "path": "/var/lib/state.sqlite"}}
    settings = load(tmp_path, values)
    assert settings.ras == RasSettings("2001:db8::11", 1719, None)
    assert settings.core.ras_address == ("2001:db8::11", 1719)
    assert not settings.core.shared_address
    assert settings.core.alternates == ()
    assert settings.metrics == MetricsSettings("127.0.0.1", 9719, None)
    assert settings.store.kind == "sqlite"
    assert settings.track_file is None


def test_the_most_mcus_that_are_taken_fit_into_the_first_record_of_a_term(tmp_path: Path) -> None:
    core = load(tmp_path, changed("mcus", MCUS[:400])).core
    journal = Journal({}, core.node, 2**53)
    record = journal.record(RAS_STREAM, Instant(0.0, 1_800_000_000.0), describe_term(State(), core, 2**53))
    assert len(record.line) < MAX_ENTRY_OCTETS


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("node", MISSING, "node is missing; write node: gk1"),
        ("node", "", "node is empty; write node: gk1"),
        ("node", "gk/1", "node is 'gk/1'; write letters, digits and . _ - like gk1"),
        ("role", "active", "role is 'active'; write role: primary | secondary"),
        ("gatekeeper_identifier", "g" * 129, "gatekeeper_identifier is longer than the 128 characters of H.225.0"),
        ("ras", "192.0.2.11", "ras is '192.0.2.11'; write ras: {address:"),
        ("ras.address", "gk1.example", "ras.address is 'gk1.example'; write address: 192.0.2.11 (this node's own)"),
        ("ras.port", 70_000, "ras.port is 70000; write a number from 0 to 65535"),
        ("ras.port", True, "ras.port is True; write port: 1719"),
        ("ras.virtual_address", MISSING, "ras.virtual_address6 needs an IPv4 address beside it; write ras"),
        (
            "ras",
            {"address": "192.0.2.11"},
            "vrrp_fifo is there without an address that moves; write ras.virtual_address",
        ),
        ("ras.virtual_address6", "192.0.2.13", "ras.virtual_address6 needs an IPv4 address beside it; write ras"),
        ("ras.virtual_address", "2001:db8::10", "ras.virtual_address6 needs an IPv4 address beside it; write ras"),
        ("ras.virtual_address", "192.0.2.11", "ras.virtual_address is this node's own address; write one that no host"),
        ("ras.interface", "eth0", "ras.interface is not a setting of this service; remove it"),
        ("alternates.0.address", "gk2", "alternates[0].address is 'gk2'; write address: 192.0.2.12"),
        ("alternates.0.weight", 1, "alternates[0].weight is not a setting of this service; remove it"),
        ("alternates", [{"address": "192.0.2.12"}] * 2, "alternates has the same address twice; keep one of them"),
        ("alternates", [{"address": "192.0.2.11"}], "alternates has this node's own address; name only the other"),
        ("mcus.0.address", MISSING, "mcus[0].address is missing; write address: 192.0.2.21"),
        ("mcus", [{"name": "a", "address": "192.0.2.1"}] * 2, "mcus has two of the same name"),
        ("mcus", MCUS, "mcus, neighbours and council_alias are "),
        ("neighbours", ["2001:db8:1111:2222:3333:4444:5555:6666"] * 900, "mcus, neighbours and council_alias are "),
        ("council_alias", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 5_500, "mcus, neighbours and council_alias are "),
        ("store.kind", "redis", "store.kind is 'redis'; write kind: sqlite | etcd"),
        ("store.endpoints", ["http://192.0.2.11:2379"], "store.endpoints must be https addresses; write"),
        ("store.endpoints", [], "store.endpoints must be https addresses; write"),
        ("restore.mode", "auto", "restore.mode is 'auto'; write mode: manual | automatic"),
        ("restore.after_minutes", 0, "restore.after_minutes is 0; write a number from 1"),
        ("restore", {"mode": "manual", "after_minutes": 5}, "restore.after_minutes is not a setting of this service"),
        ("refetch", {"peers": [], "policy": "/etc/p"}, "refetch.peers must be https addresses; write [https"),
        ("store.outbox_bound", 7, "store.outbox_bound is 7; write a number from 1000"),
        ("rates", {"source": 0}, "rates.source is 0; write a number from 1"),
        ("rates", {"sources": 1}, "rates.sources is not a setting of this service; remove it"),
        ("passwords", 7, "passwords is 7; write passwords: /etc/h323-gatekeeper/passwords.yaml"),
        ("store.private_key", MISSING, "store.private_key is missing; write private_key: /etc/"),
        ("metrics.certificate", MISSING, "metrics leave this host unprotected; write ca, certificate and private_key"),
        ("time_to_live", 1, "time_to_live is 1; write a number from 5 to 86400"),
        ("time_to_live", "60", "time_to_live is '60'; write time_to_live: 60 (seconds)"),
        ("neighbours", ["gk.example"], "neighbours has 'gk.example'; write IP addresses of gatekeepers"),
        ("neighbours", "198.51.100.1", "neighbours is '198.51.100.1'; write neighbours: [198.51.100.10]"),
        ("outside_callers", "no", "outside_callers is 'no'; write outside_callers: true or false"),
        ("irr_frequency", -1, "irr_frequency is -1; write a number from 0 to 65535"),
        ("slow_commit_ms", 10, "slow_commit_ms is 10; write a number from 50 to 30000"),
        ("ttl", 60, "ttl is not a setting of this service; remove it"),
    ],
)
def test_each_mistake_is_named_with_what_to_write(tmp_path: Path, key: str, value: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, changed(key, value))
    assert str(raised.value).startswith(f"{tmp_path}/gatekeeper.yaml: {sentence}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("node: gk1\nrole: [", ":2: not YAML"),
        ("node: gk1\nnode: gk2\n", ":2: node stands twice; keep one of them"),
        ("ras:\n  port: 1\n  port: 2\n", ":3: port stands twice; keep one of them"),
        ("- node\n", ":  is not a mapping"),
        ("", ":  is not a mapping"),
        ("a: &a [*a]\n", ": not YAML"),
        ("node: \x00\n", ": not YAML"),
        ("node: 2026-13-45\n", ": a value that YAML cannot read (month must be in 1..12); write text in quotes"),
        ('node: "\\UFFFFFFFF"\n', ": a value that YAML cannot read"),
        ('node: !!int ""\n', ": a value that YAML cannot read"),
        ("node: !!timestamp x\n", ": a value that YAML cannot read"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, text)
    assert f"gatekeeper.yaml{sentence}" in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read \(No such file or directory\); give the path"):
        load_settings(tmp_path / "none.yaml")
