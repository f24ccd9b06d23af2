"""How this node is, in the words of its status and of its signs of life."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gatekeeper.failover.health import Health
from gatekeeper.failover.last_answer import LastAnswer
from gatekeeper.failover.mandate import Mandate
from gatekeeper.failover.office import Office
from gatekeeper.failover.peer import Peer
from gatekeeper.failover.pulse import Pulse
from gatekeeper.failover.release import RELEASE
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.vrrp_notify import VrrpNotify
from gatekeeper.metrics import Status
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.settings import Settings


@dataclass(frozen=True, slots=True)
class Condition:
    """Asks the parts of the service; nothing of it is kept."""

    settings: Settings
    office: Office
    mandate: Mandate
    health: Health
    peer: Peer
    pulse: Pulse
    vrrp: VrrpNotify | None
    writers: Sequence[LogWriter]
    previous_end: str | None
    """How the service ended before it was started this time."""
    last_answer: LastAnswer
    """To a terminal."""

    def status(self) -> Status:
        """For operators."""
        tenure, vrrp = self.office.tenure, self.vrrp
        trouble, peer = self.health.trouble, self.peer.sign
        wait = self.health.fit_again_in
        return Status(
            node=self.settings.core.node,
            role=self.settings.role,
            healthy=trouble is None,
            active=self._is_active,
            epoch=self._epoch,
            registrations=tenure.gatekeeper.registrations if tenure else 0,
            calls=tenure.gatekeeper.calls if tenure else 0,
            store=self.settings.store.kind,
            virtual_address=self.settings.ras.virtual_address,
            holds_virtual_address=self.mandate.has_virtual_address,
            trouble=trouble,
            registrations_by_authentication=dict(tenure.gatekeeper.registrations_by_authentication) if tenure else {},
            witness_records=self._witness_records,
            outbox_records={writer.stream: writer.outbox for writer in self.writers},
            peer=None if peer is None else asdict(peer),
            peer_age=self.peer.age,
            peer_signs_refused=self.peer.refused,
            vrrp_state=vrrp.router.state.value if vrrp else None,
            vrrp_transitions=vrrp.router.transitions if vrrp else 0,
            virtual_address_doubt=vrrp.doubt if vrrp else None,
            stalls=self.pulse.stalls,
            longest_stall=round(self.pulse.longest, 3),
            watched=self.pulse.watched,
            fit=self.health.fit,
            fit_again_in_sec=None if wait is None else round(wait),
            quorum=self.health.has_quorum,
            caretaker=self.health.caretaker,
            clock_offset=self.health.clocks.ahead,
            clock_doubt=self.health.clocks.sentence,
        )

    def sign_of_life(self) -> PeerSign:
        """For the other gatekeeper."""
        trouble = self.health.trouble
        answered = self.last_answer.epoch != 0
        return PeerSign(
            node=self.settings.core.node,
            role=self.settings.role,
            epoch=self._epoch,
            active=self._is_active,
            fit=self.health.fit and trouble is None,
            trouble=trouble,
            has_quorum=self.health.has_quorum,
            witness_records=self._witness_records,
            previous_end=self.previous_end,
            release=RELEASE,
            unix_ms=max(0, int(time.time() * 1_000)),
            answered_epoch=self.last_answer.epoch if answered else None,
            answered_ms_ago=self.last_answer.ms_ago(time.monotonic()) if answered else None,
        )

    @property
    def _is_active(self) -> bool:
        return self.office.tenure is not None and self.office.tenure.confirmed

    @property
    def _epoch(self) -> int:
        return max(self.health.epoch, self.office.tenure.term.epoch if self.office.tenure else 0)

    @property
    def _witness_records(self) -> dict[str, int]:
        return {writer.stream: writer.size for writer in self.writers}
