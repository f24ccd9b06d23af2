"""What playbooks/recover_quorum.yml reads out of logs and of etcd's answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Sizes = Mapping[str, int]
"""Records by stream."""


def log_size(lines: Iterable[str]) -> int:
    """How many records a log has whose files end with these lines; a line that was cut short counts for nothing."""
    size = 0
    for line in lines:
        try:
            size = max(size, int(json.loads(line)["index"]) + 1)
        except (ValueError, KeyError, TypeError):
            continue
    return size


def store_sizes(answer: str) -> dict[str, int]:
    """How many records the store knows, by stream: what etcdctl prints of the keys `size/…` as JSON."""
    pairs = json.loads(answer).get("kvs", [])
    texts = [[base64.b64decode(pair[part]).decode() for part in ("key", "value")] for pair in pairs]
    return {key.removeprefix("size/"): int(value) for key, value in texts}


def forgotten(known: Sizes, logs: Mapping[str, Sizes]) -> dict[str, dict[str, int]]:
    """By host and stream, how many records its log has that the store does not know; hosts with none are left out."""
    more = {
        host: {stream: size - known.get(stream, 0) for stream, size in sizes.items() if size > known.get(stream, 0)}
        for host, sizes in logs.items()
    }
    return {host: streams for host, streams in more.items() if streams}


def most_forgotten(more: Mapping[str, Sizes]) -> int:
    """How many records are forgotten in all: of each stream as many as the longest log has more."""
    streams = {stream for sizes in more.values() for stream in sizes}
    return sum(max(sizes.get(stream, 0) for sizes in more.values()) for stream in streams)


def initial_cluster(members: Iterable[Mapping[str, Any]], name: str) -> str:
    """The members as etcd's setting wants them; the one without a name, which has not yet started, has this one."""
    return ",".join(f"{member.get('name') or name}={member['peerURLs'][0]}" for member in members)


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """For Ansible."""
        return {
            "log_size": log_size,
            "store_sizes": store_sizes,
            "forgotten": forgotten,
            "most_forgotten": most_forgotten,
            "initial_cluster": initial_cluster,
        }
