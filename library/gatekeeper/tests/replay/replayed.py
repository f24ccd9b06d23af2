"""Zones that open their terms as the service does, and judges of their logs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gatekeeper.registry import Registry
from gatekeeper.replay import Judge

from library.gatekeeper.tests.core.zone import Zone


class OpenZone(Zone):
    """A zone whose log says under what its decisions were made, and that remembers its registries."""

    def fail_over(self) -> None:
        super().fail_over()
        self.settle(self.gatekeeper.open_term(self.now))

    def use(self, registry: Registry) -> None:
        self.registry = registry
        self.settle(self.gatekeeper.use_registry(registry, self.now))


def judge(records: Iterable[dict[str, object]], *registries: Registry) -> Judge:
    """What a replay thinks of these records."""
    known = {registry.version: registry for registry in registries}
    walk = Judge(known.get)
    for record in records:
        walk.take(record)
    walk.finish()
    return walk


def lines_of(zone: Zone) -> list[dict[str, object]]:
    return [json.loads(line) for line in zone.store.lines["h323_ras"]]
