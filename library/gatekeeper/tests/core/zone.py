"""A gatekeeper with its store in memory and guardians who sign: only clock, socket and disk are made up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from gatekeeper.core import Address, Commit, CoreSettings, Effect, Gatekeeper, Instant, Mcu, Observe, Send
from gatekeeper.registry import Guardian, KeySlot, Registry
from gatekeeper.store import Batch, KeptAnswer, Snapshot, Term
from h323.asn1.types import InfoRequestResponsePerCallInfoItem, TransportChannelInfo
from h323.council import CallProfile, RefusalName, profile_generic_data, read_refusal
from h323.h235 import PrivateKey, challenge_of, read_token, sign, verify
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionRequest,
    BandwidthRequest,
    CallIdentifier,
    DisengageRequest,
    EndpointType,
    H221NonStandard,
    InfoRequestResponse,
    RasMessage,
    RegistrationConfirm,
    RegistrationRequest,
    TransportAddressIpAddress,
    UnregistrationRequest,
    VendorIdentifier,
    decode,
)

IDENTIFIER = "guardian-council"
START = Instant(1_000.0, 1_800_000_000.0)
CONFERENCE = bytes(range(16))
SETTINGS = CoreSettings(
    node="gk1",
    gatekeeper_identifier=IDENTIFIER,
    ras_address=("192.0.2.10", 1719),
    mcus=(Mcu("mcu1", ("192.0.2.21", 1720)), Mcu("mcu2", ("192.0.2.22", 1720))),
)


def private_key(name: str) -> PrivateKey:
    """A key of this name, the same in every run."""
    return PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def guardian(name: str, status: str = "active") -> Guardian:
    """A guardian whose key is `private_key(name)`."""
    slot = KeySlot(1, private_key(name).public_key(), "active", 0.0, None, None)
    return Guardian(f"if://guardian/{name}", (name,), "guardian", status, 10_000_000, 0.0, (slot,))


class MemoryStore:
    """What the real stores keep, in dictionaries."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.answers: list[KeptAnswer] = []
        self.lines: dict[str, list[bytes]] = {"h323_ras": [], "failover": []}
        self.term: Term | None = None

    def take_over(self, unix: float) -> Snapshot:
        previous, self.term = self.term, Term(self.term.epoch + 1 if self.term else 1, "gk1", unix, unix)
        sizes = {stream: len(lines) for stream, lines in self.lines.items()}
        return Snapshot(
            self.term,
            previous,
            dict(self.items),
            sizes,
            tuple(kept.octets for kept in self.answers),
        )

    def commit(self, batch: Batch) -> None:
        for change in batch.changes:
            if change.value is None:
                self.items.pop(change.key, None)
            else:
                self.items[change.key] = change.value
        if batch.forget is not None:
            self.answers = [kept for kept in self.answers if kept.forget_at > batch.forget]
        self.answers += batch.answers
        for record in batch.records:
            assert record.index == len(self.lines[record.stream]), "records must be numbered without gaps"
            self.lines[record.stream].append(record.line)

    def records(self, stream: str = "h323_ras") -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines[stream]]


