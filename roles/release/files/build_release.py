#!/usr/bin/env python3
"""Builds a release of the gatekeeper on the controller: one archive of locked wheels, for one Python and one machine.

The release is named after what went into it, so that the same sources and lock file give the same name (and nothing to
do), and a changed line gives a new release. The archive appears under its name only when it is whole.

Prints one JSON object: {"release": str, "archive": path, "changed": bool}; a failure is one sentence on standard error
and status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

SERVICE = "guardian-gatekeeper"
# Our own distributions, by their folder under library/. Everything else comes from the lock file.
DISTRIBUTIONS = {"guardian-h323": "h323", "guardian-witness": "witness", SERVICE: "gatekeeper"}
# manylinux2014 covers the older names too; some wheels are built for glibc 2.28 only, which every supported host has.
PLATFORMS = ("manylinux2014", "manylinux_2_28")


class BuildError(Exception):
    """A step failed; the message is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the hosts have: Python's minor version ("3.11") and the machine ("x86_64", "aarch64")."""

    python: str
    machine: str

    @property
    def marker_environment(self) -> dict[str, str]:
        """The PEP 508 environment of such a host: pip would judge markers by the controller's own Python."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def run(*arguments: str, cwd: Path) -> str:
    """Standard output of a command; BuildError with the end of its standard error when it fails."""
    try:
        done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BuildError(
            f"{arguments[0]} is not in PATH: install it on the controller, or run lab/bootstrap --workspace"
        ) from None
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise BuildError(f"`{' '.join(arguments[:4])} …` failed on the controller: {last}")
    return done.stdout


def find_uv(project: Path) -> str:
    """The machine's own uv, or the one that lab/bootstrap has put into the repository."""
    return shutil.which("uv") or shutil.which(project / ".cache" / "uv" / "bin" / "uv") or "uv"


def sources(project: Path) -> Iterator[Path]:
    """Every file that decides what the release contains, in a stable order; this recipe is one of them."""
    yield Path(__file__).resolve()
    yield project / "uv.lock"
    for folder in DISTRIBUTIONS.values():
        root = project / "library" / folder
        yield root / "pyproject.toml"
        for path in sorted((root / "src").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def release_name(project: Path) -> str:
    """The service's version and 12 hex digits of the SHA-256 over all sources, as "0.1.0-0123456789ab"."""
    digest = hashlib.sha256()
    for path in sources(project):
        name = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.name
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    version = run(find_uv(project), "version", "--frozen", "--short", "--package", SERVICE, cwd=project).strip()
    return f"{version}-{digest.hexdigest()[:12]}"


def locked_requirements(project: Path, target: Target) -> str:
    """The lock file's requirements for the target, each with its hashes and without its marker, one a line."""
    exported = run(
        *(find_uv(project), "export", "--quiet", "--locked", "--package", SERVICE, "--no-dev", "--no-emit-workspace"),
        *("--no-header", "--no-annotate"),
        cwd=project,
    )
    lines = []
    for line in exported.replace("\\\n", " ").splitlines():
        text, *hashes = (part.strip() for part in line.split("--hash="))
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(target.marker_environment):
            pin = f"{requirement.name}{requirement.specifier}"
            lines.append(" ".join([pin, *(f"--hash={each}" for each in hashes)]))
    return "\n".join(lines) + "\n"


def fill_wheelhouse(project: Path, target: Target, wheelhouse: Path) -> None:
    """Puts our wheels and the locked ones into the empty folder."""
    locked = wheelhouse.parent / "locked.txt"
    locked.write_text(locked_requirements(project, target), encoding="utf-8")
    platforms = [argument for name in PLATFORMS for argument in ("--platform", f"{name}_{target.machine}")]
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", target.python, *platforms),
        *("--requirement", str(locked), "--dest", str(wheelhouse)),
        cwd=project,
    )
    for distribution in DISTRIBUTIONS:
        run(
            *(find_uv(project), "build", "--quiet", "--wheel", "--package", distribution, "--out-dir", str(wheelhouse)),
            cwd=project,
        )


def pinned(wheel: Path) -> str:
    """The requirement line that admits this very file and no other."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what would make two archives of the same files differ, or hand a host the controller's user numbers."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = 0
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def build(project: Path, target: Target, archive: Path) -> None:
    """Writes the archive: wheelhouse/*.whl and requirements.txt, which pins each of them by its hash."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".build-") as work:
        wheelhouse = Path(work, "wheelhouse")
        wheelhouse.mkdir()
        fill_wheelhouse(project, target, wheelhouse)
        wheels = sorted(wheelhouse.glob("*.whl"))
        requirements = Path(work, "requirements.txt")
        requirements.write_text("".join(f"{pinned(wheel)}\n" for wheel in wheels), encoding="utf-8")
        unfinished = Path(work, archive.name)
        with tarfile.open(unfinished, "w") as tar:
            for path in (requirements, *wheels):
                tar.add(path, arcname=path.relative_to(work).as_posix(), filter=anonymous)
        unfinished.replace(archive)


def main() -> int:
    """Builds the release that the arguments ask for, unless it is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, required=True, help="the repository's folder")
    parser.add_argument("--cache", type=Path, required=True, help="where the archives are kept")
    parser.add_argument("--python", required=True, help='the hosts\' Python, as "3.11"')
    parser.add_argument("--machine", required=True, help='the hosts\' machine, as "x86_64"')
    parser.add_argument("--dry-run", action="store_true", help="only say which release it would be")
    options = parser.parse_args()
    project = options.project.resolve()
    target = Target(python=options.python, machine=options.machine)
    try:
        release = release_name(project)
        archive = options.cache / f"{release}-py{target.python}-{target.machine}.tar"
        missing = not archive.exists()
        if missing and not options.dry_run:
            build(project, target, archive)
    except (BuildError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"release": release, "archive": str(archive), "changed": missing}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
