"""What operators may do with calls at the control socket: see them, and clear them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Protocol

from aiohttp import web

from gatekeeper.core import Call, Selection
from gatekeeper.core.transport_address import address_text

_IDENTIFIER = re.compile(r"[0-9a-f]{32}")
_LONGEST = 256
LARGEST_BODY = 4_096
"""Octets of a request's JSON object."""


class NotActiveError(Exception):
    """This gatekeeper doesn't decide; the text says what to do."""

    def __init__(self) -> None:
        super().__init__("this gatekeeper is not active and has no calls; ask the other one")


class SelectionError(ValueError):
    """It isn't clear which calls are meant; the text says what to write."""


class CallOperator(Protocol):
    """Who can do it."""

    def list_calls(self) -> tuple[Call, ...]:
        """The calls that are admitted now. Raises NotActiveError."""

    async def clear_calls(self, selection: Selection) -> int:
        """Clear calls; how many, once that is durable. Raises NotActiveError."""


def identifier(text: str) -> str:
    """A callIdentifier or conferenceID as 32 hexadecimal digits, also where it was written as a GUID with dashes.

    Raises:
        SelectionError: it isn't one.
    """
    digits = text.replace("-", "").lower()
    if not _IDENTIFIER.fullmatch(digits):
        raise SelectionError(f"{text[:80]!r} is no identifier; write 32 hexadecimal digits, as 'calls' shows them")
    return digits


def read_selection(octets: bytes) -> Selection:
    """The selection in a JSON object with exactly one of call_identifier, conference_id and terminal_id.

    Raises:
        SelectionError: it has none, or more.
    """
    try:
        fields = json.loads(octets)
    except ValueError as error:
        raise SelectionError("not a JSON object") from error
    known = ("call_identifier", "conference_id", "terminal_id")
    if not isinstance(fields, dict) or len(fields) != 1 or not all(isinstance(one, str) for one in fields.values()):
        raise SelectionError(f"write exactly one of {', '.join(known)}")
    (name, value), *_ = fields.items()
    if name == "terminal_id":
        return Selection(terminal_id=value[:_LONGEST])
    if name not in known:
        raise SelectionError(f"write exactly one of {', '.join(known)}")
    return Selection(**{name: identifier(value)})


def describe(call: Call) -> dict[str, object]:
    """What is shown of a call."""
    fields = asdict(call)
    fields["destination"] = address_text(call.destination)
    fields["admitted_at"] = datetime.fromtimestamp(call.admitted_at, tz=timezone.utc).isoformat(timespec="seconds")
    return fields


class CallRoutes:
    """The HTTP resources."""

    def __init__(self, operator: CallOperator) -> None:
        self._operator = operator

    @property
    def routes(self) -> list[web.RouteDef]:
        """For an application on the control socket."""
        return [web.get("/calls", self._show), web.post("/calls/clear", self._clear)]

    async def _show(self, _request: web.Request) -> web.Response:
        try:
            calls = self._operator.list_calls()
        except NotActiveError as error:
            return _refused(error, 409)
        return web.json_response({"calls": [describe(call) for call in calls]})

    async def _clear(self, request: web.Request) -> web.Response:
        try:
            cleared = await self._operator.clear_calls(read_selection(await request.read()))
        except SelectionError as error:
            return _refused(error, 400)
        except NotActiveError as error:
            return _refused(error, 409)
        return web.json_response({"cleared": cleared})


def _refused(error: Exception, status: int) -> web.Response:
    return web.json_response({"error": str(error)}, status=status)
