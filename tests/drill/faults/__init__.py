"""The fault matrix."""

from __future__ import annotations

from . import gatekeeper, host, keepalived, network, planned, resources, store
from .fault import Fault, Promise, Scene

__all__ = ["FAULTS", "Fault", "Promise", "Scene"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        gatekeeper.Killed(),
        gatekeeper.Halted(),
        gatekeeper.Blocked(),
        gatekeeper.Stopped(),
        keepalived.Stopped(),
        keepalived.ParentKilled(),
        keepalived.ChildKilled(),
        keepalived.AllKilled(),
        host.Killed(),
        host.Frozen(),
        host.Rebooted(),
        host.Reset(),
        network.LinkDown(),
        network.CutFromPeer(),
        network.CutAdverts(),
        network.CutFromVoters(),
        store.Killed(),
        store.WitnessLost(),
        store.WitnessFrozen(),
        store.QuorumLost(),
        resources.DiskFull(),
        resources.ClockStepped(),
        resources.Saturated(),
        planned.Two(),
        planned.Switch(),
        planned.FailBack(),
    )
}
