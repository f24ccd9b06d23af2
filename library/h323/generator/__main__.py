"""Writes src/h323/asn1/ from the compiled type tree of pycrate: `make codec`.

pycrate (LGPL-2.1+) is used here only, at development time, and only for its type tree: its own aligned PER encoder is
wrong (docs/decisions/0002-codec.md). Run it where pycrate is installed, with the target folder as the argument.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from .decoders import decoders_module
from .encoders import encoders_module
from .schema import schema_module
from .source import notice
from .type_tree import Tree
from .values import types_module

ROOTS = (
    ("H323_MESSAGES", "RasMessage"),
    ("H235_SECURITY_MESSAGES", "ClearToken"),
)


def main() -> None:
    """Generate the modules into the folder that the command line names."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    compiled = importlib.import_module("pycrate_asn1dir.H225")
    tree = Tree()
    for module, name in ROOTS:
        tree.add(getattr(getattr(compiled, module), name))
    files = {
        "__init__.py": notice("The types of H.225.0 RAS and H.235 and their aligned PER codec."),
        "types.py": types_module(tree),
        "decoders.py": decoders_module(tree),
        "encoders.py": encoders_module(tree),
        "schema.py": schema_module(tree),
    }
    for file, content in files.items():
        (target / file).write_text(content, encoding="utf-8")


main()
