"""What the gatekeeper decides, without clock, socket, thread or random source inside."""

from gatekeeper.core.calls import Call
from gatekeeper.core.effects import Address, Commit, Effect, Instant, Observe, Send
from gatekeeper.core.gatekeeper import Gatekeeper
from gatekeeper.core.inheritance import Inheritance
from gatekeeper.core.settings import CoreSettings, Mcu
from gatekeeper.core.source_limits import Rates
from gatekeeper.core.standby import Standby
from gatekeeper.core.state import State
from gatekeeper.core.supervision import Selection
from gatekeeper.core.without_quorum import WithoutQuorum

__all__ = [
    "Address",
    "Call",
    "Commit",
    "CoreSettings",
    "Effect",
    "Gatekeeper",
    "Inheritance",
    "Instant",
    "Mcu",
    "Observe",
    "Rates",
    "Selection",
    "Send",
    "Standby",
    "State",
    "WithoutQuorum",
]
