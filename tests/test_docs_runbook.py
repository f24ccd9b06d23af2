"""What docs/runbook.md names is there: metrics, units, files, variables, commands and their options."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from gatekeeper.cli import _parser as gatekeeper_parser
from gatekeeper.metrics import Metrics, Status
from gatekeeper.outbox.mirror import MirrorCollector
from prometheus_client import CollectorRegistry, generate_latest
from terminal.cli.main import _parser as terminal_parser
from witness.cli.main import build_parser as witness_parser
from witness.cosigner.metrics import CosignerMetrics
from witness.day_files.streams import STREAMS
from witness.log.metrics import LogCollector
from witness.ship.metrics import ShipMetrics, StreamRun

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
USERS_TABLE = "## The users' words and what they are here"
LATER = r"\*\*not there yet"
PARSERS = {"h323-gatekeeper": gatekeeper_parser, "h323-witness": witness_parser, "guardian-terminal": terminal_parser}
INSTALL = "/opt/guardian-council/"


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind (the second word behind the fence) and its text."""

    language: str
    kind: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^ *```(\w+) ?([\w-]*)\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [Block(language, kind, text) for language, kind, text in found]


def prose() -> str:
    """The page without blocks, without the users' own words, and without what is said to be not there yet.

    That is what stands before these words in their sentence; what follows them is how things are meanwhile.
    """
    page, _, table = PAGE.partition(USERS_TABLE)
    intro, *rows = table.split("\n| ")
    here = [intro, *(row.split(" | ")[-1] for row in rows)]
    text = re.sub(r"^ *```.*?^ *```$", "", page + "\n\n".join(here), flags=re.MULTILINE | re.DOTALL)
    sentences = re.split(r"\n\s*\n|\n(?=\| |- |\d\. )|(?<=\.)\s", text)
    return "\n".join(re.sub(rf".*{LATER}", "", sentence, flags=re.DOTALL | re.IGNORECASE) for sentence in sentences)


def commands() -> Iterator[list[str]]:
    """Each command of the blocks, split into words; of a pipeline each part."""
    for block in blocks():
        if block.language == "bash":
            joined = block.text.replace("\\\n", " ")
            for line in filter(None, (line.strip() for line in joined.splitlines())):
                lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
                lexer.whitespace_split = True
                words: list[str] = []
                for word in [*lexer, "|"]:
                    if word.strip("|&;"):
                        words.append(word)
                    elif words:
                        yield words
                        words = []


def program(words: list[str]) -> list[str]:
    """The command without `uv run` and `sudo`, its program by name."""
    while words[:1] == ["sudo"] or words[:2] == ["uv", "run"]:
        words = words[1:] if words[0] == "sudo" else words[2:]
    return [Path(words[0]).name, *words[1:]] if words else []


def quoted() -> set[str]:
    return {word for words in re.findall(r"`([^`\n]+)`", prose()) for word in words.split()}


def specs() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            options |= entry["options"]
    return options


def source() -> str:
    """Everything that is deployed or runs."""
    listed = subprocess.run(
        ["git", "ls-files", "library/*/src/*.py", "roles", "playbooks", "inventories", "lab"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in listed if "/asn1/" not in name)


SOURCE = source()


def exposed() -> set[str]:
    status = Status(
        node="gk1",
        role="primary",
        healthy=True,
        active=True,
        epoch=1,
        registrations=0,
        calls=0,
        store="etcd",
        virtual_address=None,
        holds_virtual_address=False,
        witness_records={"h323_ras": 1},
        peer_age=0.0,
        clock_offset=0.0,
        vrrp_state="MASTER",
    )
    log = CollectorRegistry()
    log.register(LogCollector(dict))
    log.register(MirrorCollector(()))
    log.register(CosignerMetrics(dict, dict))
    log.register(ShipMetrics({"h323_ras": StreamRun(lag=0, shipped=0.0, refused=False)}))
    text = (Metrics(lambda: status).exposition() + generate_latest(log)).decode()
    # What the timers' units write for the node exporter.
    units = "".join(path.read_text() for path in sorted(ROOT.glob("roles/witness*/templates/*.service.j2")))
    written = set(re.findall(r"# TYPE (h323_\w+) gauge", units))
    return written | {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def test_every_block_says_where_it_is_typed() -> None:
    kinds = {(block.language, block.kind) for block in blocks()}
    assert kinds == {
        ("bash", "gatekeeper"),
        ("bash", "controller"),
        ("bash", "by-hand"),
        ("yaml", "primary"),
        ("yaml", "secondary"),
    }


def test_every_metric_is_exposed_and_every_exposed_metric_is_explained() -> None:
    named = set(re.findall(r"\bh323_(?:gatekeeper|mcu|witness)_\w+\b(?!\.yml)", prose()))
    typed = {name for block in blocks() for name in re.findall(r"\bh323_(?:gatekeeper|mcu|witness)_\w+", block.text)}
    assert (named | typed) - {"h323_gatekeeper_"} <= exposed()
    explained = set(re.findall(r"^\| `(h323_\w+)` \|", PAGE, re.MULTILINE))
    assert explained == {name for name in exposed() if not name.endswith("_created")}


def test_every_unit_is_one_that_a_role_runs() -> None:
    roles = specs()["gatekeeper_role"]["choices"]
    managed = set(re.findall(r"name: ([a-z0-9-]+)(?:\.service)?$", SOURCE, re.MULTILINE))
    known = {"etcd", "keepalived", "chrony", "nftables", "h323-gatekeeper-watch"}
    written = {path.name.split(".")[0] for path in (ROOT / "roles").glob("*/templates/h323-*.service.j2")}
    units = {f"h323-gatekeeper-{role}" for role in roles} | (managed & known) | written
    named = set(re.findall(r"\bh323-gatekeeper-\w+", prose()))
    named |= set(re.findall(r"`(h323-witness-\w+)`", prose()))
    for words in map(program, commands()):
        if words[:1] == ["systemctl"]:
            named.add(words[2])
        elif words[:1] == ["journalctl"]:
            named.add(words[words.index("-u") + 1])
    assert len(named) > 3
    assert named <= units


def test_every_variable_is_an_option_of_a_role_or_stands_in_the_example_inventory() -> None:
    known = set(specs())
    prefixes = "|".join(sorted({name.split("_")[0] for name in known}))
    named = {word for word in quoted() if re.fullmatch(rf"(?:{prefixes})_\w+", word.rstrip(":"))}
    named = {name.rstrip(":") for name in named} - {"gatekeeper_identifier"}
    assert len(named) > 3
    assert named <= known
    example = (ROOT / "inventories" / "production" / "group_vars" / "all.yml").read_text()
    assert all(name in example for name in re.findall(r"`(council_\w+)`", prose()))


def test_every_other_word_with_an_underscore_stands_in_the_code() -> None:
    words = {word.strip(".,;:") for word in quoted() if re.fullmatch(r"[a-z]+(?:_[a-z0-9]+)+", word.strip(".,;:"))}
    missing = {word for word in words if word not in SOURCE and word not in exposed()}
    assert words
    assert missing == set()


def paths() -> set[str]:
    in_blocks = {word.rstrip(",;") for words in commands() for argument in words for word in argument.split()}
    return {word for word in quoted() | in_blocks if "/" in word.strip("/") and "…" not in word and "=" not in word}


def test_every_path_of_a_host_is_one_that_a_role_makes() -> None:
    made = [path for path in paths() if re.match(r"/(?:opt|etc|run|var)/", path)]
    assert len(made) > 3
    for path in made:
        inside = path.removeprefix(INSTALL)
        assert path.rstrip("/") in SOURCE or inside.split("/")[0] in ("", "logs", "config", "current"), path


def test_every_path_in_the_install_folder_is_one_that_is_filled() -> None:
    links = re.findall(r"- \{name: (\w+), target:", SOURCE)
    assert links == ["config", "logs"]
    scripts = entry_points(group="console_scripts").names
    streams = {f"{stream.folder}/{stream.prefix}_" for stream in STREAMS.values()}
    inside = {path.removeprefix(INSTALL) for path in paths() if re.match(r"(?:/opt/guardian-council/)?\w+/", path)}
    for path in inside:
        folder, _, rest = path.partition("/")
        if folder == "current":
            assert rest.removeprefix("bin/") in scripts, path
        elif folder == "logs" and rest:
            assert any(stream.startswith(rest.split("*")[0][: len(stream)]) for stream in streams), path
        elif folder == "config" and rest:
            assert rest.removesuffix(".bak") in SOURCE, path


@pytest.mark.parametrize("words", [words for words in map(program, commands()) if words], ids=" ".join)
def test_every_command_exists_and_takes_its_arguments(words: list[str]) -> None:
    name, *arguments = words
    if name in PARSERS:
        PARSERS[name]().parse_args(arguments)
    elif name == "ansible-playbook":
        playbook = next(word for word in arguments if word.endswith(".yml"))
        assert (ROOT / playbook).is_file()
        assert arguments[arguments.index("-i") + 1] == "inventories/yours"
    elif name == "bootstrap":
        assert arguments[0] in (ROOT / "lab" / "bootstrap").read_text()


def test_every_file_of_the_repository_is_there() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"logs", "config"}
    named = {path for path in paths() if path.split("/")[0] in folders and not path.startswith("inventories/yours")}
    assert len(named) > 3
    assert {path for path in named if not (ROOT / path).exists()} == set()
