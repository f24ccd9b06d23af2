"""A prober outside the gatekeepers: signed requests at a steady pace, and the outages that a client sees."""

from terminal.probe.decision_log import DecisionLog
from terminal.probe.prober import Prober
from terminal.probe.report import Report
from terminal.probe.run import run_probe
from terminal.probe.settings import ProbeSettings

__all__ = ["DecisionLog", "ProbeSettings", "Prober", "Report", "run_probe"]
