"""The commands that make one request: discover, register, keepalive, admit, disengage, unregister."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from h323.council import CallProfile, CallType
from h323.h235 import password_key
from h323.ras import AdmissionConfirm, EncodeError, GatekeeperConfirm, RegistrationConfirm, TransportAddress

from terminal.cli.running import gatekeeper_address
from terminal.client import Client
from terminal.core import Call, Confirmed, Endpoint, Equipment, Identity, NoAnswer, Outcome, Refused, Request
from terminal.core.endpoint import Address
from terminal.core.held_calls import BANDWIDTH_UNIT_BPS
from terminal.errors import TerminalError
from terminal.keys import load_private_key, load_public_key
from terminal.state_file import State, default_state_file, load_state, save_state

_GUID_SIZE = 16
"""Octets of a conferenceID and a callIdentifier."""
_HIGHEST_BANDWIDTH_BPS = 4_294_967_295 * BANDWIDTH_UNIT_BPS


@dataclass(frozen=True, slots=True)
class _Question:
    """A request, and what follows for the state if it's confirmed."""

    make: Callable[[Endpoint], Request[Any]]
    after: Callable[[State, Endpoint], State]
    call: Call | None = None


def single_command(options: argparse.Namespace) -> int:
    """Make one request and say what came of it; 0 if it was confirmed.

    Raises:
        TerminalError: a key, the state or an argument can't be used.
    """
    make = _endpoint(options)
    path: Path = options.state or default_state_file(options.id.rpartition("/")[2])
    state = load_state(path)
    question = _QUESTIONS[options.what](options, state)
    outcome, endpoint = asyncio.run(_ask(options, make, state, question))
    if isinstance(outcome, Confirmed):
        after = question.after(state, endpoint)
        if after != state:
            save_state(path, after)
    fields = _fields(outcome, question.call)
    print(json.dumps(fields) if options.json else _sentence(options.what, outcome, fields))
    return 0 if isinstance(outcome, Confirmed) else 1


def _endpoint(options: argparse.Namespace) -> Callable[[Address], Endpoint]:
    """What makes the endpoint: a guardian's, or one of the equipment that can't sign."""
    if options.key is None:
        key = _password_key(options.password_file) if options.password_file is not None else None
        identifier = options.gatekeeper_identifier
        return lambda address: Equipment(options.id, identifier, key, address, os.urandom)
    if options.gatekeeper_key is None:
        raise TerminalError("whoever signs checks the answers, too; give --gatekeeper-key")
    keys = load_private_key(options.key), load_public_key(options.gatekeeper_key)
    identity = Identity(options.id, keys[0], options.gatekeeper_identifier, keys[1])
    return lambda address: Endpoint(identity, address, os.urandom)