class Zone:
    """One gatekeeper, its store, a clock to turn by hand."""

    def __init__(self, *guardians: Guardian, settings: CoreSettings = SETTINGS) -> None:
        self.store = MemoryStore()
        self.settings = settings
        self.registry = Registry(guardians or tuple(guardian(name) for name in ("alice", "bob", "carol")))
        self.now = START
        self._entropy = 0
        self.observed: list[Observe] = []
        self.fail_over()

    def random_bytes(self, count: int) -> bytes:
        self._entropy += 1
        return hashlib.sha256(self._entropy.to_bytes(8, "big")).digest()[:count]

    def fail_over(self) -> None:
        """Another node takes over: a new core from what the store has."""
        snapshot = self.store.take_over(self.now.unix)
        key = private_key(IDENTIFIER)
        self.gatekeeper = Gatekeeper(self.settings, self.registry, key, snapshot, self.now, self.random_bytes)

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, and the gatekeeper notice it."""
        self.now = Instant(self.now.monotonic + seconds, self.now.unix + seconds)
        return self.settle(self.gatekeeper.timeout(self.now))

    def settle(self, effects: list[Effect]) -> list[Effect]:
        """Carry out the commits; what is left to send and to observe."""
        settled: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Commit):
                self.store.commit(effect.batch)
                settled += self.settle(self.gatekeeper.committed(effect.number, self.now))
            else:
                settled.append(effect)
        self.observed += [effect for effect in settled if isinstance(effect, Observe)]
        return settled

    def exchange(self, datagram: bytes, source: Address) -> RasMessage | None:
        """What a terminal at `source` gets for this datagram; the signature is checked."""
        answer = self.exchange_octets(datagram, source)
        if answer is None:
            return None
        message = decode(answer)
        token = read_token(message)
        if token is None:
            assert len(answer) <= len(datagram), "only to strangers an answer is not signed, and then it is no longer"
            return message
        assert token.senders_id == IDENTIFIER
        assert token.challenge == challenge_of(datagram)
        assert verify(answer, token, private_key(IDENTIFIER).public_key())
        return message

    def exchange_octets(self, datagram: bytes, source: Address) -> bytes | None:
        sent = [e for e in self.settle(self.gatekeeper.receive(datagram, source, self.now)) if isinstance(e, Send)]
        assert len(sent) <= 1
        assert all(send.destination == source for send in sent)
        return sent[0].datagram if sent else None

    def deliver(self, datagram: bytes, source: Address) -> list[RasMessage]:
        """All that the gatekeeper sends to `source` because of this datagram."""
        effects = self.settle(self.gatekeeper.receive(datagram, source, self.now))
        return sent_to(source, effects)


def sent_to(destination: Address, effects: list[Effect]) -> list[RasMessage]:
    """The messages among the effects that go there."""
    sends = (effect for effect in effects if isinstance(effect, Send))
    return [decode(send.datagram) for send in sends if send.destination == destination]


def refusal_of(message: RasMessage | None) -> RefusalName | None:
    """The runbook's name that a reject message carries."""
    assert message is not None
    refusal = read_refusal(getattr(message, "generic_data", None))
    return refusal.name if refusal is not None else None


