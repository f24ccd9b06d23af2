"""The runbook's metric names, to the letter, and nobody's identity in a label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gatekeeper.metrics import Metrics, Status
from prometheus_client.parser import text_string_to_metric_families

from .guardian import guardian
from .running import Node, serving, until

STATUS = Status(
    node="gk1",
    role="primary",
    healthy=True,
    active=True,
    epoch=7,
    registrations=8,
    calls=5,
    store="etcd",
    virtual_address="192.0.2.10",
    holds_virtual_address=True,
    registrations_by_authentication={"signed": 5, "password": 2, "none": 1},
    witness_records={"h323_ras": 12, "failover": 1},
    outbox_records={"h323_ras": 7, "failover": 0},
    vrrp_state="MASTER",
    vrrp_transitions=3,
    virtual_address_doubt="this host has the virtual address, but keepalived says otherwise",
)


def lines(metrics: Metrics) -> set[str]:
    return {line for line in metrics.exposition().decode().splitlines() if not line.startswith("#")}


def test_names_and_labels_are_the_runbooks() -> None:
    metrics = Metrics(lambda: STATUS)
    metrics.count("ARQ", "confirmed", "signed")
    metrics.count("ARQ", "CAPACITY_EXCEEDED", "password")
    metrics.count("ARQ", "rate_limited")
    metrics.count("RRQ", "confirmed", "signed")
    metrics.took_over(0.142)
    assert lines(metrics) >= {
        'h323_gatekeeper_up{instance="gk1",role="primary"} 1.0',
        'h323_gatekeeper_active_sessions{instance="gk1"} 5.0',
        'h323_gatekeeper_total_admissions{instance="gk1"} 2.0',
        'h323_gatekeeper_failover_total{instance="gk1"} 1.0',
        'h323_gatekeeper_failover_duration_seconds{instance="gk1"} 0.142',
        'h323_gatekeeper_active{instance="gk1",role="primary"} 1.0',
        'h323_gatekeeper_epoch{instance="gk1"} 7.0',
        'h323_gatekeeper_registrations{instance="gk1"} 8.0',
        'h323_gatekeeper_registrations_by_authentication{instance="gk1",policy="password"} 2.0',
        'h323_gatekeeper_registrations_by_authentication{instance="gk1",policy="none"} 1.0',
        'h323_gatekeeper_requests_by_authentication_total{policy="signed"} 2.0',
        'h323_gatekeeper_requests_by_authentication_total{policy="password"} 1.0',
        'h323_gatekeeper_requests_total{message="ARQ",result="confirmed"} 1.0',
        'h323_gatekeeper_requests_total{message="ARQ",result="CAPACITY_EXCEEDED"} 1.0',
        'h323_gatekeeper_witness_records{instance="gk1",stream="h323_ras"} 12.0',
        'h323_gatekeeper_outbox_records{instance="gk1",stream="h323_ras"} 7.0',
        'h323_gatekeeper_vrrp_state{instance="gk1",state="MASTER"} 1.0',
        'h323_gatekeeper_vrrp_state{instance="gk1",state="FAULT"} 0.0',
        'h323_gatekeeper_vrrp_transitions_total{instance="gk1"} 3.0',
        'h323_gatekeeper_virtual_address_doubt{instance="gk1"} 1.0',
    }


def test_a_single_gatekeeper_has_no_metrics_of_another() -> None:
    assert "_peer_" not in Metrics(lambda: STATUS).exposition().decode()


def test_a_silent_gatekeeper_is_not_fit_and_ages() -> None:
    silent = replace(STATUS, peer_age=7.5, peer_signs_refused=3, clock_offset=-0.25)
    assert lines(Metrics(lambda: silent)) >= {
        'h323_gatekeeper_peer_age_seconds{instance="gk1"} 7.5',
        'h323_gatekeeper_clock_offset_seconds{instance="gk1"} -0.25',
        'h323_gatekeeper_peer_fit{instance="gk1"} 0.0',
        'h323_gatekeeper_peer_signs_refused_total{instance="gk1"} 3.0',
    }
    heard = replace(silent, peer={"node": "gk2", "fit": True})
    assert 'h323_gatekeeper_peer_fit{instance="gk1"} 1.0' in lines(Metrics(lambda: heard))


def test_durations_are_histograms_in_seconds() -> None:
    metrics = Metrics(lambda: STATUS)
    metrics.answered("ARQ", 0.004)
    metrics.committed(0.002)
    assert lines(metrics) >= {
        'h323_gatekeeper_request_duration_seconds_bucket{le="0.0025",message="ARQ"} 0.0',
        'h323_gatekeeper_request_duration_seconds_bucket{le="0.005",message="ARQ"} 1.0',
        'h323_gatekeeper_request_duration_seconds_count{message="ARQ"} 1.0',
        'h323_gatekeeper_commit_duration_seconds_bucket{le="0.0025"} 1.0',
    }


def test_a_sick_gatekeeper_is_not_up() -> None:
    sick = Status("gk2", "secondary", False, False, 0, 0, 0, "etcd", None, False, "the store is away")
    assert 'h323_gatekeeper_up{instance="gk2",role="secondary"} 0.0' in lines(Metrics(lambda: sick))


def test_without_keepalived_nothing_is_said_of_it() -> None:
    alone = Status("gk1", "primary", True, True, 1, 0, 0, "sqlite", None, False)
    exposition = Metrics(lambda: alone).exposition().decode()
    assert "vrrp" not in exposition
    assert "doubt" not in exposition


def test_a_running_gatekeeper_names_no_guardian(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice, guardian("carol", node.port) as carol:
        alice.register()
        alice.ask(alice.admission())
        carol.ask(carol.registration())
        until(lambda: 'message="ARQ",result="confirmed"} 1.0' in node.metrics(), "the admission is counted")
        exposition = node.metrics()
    families = {family.name: family for family in text_string_to_metric_families(exposition)}
    labels = {label for family in families.values() for sample in family.samples for label in sample.labels}
    assert labels == {"instance", "role", "stream", "message", "result", "le", "policy"}
    assert not any(word in exposition for word in ("alice", "carol", "if://"))
    assert families["h323_gatekeeper_failover"].type == "counter"