def _password_key(path: Path) -> bytes:
    try:
        return password_key(path.read_text(encoding="utf-8").rstrip("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalError(f"{path} cannot be read; give a file with the password as its only line") from error


async def _ask(
    options: argparse.Namespace, make: Callable[[Address], Endpoint], state: State, question: _Question
) -> tuple[Outcome[Any], Endpoint]:
    client = await Client.open_for(make, gatekeeper_address(options.gatekeeper))
    try:
        client.endpoint.endpoint_identifier = state.endpoint_identifier
        return await client.ask(question.make(client.endpoint)), client.endpoint
    except EncodeError as error:
        raise TerminalError(f"this cannot be asked in H.225.0: {error}") from error
    finally:
        client.close()


def _unchanged(state: State, _endpoint: Endpoint) -> State:
    return state


def _discover(_options: argparse.Namespace, _state: State) -> _Question:
    return _Question(lambda endpoint: endpoint.discovery(), _unchanged)


def _register(_options: argparse.Namespace, state: State) -> _Question:
    def after(_state: State, endpoint: Endpoint) -> State:
        # From another address than before it is another registration, and the calls of the old one are over.
        same = endpoint.endpoint_identifier == state.endpoint_identifier
        return State(endpoint.endpoint_identifier, state.calls if same else ())

    return _Question(Endpoint.registration, after)


def _keepalive(_options: argparse.Namespace, state: State) -> _Question:
    _must_be_registered(state)
    return _Question(Endpoint.keep_alive, _unchanged)


def _admit(options: argparse.Namespace, state: State) -> _Question:
    conference = _guid("--conference", options.conference) or os.urandom(_GUID_SIZE)
    call = Call.of(conference, _guid("--call", options.call) or os.urandom(_GUID_SIZE))
    if not 0 < options.bandwidth <= _HIGHEST_BANDWIDTH_BPS:
        raise TerminalError(f"--bandwidth {options.bandwidth} is not a bandwidth; write bit/s, for example 384000")
    profile = CallProfile(CallType(options.call_type), options.pii, options.purpose)

    def make(endpoint: Endpoint) -> Request[Any]:
        return endpoint.admission(call, options.bandwidth, profile, options.to)

    def after(state: State, _endpoint: Endpoint) -> State:
        others = tuple(one for one in state.calls if one.call_identifier != call.call_identifier)
        return replace(state, calls=(*others, call))

    del state  # who isn't registered is refused by the gatekeeper, and may want to see that
    return _Question(make, after, call)


def _disengage(options: argparse.Namespace, state: State) -> _Question:
    _must_be_registered(state)
    wanted = _guid("--call", options.call)
    found = [one for one in state.calls if wanted in (None, one.call_identifier)]
    if not found:
        raise TerminalError("no such call was admitted to this terminal; admit one first, or give another --call")
    call = found[-1]

    def after(state: State, _endpoint: Endpoint) -> State:
        return replace(state, calls=tuple(one for one in state.calls if one != call))

    return _Question(lambda endpoint: endpoint.disengagement(call), after, call)


def _unregister(_options: argparse.Namespace, state: State) -> _Question:
    _must_be_registered(state)
    return _Question(Endpoint.unregistration, lambda _state, _endpoint: State())


_QUESTIONS: dict[str, Callable[[argparse.Namespace, State], _Question]] = {
    "discover": _discover,
    "register": _register,
    "keepalive": _keepalive,
    "admit": _admit,
    "disengage": _disengage,
    "unregister": _unregister,
}


def _must_be_registered(state: State) -> None:
    if state.endpoint_identifier is None:
        raise TerminalError(
            "this terminal is not registered; run guardian-terminal register first, or give its --state"
        )


def _guid(option: str, text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != _GUID_SIZE:
        raise TerminalError(f"{option} {text} is not 32 hexadecimal digits; write what admit printed")
    return octets


def _fields(outcome: Outcome[Any], call: Call | None) -> dict[str, object]:
    fields: dict[str, object] = {
        "ok": isinstance(outcome, Confirmed),
        "result": type(outcome).__name__,
        "milliseconds": round(outcome.seconds * 1000, 1),
        "attempts": outcome.attempts,
    }
    if call is not None:
        fields |= {"conference": call.conference_id.hex(), "call": call.call_identifier.hex()}
    if isinstance(outcome, Confirmed):
        return fields | {"message": outcome.summary} | _granted(outcome.message)
    if isinstance(outcome, Refused):
        name = outcome.name.value if outcome.name is not None else None
        return fields | {"refusal": name, "detail": outcome.detail, "reason": outcome.reason}
    return fields | {"ignored": {why.name: count for why, count in outcome.ignored.items()}}


def _granted(message: object) -> dict[str, object]:
    if isinstance(message, GatekeeperConfirm):
        return {
            "gatekeeper_identifier": message.gatekeeper_identifier,
            "ras_address": _address_text(message.ras_address),
            "algorithm": message.algorithm_oid,
        }
    if isinstance(message, RegistrationConfirm):
        return {"endpoint_identifier": message.endpoint_identifier, "time_to_live": message.time_to_live}
    if isinstance(message, AdmissionConfirm):
        return {
            "bandwidth_bps": message.band_width * BANDWIDTH_UNIT_BPS,
            "destination": _address_text(message.dest_call_signal_address),
        }
    return {}


def _address_text(address: TransportAddress) -> str:
    if address[0] == "ipAddress":
        return f"{ipaddress.IPv4Address(address[1].ip)}:{address[1].port}"
    if address[0] == "ip6Address":
        return f"[{ipaddress.IPv6Address(address[1].ip)}]:{address[1].port}"
    return address[0]


def _sentence(what: str, outcome: Outcome[Any], fields: dict[str, object]) -> str:
    if isinstance(outcome, Refused):
        return f"{what}: refused: {outcome.summary}"
    if isinstance(outcome, NoAnswer):
        return f"{what}: {outcome.summary}"
    told = [
        f"{name.replace('_', ' ')} {value}" for name, value in fields.items() if name not in ("ok", "result", "message")
    ]
    return f"{what}: {outcome.summary}: {', '.join(told)}"
