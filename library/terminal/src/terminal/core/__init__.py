"""A terminal's side of RAS, without clock, socket, thread or random source inside."""

from terminal.core.call import Call
from terminal.core.effects import BandwidthChanged, Disengaged, Effect, Finished, Instant, Transmit, Unregistered
from terminal.core.endpoint import Endpoint
from terminal.core.equipment import Equipment
from terminal.core.held_calls import HeldCall
from terminal.core.identity import Identity
from terminal.core.outcome import Confirmed, Ignored, NoAnswer, Outcome, Refused
from terminal.core.request import Prepared, Request
from terminal.core.retransmission import Exchange, RetransmissionPolicy, Timer

__all__ = [
    "BandwidthChanged",
    "Call",
    "Confirmed",
    "Disengaged",
    "Effect",
    "Endpoint",
    "Equipment",
    "Exchange",
    "Finished",
    "HeldCall",
    "Identity",
    "Ignored",
    "Instant",
    "NoAnswer",
    "Outcome",
    "Prepared",
    "Refused",
    "Request",
    "RetransmissionPolicy",
    "Timer",
    "Transmit",
    "Unregistered",
]
