"""The table of messages in docs/protocol.md names tests that exist, and leaves no message out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from h323.asn1.encoders import RAS_MESSAGES

TESTS = Path(__file__).parent / "core"
DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol.md"
_NAMED_TEST = re.compile(r"`(\w+)::(\w+)`")


def rows() -> dict[str, str]:
    """The rows of the table by the message's name in the standard's ASN.1."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## Every message\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` (.*)\|$", section, flags=re.MULTILINE)
    assert len(dict(found)) == len(found), "a message has two rows"
    return dict(found)


def test_every_message_has_a_row() -> None:
    assert sorted(RAS_MESSAGES.values()) == sorted(rows())


def test_every_row_names_tests_that_exist() -> None:
    written: dict[str, set[str]] = {}
    for message, row in rows().items():
        named = _NAMED_TEST.findall(row)
        assert named, f"{message} names no test"
        for module, test in named:
            if module not in written:
                tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
                written[module] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert test in written[module], f"{message}: there is no {module}::{test}"


def test_every_row_has_its_clause() -> None:
    for message, row in rows().items():
        assert re.search(r"\| 7\.\d+(\.\d+)? \|", row), message
