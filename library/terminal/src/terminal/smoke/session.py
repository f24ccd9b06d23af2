"""One run against one gatekeeper: its guardians, the calls they have, and how to leave nothing behind."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from h323.council import CallProfile
from h323.ras import AdmissionConfirm, DisengageConfirm

from terminal.client import Client
from terminal.core import Call, Confirmed, Identity, Outcome, RetransmissionPolicy
from terminal.core.endpoint import Address
from terminal.smoke.council import Council

LEG_BPS = 64_000
"""Bandwidth of a leg: so low that no quota is in the way where something else is tested."""


@dataclass(frozen=True, slots=True)
class Leg:
    """An admitted call and whose it is."""

    client: Client
    call: Call


class Session:
    """What the steps share."""

    def __init__(
        self, council: Council, gatekeeper: Address, clients: tuple[Client, ...], policy: RetransmissionPolicy | None
    ) -> None:
        self.council = council
        self.clients = clients
        self.conference = new_conference()
        self.legs: list[Leg] = []
        self._gatekeeper = gatekeeper
        self._policy = policy
        self._guests: list[Client] = []

    @classmethod
    async def open(cls, council: Council, gatekeeper: Address, policy: RetransmissionPolicy | None = None) -> Session:
        """A session with a client for each member.

        Raises:
            TerminalError: the gatekeeper's name can't be resolved, or there's no way there.
        """
        clients = [await Client.open(member.identity, gatekeeper, policy) for member in council.members]
        return cls(council, gatekeeper, tuple(clients), policy)

    @property
    def first(self) -> Client:
        """The first guardian, who does what one is enough for."""
        return self.clients[0]

    async def guest(self, identity: Identity) -> Client:
        """Another endpoint, on a socket of its own."""
        client = await Client.open(identity, self._gatekeeper, self._policy)
        self._guests.append(client)
        return client

    async def admit(
        self, client: Client, conference: bytes, bandwidth_bps: int = LEG_BPS, profile: CallProfile | None = None
    ) -> Outcome[AdmissionConfirm]:
        """Ask for admission of a new call; if it's admitted it's among the legs."""
        call = Call.new(conference, os.urandom)
        outcome = await client.admit(call, bandwidth_bps, profile)
        if isinstance(outcome, Confirmed):
            self.legs.append(Leg(client, call))
        return outcome

    async def drop(self, leg: Leg) -> Outcome[DisengageConfirm]:
        """End a call."""
        outcome = await leg.client.disengage(leg.call)
        if isinstance(outcome, Confirmed):
            self.legs.remove(leg)
        return outcome

    async def clean_up(self) -> list[str]:
        """Unregister whoever still is, which ends their calls too; the names of those for whom it failed."""
        registered = [one for one in self.clients if one.endpoint.endpoint_identifier is not None]
        outcomes = await asyncio.gather(*(one.unregister() for one in registered))
        return [
            one.endpoint.identity.name
            for one, outcome in zip(registered, outcomes, strict=True)
            if not isinstance(outcome, Confirmed)
        ]

    def close(self) -> None:
        """Close all sockets."""
        for client in self.everybody:
            client.close()

    @property
    def everybody(self) -> tuple[Client, ...]:
        """Members and guests."""
        return (*self.clients, *self._guests)


def new_conference() -> bytes:
    """A conferenceID that no other conference has: 16 octets."""
    return os.urandom(16)
