"""Bad input ends in the preflight, before anything is changed, with one sentence that says what to write.

Each case is a copy of inventories/production with one thing broken; the copies run beside each other.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
PRODUCTION = ROOT / "inventories" / "production"
HOSTS = ("gk1.council.example", "gk2.council.example", "wit1.council.example")
INVENTORY, ON_HOSTS = "Check the inventory", "Check the hosts"
NOISE = ("Traceback", "is undefined", "Undefined", "Error while", "caused by", "[WARNING]", "[DEPRECATION")
# The checks of the hosts run on this machine: it is supported whatever it is, and nobody has port 1.
HERE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": sys.executable,
    "preflight_ports": {"gatekeepers": {"users": ["nobody-of-this-name"], "tcp": [1], "udp": [1]}},
}
Tree = dict[str, Any]


@dataclass
class Council:
    """An inventory in a folder, to be broken."""

    folder: Path
    hosts: Tree
    settings: Tree
    extra: Tree = field(default_factory=lambda: copy.deepcopy(HERE))

    @property
    def groups(self) -> Tree:
        found: Tree = self.hosts["all"]["children"]
        return found

    def host(self, name: str) -> Tree:
        return next(group["hosts"][name] for group in self.groups.values() if name in group.get("hosts", {}))

    @property
    def registry(self) -> Path:
        return self.folder / "guardian-registry.yaml"

    @property
    def signing_key(self) -> Path:
        return self.folder / "gatekeeper-key.pem"

    @property
    def log_keys(self) -> Path:
        return self.folder / "log-keys"

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords.yaml"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    def write(self) -> None:
        (self.inventory / "group_vars").mkdir(parents=True)
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(self.hosts))
        (self.inventory / "group_vars" / "all.yml").write_text(yaml.safe_dump(self.settings))


Break = Callable[[Council], object]


@dataclass(frozen=True)
class Case:
    """How to break it, and what the sentence must have; `{inventory}` and the like stand for the case's paths."""

    name: str
    change: Break
    sentence: str
    play: str = INVENTORY


def setting(name: str, value: object) -> Break:
    return lambda council: council.settings.__setitem__(name, value)


def without(*names: str) -> Break:
    return lambda council: [council.settings.pop(name) for name in names]


def address(host: str, value: str | None) -> Break:
    return lambda council: council.host(host).update(council_address=value)


def gatekeepers(*names: str) -> Break:
    """These gatekeepers; the store stays with the three members."""

    def change(council: Council) -> None:
        known = council.groups["gatekeepers"]["hosts"]
        council.groups["etcd"] = {"hosts": dict.fromkeys(HOSTS)}
        council.groups["gatekeepers"]["hosts"] = {
            name: known.get(name, {"council_address": "192.0.2.14"}) for name in names
        }
        council.groups["others"] = {"hosts": {name: known[name] for name in known if name not in names}}

    return change


def witnesses(*names: str) -> Break:
    """These witness hosts; the store stays with the three members."""

    def change(council: Council) -> None:
        council.groups["etcd"] = {"hosts": dict.fromkeys(HOSTS)}
        council.groups["witness"]["hosts"] = dict.fromkeys(names)

    return change


ARCHIVE: Tree = {"arc1.council.example": {"council_address": "192.0.2.14"}}


def archive(**settings: str) -> Break:
    """An archive with these settings."""

    def change(council: Council) -> None:
        hosts = {name: {**values, **settings} for name, values in ARCHIVE.items()}
        council.groups["witness_archives"] = {"hosts": hosts}

    return change


def registry(text: str) -> Break:
    return lambda council: council.registry.write_text(text)


ROOM = """
  - terminal_id: if://guardian/room-2
    aliases: [room-2]
    role: guardian
    status: active
    registered_at: "2026-01-01T00:00:00Z"
    authentication: password
    networks: [198.51.100.0/28]
"""


def add_room(council: Council, password: str) -> None:
    council.registry.write_text(council.registry.read_text() + ROOM)
    council.passwords.touch(mode=0o600)
    council.passwords.write_text(f'if://guardian/room-2: "{password}"\n')
    council.settings["council_passwords_file"] = str(council.passwords)


