"""Writes src/h323/asn1/ from the compiled type tree of pycrate: `make codec`.

pycrate (LGPL-2.1+) is used here only, at development time, and only for its type tree: its own aligned PER encoder is
wrong (docs/decisions/0002-codec.md). Run it where pycrate is installed, with the target folder as the argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pycrate_asn1dir import H225
from type_tree import Tree
from writing import written

ROOTS = (
    ("H323_MESSAGES", "RasMessage"),
    ("H235_SECURITY_MESSAGES", "ClearToken"),
)


def main() -> None:
    """Generate the modules into the folder that the command line names."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    tree = Tree()
    for module, name in ROOTS:
        tree.add(getattr(getattr(H225, module), name))
    for file, content in written(tree).items():
        (target / file).write_text(content, encoding="utf-8")


main()
