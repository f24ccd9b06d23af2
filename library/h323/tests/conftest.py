"""The 39 RAS messages of data/h225_ras.json, which Erlang's asn1 and tshark read the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

VECTORS = {
    name: bytes.fromhex(octets)
    for name, octets in json.loads((Path(__file__).parent / "data" / "h225_ras.json").read_text()).items()
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        metafunc.parametrize("vector", list(VECTORS.values()), ids=list(VECTORS))


@pytest.fixture(scope="session")
def vectors() -> dict[str, bytes]:
    return VECTORS
