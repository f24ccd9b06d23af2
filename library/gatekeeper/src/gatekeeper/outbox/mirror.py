"""A host that decides nothing, and has every record of the witness log on disk (h323-witness-mirror)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from witness.day_files.streams import STREAMS
from witness.day_files.writer import DayFileWriter
from witness.log.refetch import PeerRefetch
from witness.service.manager import ServiceManager
from witness.service.metrics_site import MetricsSite

from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.outbox.mirror_settings import MirrorSettings
from gatekeeper.store import Store


class Mirror:
    """The writers of all streams."""

    def __init__(self, settings: MirrorSettings, store: Store, refetch: PeerRefetch | None) -> None:
        """Write what the store has; `refetch` has what the store has no more."""
        self._settings = settings
        self._store = store
        self._refetch = refetch
        self._logs = {stream: DayFileWriter(settings.log_directory, stream) for stream in STREAMS}
        self._writers = [
            LogWriter(store, log, settings.node, stream, refetch=refetch) for stream, log in self._logs.items()
        ]
        self._manager = ServiceManager()

    def check(self) -> None:
        """See Service. All that the settings name was read to make this one."""

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until cancelled; `ready` is called when the files are open.

        Raises:
            StoreError, WitnessLogError, SettingsError: something can't be used, and what to do.
        """
        registry = CollectorRegistry()
        registry.register(MirrorCollector(self._writers))
        metrics = MetricsSite(registry)
        tasks: list[asyncio.Task[None]] = []
        try:
            for log in self._logs.values():
                log.open()
            await self._store.open()
            if self._refetch is not None:
                self._refetch.open()
            await metrics.open(self._settings.metrics)
            tasks += [asyncio.ensure_future(writer.run()) for writer in self._writers]
            self._manager.notify(READY=1)
            ready()
            await self._watch(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close(metrics)

    async def _close(self, metrics: MetricsSite) -> None:
        await metrics.close()
        if self._refetch is not None:
            await self._refetch.close()
        await self._store.close()
        for log in self._logs.values():
            log.close()
        self._manager.close()

    async def _watch(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Tell systemd. A writer ends only by a bug, which ends the service."""
        while True:
            for task in tasks:
                if task.done():
                    task.result()
            trouble = next((str(one.trouble) for one in self._writers if one.trouble is not None), None)
            sizes = ", ".join(f"{one.stream} {one.size}" for one in self._writers)
            self._manager.notify(WATCHDOG=1, STATUS=trouble or f"records: {sizes}")
            await asyncio.sleep(self._manager.watchdog_interval or 1.0)


class MirrorCollector(Collector):
    """Gauges that are read off the writers at each scrape."""

    def __init__(self, writers: Sequence[LogWriter]) -> None:
        self._writers = writers

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        records = GaugeMetricFamily("h323_witness_mirror_records", "Records on this host's disk", labels=["stream"])
        text = "1 while this host's day files can't be written"
        failing = GaugeMetricFamily("h323_witness_mirror_failing", text, labels=["stream"])
        for writer in self._writers:
            records.add_metric([writer.stream], float(writer.size))
            failing.add_metric([writer.stream], float(writer.trouble is not None))
        yield records
        yield failing
