"""docs/witness-records.md says what the gatekeeper writes: each kind of record and each field, and none that isn't."""

from __future__ import annotations

import re
from pathlib import Path

from gatekeeper.core import description, floods, gatekeeper, inventory, journal, supervision, term_record
from gatekeeper.core.gatekeeper import HANDLERS

from library.gatekeeper.tests.core.zone import Terminal, guardian

from .replayed import OpenZone, lines_of
from .test_beginning import council_of_two_days
from .test_forged import morning

PAGE = Path(__file__).parents[4] / "docs/witness-records.md"
_ROW = re.compile(r"^\| (`[^|]*) \|", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def documented() -> tuple[set[str], set[str]]:
    kinds, rest = PAGE.read_text().split("## Fields")
    return named(kinds), named(rest.split("## Personal data")[0])


def named(table: str) -> set[str]:
    """What stands in backquotes in the first column."""
    return {name for row in _ROW.findall(table) for name in _CODE.findall(row)}


def written() -> list[dict[str, object]]:
    zone = OpenZone(guardian("alice"))
    mallory = Terminal(zone, "mallory", 109)
    mallory.ask(mallory.registration())
    zone.settle(zone.gatekeeper.receive(b"?", ("192.0.2.9", 1719), zone.now))
    for _ in range(2):
        zone.wait(11)
    return [*morning(), *council_of_two_days(), *lines_of(zone)]


def as_list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def test_each_kind_and_each_field_is_on_the_page() -> None:
    kinds, fields = documented()
    for record in written():
        assert record["msg_type"] in kinds
        assert set(record) - fields == set(), record["msg_type"]
        for name in (inventory.REGISTERED, inventory.IN_CALLS):
            for item in as_list(record.get(name, [])):
                assert set(item) <= fields


def test_each_field_on_the_page_is_one_that_the_gatekeeper_writes() -> None:
    _, fields = documented()
    modules = (description, floods, gatekeeper, inventory, journal, supervision, term_record)
    handlers = {handler.__module__ for handler in HANDLERS.values()}
    folder = Path(gatekeeper.__file__).parent
    sources = "".join(Path(str(module.__file__)).read_text() for module in modules)
    sources += "".join((folder / f"{name.rpartition('.')[2]}.py").read_text() for name in handlers)
    counted = {floods.LIMITED, floods.REFUSED, floods.MALFORMED}
    assert counted <= fields
    assert {name for name in fields - counted if f'"{name}' not in sources} == set()
