"""A terminal's side of RAS, without I/O."""

from terminal.core.endpoint import Confirmed, Endpoint, Identity, NoAnswer, Outcome, Refused

__all__ = ["Confirmed", "Endpoint", "Identity", "NoAnswer", "Outcome", "Refused"]
