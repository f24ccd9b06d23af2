"""The registries by which a log's decisions were made, found by their versions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from witness.errors import WitnessError

from gatekeeper.registry import Registry, RegistryError, load_registry
from gatekeeper.registry_history import SUFFIX

_DIGITS = frozenset("0123456789abcdef")
_VERSION = 64
"""Digits of a version."""


class RegistryFileError(WitnessError):
    """A file that was named and is no registry."""


class KnownRegistries:
    """Those that were given, and those that a gatekeeper has kept beside its log.

    What a file is called proves nothing: a registry counts for the version that its content has.
    """

    def __init__(self, given: Iterable[Path], folders: Iterable[Path]) -> None:
        """Raises RegistryFileError: one that was given is no registry."""
        self._found: dict[str, Registry | None] = {}
        self._folders = tuple(folders)
        for path in given:
            try:
                registry = load_registry(path)
            except RegistryError as error:
                raise RegistryFileError(str(error)) from error
            self._found[registry.version] = registry

    def find(self, version: str) -> Registry | None:
        """The registry of this version; None where nobody has kept it."""
        if version not in self._found:
            self._found[version] = self._kept(version)
        return self._found[version]

    def _kept(self, version: str) -> Registry | None:
        if len(version) != _VERSION or not _DIGITS.issuperset(version):
            return None
        for folder in self._folders:
            try:
                registry = load_registry(folder / f"{version}{SUFFIX}")
            except RegistryError:
                continue
            if registry.version == version:
                return registry
        return None