def signing_key(text: str) -> Break:
    return lambda council: council.signing_key.write_text(text)


def take_a_port(council: Council) -> None:
    council.extra["preflight_ports"]["gatekeepers"]["tcp"] = [LISTENER.getsockname()[1]]


def nobody_at_ssh(council: Council) -> None:
    council.host(HOSTS[0]).update(
        ansible_host="127.0.0.1", ansible_port=1, ansible_connection="ansible.builtin.ssh", ansible_user="nobody"
    )
    council.extra.pop("ansible_connection")
    for name in HOSTS[1:]:
        council.host(name)["ansible_connection"] = "local"


LISTENER = socket.create_server(("127.0.0.1", 0))
CASES = (
    Case("one gatekeeper", gatekeepers(HOSTS[0]), "The group gatekeepers must have exactly two hosts and has 1:"),
    Case(
        "three gatekeepers",
        gatekeepers(*HOSTS[:2], "gk3.council.example"),
        "The group gatekeepers must have exactly two hosts and has 3:",
    ),
    Case(
        "two members of the store",
        lambda council: council.groups["etcd"].update(children={"gatekeepers": None}),
        "The group etcd must have an odd number of hosts, best three, and has 2: write the two gatekeepers",
    ),
    Case(
        "no witness",
        witnesses(),
        "The group witness must have a host that is no gatekeeper and has none: write the host that is to keep",
    ),
    Case(
        "a witness that is a gatekeeper",
        witnesses(HOSTS[0]),
        "The group witness must have a host that is no gatekeeper and has gk1.council.example: write the host",
    ),
    Case(
        "an archive in a group of another name",
        lambda council: council.groups.update(archives={"hosts": ARCHIVE}),
        "The group archives keeps no archive: write witness_archives in its place in",
    ),
    Case(
        "an archive within the log",
        archive(witness_archive_directory="/var/log/guardian-council/archive"),
        "witness_archive_directory of arc1.council.example is /var/log/guardian-council/archive: write an absolute",
    ),
    Case(
        "an archive without an absolute path",
        archive(witness_archive_directory="archive"),
        "witness_archive_directory of arc1.council.example is archive: write an absolute path that is not within",
    ),
    Case(
        "an archive's policy that is not there",
        archive(witness_archive_policy_file="/nowhere/policy"),
        "witness_archive_policy_file of arc1.council.example, /nowhere/policy, does not exist on this controller: copy",
    ),
    Case(
        "no VIP",
        without("council_vip"),
        "council_vip is not set: write the free address that terminals will use, for example council_vip: 192.0.2.10;",
    ),
    Case("an empty VIP", setting("council_vip", None), "council_vip is not set: write the free address"),
    Case(
        "several settings missing",
        without("council_vip_prefix", "council_interface"),
        "council_vip_prefix and council_interface are not set: write the length of its subnet's prefix, for example",
    ),
    Case(
        "a VIP by name",
        setting("council_vip", "council.example"),
        'council_vip is "council.example", which is no IPv4 address: write a free one',
    ),
    Case(
        "a VIP outside the subnet",
        setting("council_vip", "192.0.3.10"),
        "council_vip 192.0.3.10 is outside 192.0.2.11/24, the subnet of gk1.council.example: write a free address",
    ),
    Case(
        "a VIP that is the subnet's own address",
        setting("council_vip", "192.0.2.0"),
        "council_vip 192.0.2.0 is outside 192.0.2.11/24",
    ),
    Case(
        "a VIP that a host has",
        setting("council_vip", "192.0.2.13"),
        "council_vip 192.0.2.13 is the address of wit1.council.example: write an address that no host has",
    ),
    Case(
        "no length of a prefix",
        setting("council_vip_prefix", "/24"),
        'council_vip_prefix is "/24": write the length of the subnet\'s prefix, a number',
    ),
    Case(
        "an IPv4 address for IPv6",
        setting("council_vip6", "192.0.2.15"),
        'council_vip6 is "192.0.2.15", which is no IPv6 address that can move: write a free one',
    ),
    Case(
        "a link-local address",
        setting("council_vip6", "fe80::10"),
        'council_vip6 is "fe80::10", which is no IPv6 address that can move: write a free one',
    ),
    Case(
        "no length of the IPv6 prefix",
        setting("council_vip6_prefix", 129),
        'council_vip6_prefix is "129": write the length of the IPv6 subnet\'s prefix, a number',
    ),
    Case(
        "gatekeepers in two subnets",
        address(HOSTS[1], "192.0.3.12"),
        "council_address 192.0.3.12 of gk2.council.example is outside 192.0.2.10/24: both gatekeepers must be in",
    ),
    Case(
        "a host without its address",
        lambda council: council.host(HOSTS[2]).pop("council_address"),
        'council_address of wit1.council.example is "", which is no IPv4 address: write the host\'s static address',
    ),
    Case(
        "two hosts with one address",
        address(HOSTS[2], "192.0.2.11"),
        "council_address 192.0.2.11 stands at gk1.council.example and at wit1.council.example: write each",
    ),
    Case(
        "no registry",
        lambda council: council.registry.unlink(),
        "council_registry_file {registry} does not exist: write it as docs/guardian-registry.md says, or",
    ),
    Case(
        "a malformed registry",
        registry("version: 1\nguardians:\n  - terminal_id: alice\n    aliases: [alice]\n"),
        "council_registry_file {registry} is malformed: {registry}:3: terminal_id is 'alice'; write terminal_id: if://guardian/NAME",
    ),
    Case(
        "no file of passwords",
        setting("council_passwords_file", "/nowhere/passwords.yaml"),
        "council_passwords_file /nowhere/passwords.yaml does not exist: write it as docs/guardian-registry.md says, or",
    ),
    Case(
        "a room without its password",
        lambda council: council.registry.write_text(council.registry.read_text() + ROOM),
        "if://guardian/room-2 has authentication: password and no password; write 'if://guardian/room-2: …' into the "
        "file that passwords: or --passwords names; name it in council_passwords_file",
    ),
    Case(
        "a password that is too short",
        lambda council: add_room(council, "hunter2"),
        "{passwords}:1:",
    ),
    Case(
        "no signing key",
        lambda council: council.signing_key.unlink(),
        "council_signing_key_file {signing_key} does not exist: make it with openssl genpkey -algorithm ed25519",
    ),
    Case(
        "a signing key that is none",
        signing_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        "council_signing_key_file {signing_key} is no Ed25519 private key without a passphrase: make one with",
    ),
    Case(
        "a log without a name", without("council_domain"), "council_domain is not set: write the name that the log is"
    ),
    Case(
        "a log whose name no key can have",
        setting("council_domain", "Council of Guardians"),
        'council_domain is "Council of Guardians": write a name of small letters',
    ),
    Case(
        "no keys of the log",
        lambda council: council.log_keys.unlink(),
        "council_log_keys_file {log_keys} does not exist: make it with uv run h323-witness keygen --out {log_keys} "
        "council.example/h323_ras council.example/gateway council.example/failover, or set council_log_keys_file",
    ),
    Case(
        "keys of another log",
        lambda council: make_log_keys(council.log_keys, "other.example/h323_ras"),
        "council_log_keys_file {log_keys} has other.example/h323_ras and must have council.example/h323_ras, council",
    ),
    Case(
        "keys that are none",
        lambda council: council.log_keys.write_text("PRIVATE+KEY\n"),
        "council_log_keys_file {log_keys} has no keys and must have council.example/h323_ras, council",
    ),
    Case(
        "a host that cannot be reached",
        nobody_at_ssh,
        "gk1.council.example cannot be reached at 127.0.0.1: check that it is up and that ansible_host",
        ON_HOSTS,
    ),
    Case(
        "an unsupported system",
        lambda council: council.extra.update(preflight_systems={"Debian": ["99"]}),
        "use one of Debian 99.",
        ON_HOSTS,
    ),
    Case("a port that is taken", take_a_port, "strangers on ports that the gatekeepers need; stop", ON_HOSTS),
)


