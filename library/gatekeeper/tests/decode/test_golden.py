"""The output for golden/council.pcap, word for word. `UPDATE_GOLDEN=1 pytest …` writes it anew: read the difference.

The capture is what `council.evening` gave on 2026-11-24. It's checked in, so that a change of the gatekeeper is no
change here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .conftest import Decode, Files

GOLDEN = Path(__file__).parent / "golden"
CAPTURE = str(GOLDEN / "council.pcap")


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{name} was written anew", pytrace=False)
    assert text == path.read_text(encoding="utf-8")


def test_for_people(decode: Decode, files: Files) -> None:
    result = decode(CAPTURE, *files.options)
    assert (result.code, result.err) == (1, "")
    compare("council.txt", result.out)


def test_at_a_glance(decode: Decode, files: Files) -> None:
    compare("council-brief.txt", decode(CAPTURE, *files.options, "--brief").out)


def test_for_machines(decode: Decode, files: Files) -> None:
    result = decode(CAPTURE, *files.options, "--json")
    assert (result.code, result.err) == (1, "")
    compare("council.jsonl", result.out)


def test_the_documents_samples_are_of_it() -> None:
    document = (Path(__file__).parents[4] / "docs" / "decode.md").read_text(encoding="utf-8")
    samples = re.findall(r"```text\n(.*?)```", document, re.DOTALL)
    assert len(samples) == 2
    shown = (GOLDEN / "council.txt").read_text(encoding="utf-8")
    assert [sample for sample in samples if sample not in shown] == []


def test_only_what_is_bad(decode: Decode, files: Files) -> None:
    result = decode(CAPTURE, *files.options, "--bad")
    compare("council-bad.txt", result.out)
