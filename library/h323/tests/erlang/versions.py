"""Writes ASN.1 modules as an earlier or a later version of the standard has them: `versions.py VERSION FROM TO`.

VERSION is 7 (as they are), the number of extension additions that each SEQUENCE and CHOICE keeps, or "newer": two more
in each SEQUENCE. The standard itself has only ever added at the end (X.680 clause 47).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

NEWER = ("newer-octets OCTET STRING OPTIONAL", "newer-flag BOOLEAN OPTIONAL")
_COMMENT = re.compile(r"--.*?(?:--|$)", re.MULTILINE)
_BODY = re.compile(r"\b(SEQUENCE|CHOICE)\s*\{")


def of_version(text: str, version: str) -> str:
    """The module in that version."""
    return text if version == "7" else _cut(_COMMENT.sub(" ", text), version)


def _cut(text: str, version: str) -> str:
    result, position = "", 0
    while found := _BODY.search(text, position):
        end = _closing(text, found.end())
        parts = _parts(_cut(text[found.end() : end], version))
        result += text[position : found.end()] + ",\n".join(_kept(parts, found[1], version)) + "}"
        position = end + 1
    return result + text[position:]


def _closing(text: str, start: int) -> int:
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position
    raise ValueError("a brace that isn't closed")


def _parts(body: str) -> list[str]:
    """What the commas outside all parentheses separate."""
    parts, depth = [""], 0
    for character in body:
        depth += (character in "{([") - (character in "})]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _kept(parts: list[str], kind: str, version: str) -> list[str]:
    if "..." not in parts:
        return parts
    known = parts.index("...") + 1
    if version == "newer":
        return [*parts, *(NEWER if kind == "SEQUENCE" else ())]
    return parts[: known + int(version)]


def main() -> None:
    """Write all modules of one folder to another."""
    version, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    target.mkdir(exist_ok=True)
    for module in source.glob("*.asn"):
        (target / module.name).write_text(of_version(module.read_text(), version))


if __name__ == "__main__":
    main()
