"""The guardian registry: who may take part, and with which Ed25519 keys.

The format is described in docs/guardian-registry.md. Reading is strict: every problem found is reported at once,
each with the line it stands on and what to write instead, because an operator edits this file by hand.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path

import yaml
from h323.h235 import PublicKey

from gatekeeper.passwords import Passwords, load_passwords

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, which reads a large registry in a fifth of the time."""
MAXIMUM_SIZE = 8 * 1024 * 1024
"""Octets, some 30,000 entries, which take 0.3 GB to read; a registry of 25 guardians has about 8,000 octets."""

ROLES = ("chair", "guardian", "expert", "observer")
STATUSES = ("active", "suspended", "revoked")
KEY_STATES = ("prepared", "active", "retired", "revoked")
ENDPOINT_TYPES = ("terminal", "gateway", "mcu", "gatekeeper")
SIGNED, PASSWORD, NONE = AUTHENTICATIONS = ("signed", "password", "none")
"""By what a guardian's requests are believed."""
PRE_GRANTED = ("make_call", "answer_call")
DEFAULT_QUOTA_BPS = 10_000_000

_DEEPEST = 32
"""Lists in lists; a registry has 6, and what has 5,000 takes the parser many seconds."""
_TERMINAL_ID = re.compile(r"if://guardian/[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
_PREFIX = re.compile(r"[0-9*#]{1,32}")
_HASH = re.compile(r"[0-9a-f]{64}")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_host = lru_cache(maxsize=4_096)(ipaddress.ip_address)


class RegistryError(ValueError):
    """The registry can't be used; `problems` has one sentence for each thing to mend, "FILE:LINE: …"."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One Ed25519 key of a guardian. Times are Unix seconds, None means no bound."""

    epoch: int
    public_key: PublicKey
    state: str
    not_before: float
    not_after: float | None
    next_key_hash: str | None

    def usable(self, unix: float) -> bool:
        """Whether signatures by this key count at the time `unix` (Unix seconds)."""
        if self.state != "active" or unix < self.not_before:
            return False
        return self.not_after is None or unix < self.not_after


@dataclass(frozen=True, slots=True)
class Guardian:
    """One entry of the registry."""

    terminal_id: str
    aliases: tuple[str, ...]
    role: str
    status: str
    bandwidth_quota_bps: int
    registered_at: float
    keys: tuple[KeySlot, ...]
    endpoint_types: tuple[str, ...] = ("terminal",)
    """What it may register as."""
    prefixes: tuple[str, ...] = ()
    """Of a gateway: what the numbers begin with that it may take calls for."""
    pre_granted_arq: tuple[str, ...] = ()
    """Calls that need no ARQ: "make_call", "answer_call"."""
    authentication: str = SIGNED
    networks: tuple[Network, ...] = ()
    """Where requests without a signature are believed from; none for `signed`."""
    password_key: bytes | None = field(default=None, repr=False)
    """Of `password`: the key that H.235.1 makes of it. None authenticates nobody."""

    def is_near(self, host: str) -> bool:
        """Whether this IP address is in one of the guardian's networks."""
        address = _host(host)
        return any(address in network for network in self.networks)

    def usable_keys(self, unix: float) -> tuple[KeySlot, ...]:
        """The keys whose signatures count at the time `unix` (Unix seconds), newest epoch first."""
        return tuple(sorted((key for key in self.keys if key.usable(unix)), key=lambda key: -key.epoch))


class Registry:
    """All guardians, found by terminal_id or by terminal alias in constant time."""

    def __init__(self, guardians: tuple[Guardian, ...], octets: bytes = b"") -> None:
        """`octets` is the file that it was read from."""
        self.guardians = guardians
        self.octets = octets
        self._by_terminal_id = {guardian.terminal_id: guardian for guardian in guardians}
        self._by_alias = {alias: guardian for guardian in guardians for alias in guardian.aliases}
        self._networks = tuple({network for guardian in guardians for network in guardian.networks})
        self.prefixes = frozenset(prefix for guardian in guardians for prefix in guardian.prefixes)
        """Of all gateways."""

    @cached_property
    def version(self) -> str:
        """Names its content in the witness log: the SHA-256 of what counts for a decision, as 64 hexadecimal digits.

        Comments, the order of the entries and the passwords don't count. It takes a second for 100,000 guardians.
        """
        entries = sorted((_canonical(guardian) for guardian in self.guardians), key=itemgetter("terminal_id"))
        text = json.dumps(entries, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def has_equipment_near(self, host: str) -> bool:
        """Whether anybody who doesn't sign is believed from this IP address."""
        address = _host(host)
        return any(address in network for network in self._networks)

    def by_terminal_id(self, terminal_id: str) -> Guardian | None:
        """The guardian with this terminal_id, or None."""
        return self._by_terminal_id.get(terminal_id)

    def by_alias(self, alias: str) -> Guardian | None:
        """The guardian who owns this terminal alias (its terminal_id is one, too), or None."""
        return self._by_alias.get(alias) or self._by_terminal_id.get(alias)


def _canonical(guardian: Guardian) -> dict[str, object]:
    """All of an entry but the password."""
    fields: dict[str, object] = {name: getattr(guardian, name) for name in _CANONICAL}
    fields["networks"] = sorted(map(str, guardian.networks))
    fields["keys"] = [_canonical_key(key) for key in sorted(guardian.keys, key=attrgetter("epoch"))]
    return fields


def _canonical_key(key: KeySlot) -> list[object]:
    public_key = key.public_key.public_bytes_raw().hex()
    return [key.epoch, public_key, key.state, key.not_before, key.not_after, key.next_key_hash]


_CANONICAL = (
    "terminal_id",
    "aliases",
    "role",
    "status",
    "bandwidth_quota_bps",
    "registered_at",
    "endpoint_types",
    "prefixes",
    "pre_granted_arq",
    "authentication",
)


def load_registry(path: Path, passwords: Passwords | None = None) -> Registry:
    """Read the registry file.

    Args:
        path: where it is.
        passwords: those of the entries that are believed by a password; without them, such entries are read and
            authenticate nobody.

    Raises:
        RegistryError: the file can't be read, isn't YAML, or breaks a rule; all problems found are in it.
    """
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise RegistryError([f"{path}: cannot be read ({error.strerror}); give the path of the registry"]) from error
    return parse_registry(octets, str(path), passwords)


def load_registry_and_passwords(registry: Path, passwords: Path | None) -> Registry:
    """Read both files; every entry that is believed by a password must have one.

    Raises:
        RegistryError, PasswordsError: see `load_registry` and `load_passwords`.
    """
    return load_registry(registry, load_passwords(passwords) if passwords is not None else {})


def parse_registry(octets: bytes, name: str, passwords: Passwords | None = None) -> Registry:
    """Read a registry from its octets; `name` stands before the line in each problem. See `load_registry`.

    Raises:
        RegistryError: see `load_registry`.
    """
    reader = _Reader(name, passwords)
    root = reader.compose(octets)
    registry = reader.registry(root, octets) if root is not None else None
    if reader.problems or registry is None:
        raise RegistryError(reader.problems)
    return registry


def _timestamp(text: str) -> float | None:
    """Unix seconds of an ISO 8601 time in UTC ("2026-01-01T00:00:00Z"), or None where it isn't one."""
    if not text.endswith("Z"):
        return None
    try:
        moment = datetime.fromisoformat(text[:-1])
    except ValueError:
        return None
    return None if moment.tzinfo else moment.replace(tzinfo=timezone.utc).timestamp()


def _public_key(text: str) -> PublicKey | None:
    try:
        return PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


_NO_KEY = PublicKey(b"")
"""In the place of one that can't be read: it verifies nothing, and its registry is never handed out."""


class _Fields:
    """One mapping of the file, with the lines its keys stand on."""

    def __init__(self, reader: _Reader, node: yaml.Node, known: tuple[str, ...], what: str) -> None:
        self.reader, self.node, self.what = reader, node, what
        self.values: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            reader.problem(node, f"{what} is not a mapping; write its fields as 'name: value' ({', '.join(known)})")
            return
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value not in known:
                written = key.value if isinstance(key, yaml.ScalarNode) else "this key"
                reader.problem(key, f"{what} has no field '{written}'; write one of {', '.join(known)}")
            elif key.value in self.values:
                reader.problem(key, f"{key.value} stands twice; keep one of them")
            else:
                self.values[key.value] = value

    def text(self, field: str, good: Callable[[str], bool], advice: str, default: str | None = None) -> str:
        """The field's text; where it is missing or not good, a problem is noted and "" returned."""
        node = self.values.get(field)
        if node is None:
            if default is None and isinstance(self.node, yaml.MappingNode):
                self.reader.problem(self.node, f"{self.what} has no {field}; write {field}: {advice}")
            return default or ""
        if not isinstance(node, yaml.ScalarNode) or not good(node.value):
            written = f"'{node.value[:80]}'" if isinstance(node, yaml.ScalarNode) else "not a single value"
            self.reader.problem(node, f"{field} is {written}; write {field}: {advice}")
            return ""
        return str(node.value)

    def optional(self, field: str, good: Callable[[str], bool], advice: str) -> str | None:
        """As `text`, but absent, empty and null give None."""
        node = self.values.get(field)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return None
        return self.text(field, good, advice)

    def items(self, field: str, advice: str) -> list[yaml.Node]:
        """The nodes of a non-empty list."""
        node = self.values.get(field)
        if isinstance(node, yaml.SequenceNode) and node.value:
            return list(node.value)
        if isinstance(self.node, yaml.MappingNode):
            self.reader.problem(node or self.node, f"{self.what} has no list of {field}; write {field}: {advice}")
        return []

    def words(
        self, field: str, good: Callable[[str], bool], advice: str, default: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """The values of a list, each once; `default` where it is absent."""
        if field not in self.values:
            return default
        found: list[str] = []
        for node in self.items(field, advice):
            word = node.value if isinstance(node, yaml.ScalarNode) else ""
            if not good(word):
                written = f"'{word[:80]}'" if word else "something that is no single value"
                self.reader.problem(node, f"{field} has {written}; write {field}: {advice}")
            elif word in found:
                self.reader.problem(node, f"{field} has {word} twice; keep one of them")
            found.append(word)
        return tuple(found)


_GUARDIAN_FIELDS = (
    "terminal_id",
    "aliases",
    "role",
    "status",
    "bandwidth_quota_bps",
    "endpoint_types",
    "prefixes",
    "pre_granted_arq",
    "registered_at",
    "authentication",
    "networks",
    "keys",
)
_KEY_FIELDS = ("epoch", "public_key", "state", "not_before", "not_after", "next_key_hash")


def _one_of(words: tuple[str, ...]) -> tuple[Callable[[str], bool], str]:
    return (lambda text: text in words), " | ".join(words)


def _list_of(words: tuple[str, ...]) -> tuple[Callable[[str], bool], str]:
    return (lambda text: text in words), f"a list of {', '.join(words)}"


def _is_time(text: str) -> bool:
    return _timestamp(text) is not None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:12]) > 0 and len(text) <= 12


def _network(text: str) -> Network | None:
    """The network of a CIDR; None where it isn't one, has host bits, or is the whole internet."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    return network if network.prefixlen else None


def _is_network(text: str) -> bool:
    return _network(text) is not None


_NETWORKS_EXAMPLE = '["192.0.2.0/24"] (where this equipment is)'
_NETWORKS_ADVICE = f"write networks: {_NETWORKS_EXAMPLE}"
_TIME_ADVICE = '"2026-01-01T00:00:00Z" (UTC)'


class _Reader:
    def __init__(self, name: str, passwords: Passwords | None) -> None:
        self.name = name
        self.passwords = passwords
        self.problems: list[str] = []

    def problem(self, node: yaml.Node, sentence: str) -> None:
        self.problems.append(f"{self.name}:{node.start_mark.line + 1}: {sentence}")

    def compose(self, octets: bytes) -> yaml.Node | None:
        if len(octets) > MAXIMUM_SIZE:
            self.problems.append(f"{self.name}: larger than {MAXIMUM_SIZE} octets; this is not a guardian registry")
            return None
        try:
            text = octets.decode()
            if not self.harmless(text):
                return None
            root = yaml.compose(text, Loader=_LOADER)
        except UnicodeDecodeError as error:
            line = octets[: error.start].count(b"\n") + 1
            self.problems.append(f"{self.name}:{line}: not UTF-8; save the file as UTF-8 text")
            return None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            self.problems.append(f"{self.name}:{line}: not YAML ({error.problem}); see docs/guardian-registry.md")
            return None
        except (yaml.YAMLError, RecursionError) as error:
            self.problems.append(f"{self.name}: not YAML ({type(error).__name__}); see docs/guardian-registry.md")
            return None
        if root is None:
            self.problems.append(f"{self.name}:1: empty; write version: 1 and guardians: with one entry a guardian")
        return root

    def harmless(self, text: str) -> bool:
        """Whether the text is what it looks like: small, whatever is made of it."""
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            # A few anchors nested in each other would stand for a file of any size.
            if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                advice = "write it out instead of *alias" if depth <= _DEEPEST else "not a registry: lists in lists"
                self.problems.append(f"{self.name}:{line}: {advice}")
                return False
        return True

    def registry(self, root: yaml.Node, octets: bytes) -> Registry:
        fields = _Fields(self, root, ("version", "guardians"), "the registry")
        fields.text("version", lambda text: text == "1", "1")
        nodes = fields.items("guardians", "and one entry a guardian, each beginning with '- terminal_id:'")
        guardians = tuple(self.guardian(node) for node in nodes)
        if not self.problems:
            self.unique(nodes, guardians)
        return Registry(guardians, octets)

    def guardian(self, node: yaml.Node) -> Guardian:
        fields = _Fields(self, node, _GUARDIAN_FIELDS, "the guardian")
        terminal_id = fields.text(
            "terminal_id", lambda text: bool(_TERMINAL_ID.fullmatch(text)), "if://guardian/NAME (a-z, 0-9 and -)"
        )
        status = fields.text("status", *_one_of(STATUSES))
        quota = fields.text("bandwidth_quota_bps", _is_count, "10000000 (bit/s)", default=str(DEFAULT_QUOTA_BPS))
        registered_at = fields.text("registered_at", _is_time, _TIME_ADVICE)
        authentication = fields.text("authentication", *_one_of(AUTHENTICATIONS), default=SIGNED)
        types = fields.words("endpoint_types", *_list_of(ENDPOINT_TYPES), default=("terminal",))
        prefixes = fields.words("prefixes", lambda text: bool(_PREFIX.fullmatch(text)), '["00"] (0-9, * and #)')
        if prefixes and "gateway" not in types:
            self.problem(node, f"{terminal_id} has prefixes but is no gateway; write endpoint_types: [gateway]")
        return Guardian(
            terminal_id=terminal_id,
            aliases=tuple(self.alias(item) for item in fields.items("aliases", '[alice, "1001"]')),
            role=fields.text("role", *_one_of(ROLES)),
            status=status,
            bandwidth_quota_bps=int(quota or DEFAULT_QUOTA_BPS),
            registered_at=_timestamp(registered_at) or 0.0,
            keys=self.keys(fields, authentication, status),
            endpoint_types=types,
            prefixes=prefixes,
            pre_granted_arq=fields.words("pre_granted_arq", *_list_of(PRE_GRANTED)),
            authentication=authentication,
            networks=self.networks(fields, authentication),
            password_key=self.password_key(node, terminal_id, authentication),
        )

    def keys(self, fields: _Fields, authentication: str, status: str) -> tuple[KeySlot, ...]:
        """Keys are for those who sign: at others they would stand there as if they counted."""
        if authentication in (PASSWORD, NONE):
            if "keys" in fields.values:
                what = f"keys have no meaning with authentication: {authentication}"
                self.problem(fields.values["keys"], f"{what}; remove them, or write authentication: {SIGNED}")
            return ()
        keys = tuple(self.key(item) for item in fields.items("keys", "and one entry a key, '- epoch: 1' first"))
        terminal_id = fields.values["terminal_id"].value if "terminal_id" in fields.values else "the guardian"
        if status == "active" and keys and not any(key.state == "active" for key in keys):
            advice = "write state: active at one of its keys"
            self.problem(fields.node, f"{terminal_id} is active without an active key; {advice}")
        if len({key.epoch for key in keys}) != len(keys):
            self.problem(fields.node, f"{terminal_id} has two keys of one epoch; number them 1, 2, 3 …")
        return keys

    def networks(self, fields: _Fields, authentication: str) -> tuple[Network, ...]:
        """Who proves little or nothing has to come from a named network; who signs may come from anywhere."""
        if authentication in (PASSWORD, NONE):
            if "networks" not in fields.values:
                self.problem(fields.node, f"authentication: {authentication} needs networks; {_NETWORKS_ADVICE}")
            return tuple(filter(None, map(_network, fields.words("networks", _is_network, _NETWORKS_EXAMPLE))))
        if "networks" in fields.values:
            what = f"networks have no meaning with authentication: {SIGNED}, which counts from everywhere"
            self.problem(fields.values["networks"], f"{what}; remove them")
        return ()

    def password_key(self, node: yaml.Node, terminal_id: str, authentication: str) -> bytes | None:
        if authentication != PASSWORD or self.passwords is None:
            return None
        key = self.passwords.get(terminal_id)
        if key is None:
            advice = f"write '{terminal_id}: …' into the file that passwords: or --passwords names"
            self.problem(node, f"{terminal_id} has authentication: {PASSWORD} and no password; {advice}")
        return key

    def alias(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and _ALIAS.fullmatch(node.value):
            return str(node.value)
        self.problem(node, "not a terminal alias; write letters, digits and . _ @ - (at most 128)")
        return ""

    def key(self, node: yaml.Node) -> KeySlot:
        fields = _Fields(self, node, _KEY_FIELDS, "the key")
        public_key = fields.text(
            "public_key", lambda text: _public_key(text) is not None, "what 'guardian-terminal keygen' printed (base64)"
        )
        not_after = fields.optional("not_after", _is_time, _TIME_ADVICE + " or null")
        return KeySlot(
            epoch=int(fields.text("epoch", _is_count, "1") or 0),
            public_key=_public_key(public_key) or _NO_KEY,
            state=fields.text("state", *_one_of(KEY_STATES)),
            not_before=_timestamp(fields.text("not_before", _is_time, _TIME_ADVICE)) or 0.0,
            not_after=_timestamp(not_after) if not_after else None,
            next_key_hash=fields.optional("next_key_hash", lambda text: bool(_HASH.fullmatch(text)), "64 hex or null"),
        )

    def unique(self, nodes: list[yaml.Node], guardians: tuple[Guardian, ...]) -> None:
        """Nobody shares a terminal_id, an alias or a key: a signature must name one guardian."""
        owners: dict[tuple[str, object], str] = {}
        for node, guardian in zip(nodes, guardians, strict=True):
            for identity in _identities(guardian):
                if identity in owners:
                    what = f"{guardian.terminal_id} has the same {identity[0]} as {owners[identity]}"
                    self.problem(node, f"{what}; give each guardian one of its own, once")
                owners[identity] = guardian.terminal_id


def _identities(guardian: Guardian) -> list[tuple[str, object]]:
    identities: list[tuple[str, object]] = [("terminal_id", guardian.terminal_id)]
    identities += [("alias", alias) for alias in guardian.aliases]
    identities += [("public key", key.public_key.public_bytes_raw()) for key in guardian.keys]
    return identities


def describe(registry: Registry) -> Mapping[str, object]:
    """What `h323-gatekeeper validate` prints: how many guardians there are of each status and policy."""
    counts = dict.fromkeys(STATUSES, 0)
    for guardian in registry.guardians:
        counts[guardian.status] += 1
    return {"guardians": len(registry.guardians), **counts, **count_by_authentication(registry)}


def count_by_authentication(registry: Registry) -> dict[str, int]:
    """How many guardians there are of each policy."""
    counts = dict.fromkeys(AUTHENTICATIONS, 0)
    for guardian in registry.guardians:
        counts[guardian.authentication] += 1
    return counts
