"""Verification of a log: its records, its tree, and who stands for it."""

from witness.verify.finding import Finding, Kind, Verdict
from witness.verify.report import StreamReport, worst
from witness.verify.stream import Demands, verify_stream

__all__ = ["Demands", "Finding", "Kind", "StreamReport", "Verdict", "verify_stream", "worst"]
