"""Strict configuration files of services: each error names the key and says what to write."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from witness.errors import WitnessError

SettingsT = TypeVar("SettingsT")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class SettingsError(WitnessError):
    """The configuration can't be used; its text says what to write."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a mutual TLS connection, PEM."""

    ca: Path
    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus reads; without TLS only on loopback."""

    address: str = "127.0.0.1"
    port: int = 9719
    tls: Tls | None = None


class Section:
    """A mapping of the file whose keys are taken one by one; what is left over in the end is an error."""

    def __init__(self, values: object, where: str, advice: str) -> None:
        if not isinstance(values, dict):
            raise SettingsError(f"{where} is not a mapping; write {advice}")
        self._values: dict[object, object] = dict(values)
        self._where = where

    def _name(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def take(self, key: str, kind: type, advice: str, default: object = ...) -> object:
        """A value of this kind; `advice` is what to write where it is missing or of another."""
        value = self._values.pop(key, default)
        if value is ...:
            raise SettingsError(f"{self._name(key)} is missing; write {key}: {advice}")
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: {advice}")
        return value

    def text(self, key: str, advice: str) -> str:
        """Text that isn't empty."""
        value = str(self.take(key, str, advice))
        if not value:
            raise SettingsError(f"{self._name(key)} is empty; write {key}: {advice}")
        return value

    def name(self, key: str, advice: str) -> str:
        """The name of a host or the like."""
        value = self.text(key, advice)
        if not _NAME.fullmatch(value):
            raise SettingsError(f"{self._name(key)} is {value!r}; write letters, digits and . _ - like {advice}")
        return value

    def path(self, key: str, advice: str) -> Path:
        """A file's or folder's path."""
        return Path(self.text(key, advice))

    def number(self, key: str, advice: str, default: int, low: int = 1, high: int = 2**31) -> int:
        """A whole number within bounds."""
        value = self.take(key, int, advice, default)
        if not isinstance(value, int) or not low <= value <= high:
            raise SettingsError(f"{self._name(key)} is {value!r}; write a number from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self._values.pop(key, default)
        if not isinstance(value, bool):
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: true or false")
        return value

    def address(self, key: str, advice: str) -> str:
        """An IP address, in its usual form."""
        value = self.text(key, advice)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError as error:
            raise SettingsError(f"{self._name(key)} is {value!r}; write {key}: {advice}") from error

    def urls(self, key: str, advice: str, default: object = ...) -> tuple[str, ...]:
        """A list of https addresses, which is not empty unless it may be left out."""
        listed = self.take(key, list, advice, default)
        urls = tuple(str(url) for url in listed) if isinstance(listed, list) else ()
        if (default is ... and not urls) or not all(url.startswith("https://") for url in urls):
            raise SettingsError(f"{self._name(key)} must be https addresses; write {advice}")
        return urls

    def texts(self, key: str, advice: str) -> tuple[str, ...]:
        """A list of texts, at least one, none of them empty."""
        listed = self.take(key, list, advice)
        texts = tuple(listed) if isinstance(listed, list) else ()
        if not texts or not all(isinstance(each, str) and each for each in texts):
            raise SettingsError(f"{self._name(key)} must be texts, at least one; write {key}: {advice}")
        return texts

    def inner(self, key: str, advice: str, default: object = ...) -> Section:
        """A mapping within this one."""
        return Section(self.take(key, dict, advice, default), self._name(key), advice)

    def has(self, key: str) -> bool:
        """Whether it is there and has a value."""
        return self._values.get(key) is not None

    def end(self) -> None:
        """Complain of what nobody took."""
        for key in self._values:
            raise SettingsError(f"{self._name(str(key))} is not a setting of this service; remove it")


def load(path: Path, name: str, parse: Callable[[object], SettingsT]) -> SettingsT:
    """Read a configuration file, usually called `name`, and make settings of its values.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader), path)
        values = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give the path of {name}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line}: not YAML; write 'name: value' lines") from error
    except SettingsError:
        raise
    except (ValueError, OverflowError, LookupError, AttributeError) as error:
        # What PyYAML lets out at 2026-13-45, "\UFFFFFFFF", !!int "" and !!timestamp x.
        raise SettingsError(f"{path}: a value that YAML cannot read ({error}); write text in quotes") from error
    try:
        return parse(values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _check_keys(node: yaml.Node | None, path: Path) -> None:
    """Refuse a key that stands twice: YAML would silently take the last one."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, path)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise SettingsError(f"{path}:{key.start_mark.line + 1}: {key.value} stands twice; keep one of them")
            seen.add(str(key.value))
            _check_keys(value, path)


def take_tls(mapping: Section) -> Tls:
    """The files of a mutual TLS connection, from the section that has them beside others."""
    return Tls(
        mapping.path("ca", "/etc/guardian-council/pki/ca.pem"),
        mapping.path("certificate", "/etc/guardian-council/pki/host.pem"),
        mapping.path("private_key", "/etc/guardian-council/pki/host-key.pem"),
    )


def take_own_tls(mapping: Section) -> Tls:
    """The files of a service's mutual TLS, from its section tls."""
    section = mapping.inner("tls", "{ca: …, certificate: …, private_key: …}")
    tls = take_tls(section)
    section.end()
    return tls


def take_listen(mapping: Section, address: str, port: int) -> tuple[str, int]:
    """Where a service listens: `address` is an example, `port` what it is unless it's said."""
    section = mapping.inner("listen", f"{{address: {address}, port: {port}}}")
    listen = section.address("address", address), section.number("port", str(port), port, 0, 65_535)
    section.end()
    return listen


def take_metrics(metrics: Section, port: int = 9719) -> MetricsSettings:
    """Where a service's metrics are read."""
    address = metrics.address("address", "127.0.0.1") if metrics.has("address") else "127.0.0.1"
    taken = metrics.number("port", str(port), port, 0, 65_535)
    tls = take_tls(metrics) if metrics.has("certificate") else None
    if tls is None and not ipaddress.ip_address(address).is_loopback:
        raise SettingsError("metrics leave this host unprotected; write ca, certificate and private_key beside address")
    metrics.end()
    return MetricsSettings(address, taken, tls)