class Terminal:
    """A guardian's terminal at an address of its own."""

    def __init__(self, zone: Zone, name: str, host: int = 101, key: PrivateKey | None = None) -> None:
        self.zone = zone
        self.terminal_id = f"if://guardian/{name}"
        self.name = name
        self.key = key or private_key(name)
        self.host = host
        self.source: Address = (f"192.0.2.{host}", 1719)
        self.endpoint_identifier = ""
        self._seq = 0
        self._random = host * 1_000_000

    def address(self, port: int) -> tuple[str, TransportAddressIpAddress]:
        return ("ipAddress", TransportAddressIpAddress(ip=bytes([192, 0, 2, self.host]), port=port))

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def signed(self, message: RasMessage, general_id: str | None = IDENTIFIER, age: float = 0) -> bytes:
        self._random += 1
        return sign(
            message,
            key=self.key,
            senders_id=self.terminal_id,
            general_id=general_id,
            time_stamp=int(self.zone.now.unix - age),
            random=self._random,
        )

    def ask(self, message: RasMessage) -> RasMessage | None:
        return self.zone.exchange(self.signed(message), self.source)

    def registration(self, *, keep_alive: bool = False, **fields: object) -> RegistrationRequest:
        message = RegistrationRequest(
            request_seq_num=self.next_seq(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            discovery_complete=True,
            call_signal_address=(self.address(1720),),
            ras_address=(self.address(1719),),
            terminal_type=EndpointType(mc=False, undefined_node=False),
            terminal_alias=None if keep_alive else (("h323-ID", self.name),),
            gatekeeper_identifier=IDENTIFIER,
            endpoint_vendor=VendorIdentifier(
                vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0)
            ),
            time_to_live=60,
            keep_alive=keep_alive,
            endpoint_identifier=self.endpoint_identifier or None,
            will_supply_uuies=False,
        )
        return replace(message, **fields)

    def register(self, **fields: object) -> RegistrationConfirm:
        answer = self.ask(self.registration(**fields))
        assert isinstance(answer, RegistrationConfirm)
        self.endpoint_identifier = answer.endpoint_identifier
        return answer

    def admission(
        self, call: int = 1, profile: CallProfile | None = None, bandwidth_bps: int = 64_000, to: str = "council"
    ) -> AdmissionRequest:
        return AdmissionRequest(
            request_seq_num=self.next_seq(),
            call_type=("pointToPoint", None),
            endpoint_identifier=self.endpoint_identifier or "0000000000000000",
            destination_info=(("h323-ID", to),),
            src_info=(("h323-ID", self.name),),
            band_width=bandwidth_bps // 100,
            call_reference_value=call,
            conference_id=CONFERENCE,
            active_mc=False,
            answer_call=False,
            can_map_alias=True,
            call_identifier=CallIdentifier(guid=self.call_identifier(call)),
            generic_data=(profile_generic_data(profile),) if profile else None,
        )

    def call_identifier(self, call: int) -> bytes:
        return hashlib.sha256(f"{self.name} {call}".encode()).digest()[:16]

    def disengagement(self, call: int = 1) -> DisengageRequest:
        return DisengageRequest(
            request_seq_num=self.next_seq(),
            endpoint_identifier=self.endpoint_identifier,
            conference_id=CONFERENCE,
            call_reference_value=call,
            disengage_reason=("normalDrop", None),
            call_identifier=CallIdentifier(guid=self.call_identifier(call)),
            answered_call=False,
        )

    def bandwidth(self, bandwidth_bps: int, call: int = 1) -> BandwidthRequest:
        return BandwidthRequest(
            request_seq_num=self.next_seq(),
            endpoint_identifier=self.endpoint_identifier,
            conference_id=CONFERENCE,
            call_reference_value=call,
            band_width=bandwidth_bps // 100,
            call_identifier=CallIdentifier(guid=self.call_identifier(call)),
        )

    def report(
        self, *calls: int, seq: int | None = None, need_response: bool = False, **fields: object
    ) -> InfoRequestResponse:
        """An IRR on these calls; `seq` where it answers an IRQ."""
        message = InfoRequestResponse(
            request_seq_num=self.next_seq() if seq is None else seq,
            endpoint_type=EndpointType(mc=False, undefined_node=False),
            endpoint_identifier=self.endpoint_identifier or "0000000000000000",
            ras_address=self.address(1719),
            call_signal_address=(self.address(1720),),
            per_call_info=tuple(self.per_call_info(call) for call in calls) or None,
            need_response=need_response,
            unsolicited=seq is None,
        )
        return replace(message, **fields)

    def per_call_info(self, call: int) -> InfoRequestResponsePerCallInfoItem:
        return InfoRequestResponsePerCallInfoItem(
            call_reference_value=call,
            conference_id=CONFERENCE,
            originator=True,
            h245=TransportChannelInfo(),
            call_signalling=TransportChannelInfo(),
            call_type=("pointToPoint", None),
            band_width=640,
            call_model=("direct", None),
            call_identifier=CallIdentifier(guid=self.call_identifier(call)),
        )

    def unregistration(self, **fields: object) -> UnregistrationRequest:
        message = UnregistrationRequest(
            request_seq_num=self.next_seq(),
            call_signal_address=(self.address(1720),),
            endpoint_identifier=self.endpoint_identifier,
        )
        return replace(message, **fields)
