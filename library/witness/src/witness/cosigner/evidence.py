"""What speaks against a log, kept for whoever has to judge it: files that nothing overwrites or removes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from witness.cosigner.judgement import Charge
from witness.cosigner.origin_name import file_name
from witness.durable_file import FILE_MODE, sync_folder
from witness.note import strict_base64

MOST = 1_000
"""Files that are kept of one log. Whoever has its key could make any number of forks."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who submitted a request."""

    name: str
    """The common name of the certificate."""
    address: str


class EvidenceFolder:
    """One file a charge: what was cosigned, what was submitted, when, and by whom."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> None:
        """Make the folder.

        Raises:
            OSError: the disk refuses.
        """
        self._folder.mkdir(mode=0o750, exist_ok=True)
        sync_folder(self._folder.parent)

    def count(self, origin: str) -> int:
        """Files that are kept of a log: they stay until somebody has looked and taken them away."""
        return len(self._files(origin))

    def keep(self, charge: Charge, submitter: Submitter, now: float) -> Path | None:
        """Write a charge down, for good; None if it is there already, or if there are too many.

        Raises:
            OSError: the disk refuses.
        """
        origin = charge.request.checkpoint.origin
        path = self._folder / f"{file_name(origin)}-{_digest(charge)}.json"
        if path.exists() or self.count(origin) >= MOST:
            return None
        self._write(path, _text(charge, submitter, now))
        return path

    def _files(self, origin: str) -> list[Path]:
        start = f"{file_name(origin)}-"
        return [each for each in self._folder.iterdir() if each.name.startswith(start) and each.suffix == ".json"]

    def _write(self, path: Path, octets: bytes) -> None:
        draft = self._folder / ".new"
        # It may be evidence by another name, if a crash came between link and unlink: never write into it.
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        # Unlike a rename, a link takes no other file's place.
        os.link(draft, path)
        sync_folder(self._folder)
        draft.unlink()


def _digest(charge: Charge) -> str:
    """The same for the same tree, whoever submits it and whatever it is compared with."""
    checkpoint = charge.request.checkpoint
    return hashlib.sha256(f"{checkpoint.size}\n".encode() + checkpoint.root).hexdigest()[:32]


def _text(charge: Charge, submitter: Submitter, now: float) -> bytes:
    request = charge.request
    values = {
        "kind": charge.kind.value,
        "origin": request.checkpoint.origin,
        "time": datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="milliseconds"),
        "submitter": submitter.name,
        "address": submitter.address,
        "cosigned": charge.cosigned.octets.decode(),
        "submitted": charge.submitted.encode().decode(),
        "old": request.old,
        "proof": [strict_base64.encode(each) for each in request.proof],
    }
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
