"""Which Go builds the judges, and what is said where it is too old."""

from __future__ import annotations

import pytest

from tests.judges.go_program import too_old

DEBIAN_12 = "go version go1.19.8 linux/amd64"
WITNESS, TREE = "module witness\n\ngo 1.25.0\n\nrequire x v1.0.0\n", "module tree\n\ngo 1.18\n"


@pytest.mark.parametrize(
    ("said", "module"),
    [
        (DEBIAN_12, TREE),
        ("go version go1.26.8 linux/amd64", WITNESS),
        ("go version go1.25 linux/amd64", WITNESS),
        # It gets the newer one by itself.
        ("go version go1.24.4 linux/amd64", WITNESS),
        ("go version go1.21.0 linux/amd64", WITNESS),
    ],
)
def test_a_go_that_is_new_enough_or_gets_a_newer_one_builds(said: str, module: str) -> None:
    assert too_old(said, module) is None


def test_an_old_go_is_told_what_to_do() -> None:
    trouble = too_old(DEBIAN_12, WITNESS)
    assert trouble is not None
    assert trouble.startswith("it is go1.19, and go 1.25 is needed: unpack Go's own archive as /usr/local/go")