@dataclass(frozen=True)
class Outcome:
    council: Council
    code: int
    output: str

    @property
    def plays(self) -> list[str]:
        return re.findall(r"^PLAY \[(.+)\]", self.output, re.MULTILINE)

    @property
    def sentences(self) -> list[str]:
        """What was said to be wrong: each once, though all hosts of the inventory may be this machine.

        That a host can't be reached is first said by ssh, in its own words.
        """
        errors = re.findall(r"^\[ERROR\]: (.+)$", self.output, re.MULTILINE)
        said = {re.sub(r"(gk1|gk2|wit1)\.council\.example (runs|has)", r"\2", error) for error in errors}
        return [sentence for sentence in sorted(said) if " over ssh: " not in sentence]


def make_secrets(folder: Path) -> None:
    """What the example of production expects on the controller."""
    enrol = ("enrol", "--guardians=2", f"--keys={folder / 'keys'}", f"--registry={folder / 'guardian-registry.yaml'}")
    for arguments in (enrol, ("keygen", f"--out={folder / 'gatekeeper-key.pem'}")):
        subprocess.run([PROGRAMS / "guardian-terminal", *arguments], check=True, capture_output=True)
    make_log_keys(
        folder / "log-keys", "council.example/h323_ras", "council.example/gateway", "council.example/failover"
    )


