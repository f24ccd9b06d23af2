"""The checked-in codec is what the generator makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

LIBRARY = Path(__file__).parent.parent
COMMAND = ("uv", "run", "--no-project", "--with", "pycrate==0.8.1", "python", "-m", "generator")


def test_the_generated_code_is_up_to_date(tmp_path: Path) -> None:
    subprocess.run([*COMMAND, str(tmp_path)], cwd=LIBRARY, check=True, capture_output=True, text=True)
    generated = {path.name: path.read_text() for path in tmp_path.glob("*.py")}
    checked_in = {path.name: path.read_text() for path in (LIBRARY / "src" / "h323" / "asn1").glob("*.py")}
    assert generated.keys() == checked_in.keys()
    changed = [name for name, text in generated.items() if checked_in[name] != text]
    assert not changed, "run `make codec`"
