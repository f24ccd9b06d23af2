"""Checkpoints: one text for each, and nothing else is one (C2SP tlog-checkpoint)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.checkpoint import Checkpoint, CheckpointError, parse_checkpoint

# The specification's example.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_specification_s_example() -> None:
    checkpoint = parse_checkpoint(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == EXAMPLE
    assert parse_checkpoint(EXAMPLE + "more\n").extensions == ("more",)


LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(LINE, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(LINE, max_size=2))
def test_every_checkpoint_is_read_as_it_was_written(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n1\n{ROOT}",
        f"o\n1\n{ROOT}\n\n",
        f"\n1\n{ROOT}\n",
        "o\n1\n",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n\u0661\n{ROOT}\n",
        f"o\n 1\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        f"o\n1{'0' * 5000}\n{ROOT}\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT[:-2]}J=\n",
        "o\n1\nAAAA\n",
        "o\n1\n?\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)