def make_log_keys(path: Path, *names: str) -> None:
    path.unlink(missing_ok=True)
    subprocess.run([PROGRAMS / "h323-witness", "keygen", "--out", path, *names], check=True, capture_output=True)


def make(folder: Path, secrets: Path, change: Break) -> Council:
    shutil.copytree(secrets, folder)
    hosts = yaml.safe_load((PRODUCTION / "hosts.yml").read_text())
    settings = yaml.safe_load((PRODUCTION / "group_vars" / "all.yml").read_text())
    council = Council(folder, hosts, settings | {"council_secrets_directory": str(folder)})
    change(council)
    council.write()
    return council


def preflight(council: Council) -> Outcome:
    command = [PROGRAMS / "ansible-playbook", "--inventory", council.inventory, ROOT / "playbooks" / "preflight.yml"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": str(council.folder / "tmp"),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [*command, "--extra-vars", json.dumps(council.extra)],
        cwd=council.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(council, done.returncode, done.stdout)


Outcomes = dict[str, Future[Outcome]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """All of them at once, as many beside each other as there are cores."""
    folder = tmp_path_factory.mktemp("preflight")
    secrets = folder / "secrets"
    secrets.mkdir()
    make_secrets(secrets)
    cases = {
        "nothing wrong": (lambda council: add_room(council, "four words nobody guesses")),
        **{case.name: case.change for case in CASES},
    }

    def work(name: str, change: Break) -> Outcome:
        return preflight(make(folder / name.replace(" ", "-"), secrets, change))

    with ThreadPoolExecutor(os.cpu_count()) as pool, LISTENER:
        yield {name: pool.submit(work, name, change) for name, change in cases.items()}


def test_the_example_of_production_passes_once_its_files_are_there(outcomes: Outcomes) -> None:
    outcome = outcomes["nothing wrong"].result()
    assert outcome.code == 0, outcome.output
    assert outcome.plays == [INVENTORY, ON_HOSTS]
    assert outcome.sentences == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_costs_one_sentence(outcomes: Outcomes, case: Case) -> None:
    outcome = outcomes[case.name].result()
    council = outcome.council
    named = {name: getattr(council, name) for name in ("inventory", "registry", "signing_key", "passwords", "log_keys")}
    expected = case.sentence.format(**named)
    assert outcome.code != 0
    assert outcome.plays[-1] == case.play, outcome.output
    assert "changed=0" in outcome.output
    assert not re.search(r"changed=[1-9]", outcome.output)
    (sentence,) = outcome.sentences
    assert expected in sentence
    assert [word for word in NOISE if word in outcome.output] == []
