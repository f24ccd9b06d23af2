"""The planned switch at the control socket."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from gatekeeper.failover.step_down import StepDownError, Switch

_LONGEST_REASON = 150
Hand = Callable[[str, bool], Awaitable[Switch]]
"""Hands over for a reason, by force or not. Raises StepDownError."""


class SwitchRoute:
    """POST /step-down with a JSON object of `reason` (text) and `force` (bool), both optional."""

    def __init__(self, hand_over: Hand) -> None:
        self._hand_over = hand_over

    @property
    def routes(self) -> list[web.RouteDef]:
        """For an application on the control socket."""
        return [web.post("/step-down", self._step_down)]

    async def _step_down(self, request: web.Request) -> web.Response:
        try:
            reason, force = read_request(await request.read())
            switch = await self._hand_over(reason, force)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        except StepDownError as error:
            return web.json_response({"error": str(error)}, status=409)
        return web.json_response(asdict(switch))


def read_request(octets: bytes) -> tuple[str, bool]:
    """Reason and force.

    Raises:
        ValueError: it is no such object.
    """
    try:
        fields = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON object") from error
    if not isinstance(fields, dict) or not fields.keys() <= {"reason", "force"}:
        raise ValueError("write a JSON object with reason and force, or one of them, or none")
    reason, force = fields.get("reason", ""), fields.get("force", False)
    if not isinstance(reason, str) or not isinstance(force, bool) or len(reason) > _LONGEST_REASON:
        raise ValueError(f"write a reason of at most {_LONGEST_REASON} characters, and force: true or false")
    return reason, force
