"""Has a checkpoint cosigned (C2SP tlog-witness, add-checkpoint), by as many as the policy demands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from witness.errors import WitnessError
from witness.log.bounded import read_bounded
from witness.note import Note, NoteError, Signature, Verifier, parse_signature_lines, strict_base64
from witness.policy import Policy, fulfilled

_PATIENCE = 2.0
"""Seconds for one request."""
_GRACE = 0.05
"""Seconds that the rest may take once there are enough."""
_LARGEST_ANSWER = 65_536
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?\Z")
_OK, _CONFLICT, _FORK = 200, 409, 422

Prove = Callable[[int], Sequence[bytes]]
"""The consistency proof from a tree of this size, which is not larger than the checkpoint's."""


class CosigningError(WitnessError):
    """A cosigner did not cosign; its text says why."""


class AheadError(CosigningError):
    """A cosigner has seen a larger tree: other nodes have signed records that this one doesn't have yet."""


class ForkError(CosigningError):
    """A cosigner has cosigned a tree that this one does not continue."""


@dataclass(slots=True)
class _Known:
    """A cosigner."""

    name: str
    verifier: Verifier
    url: str
    size: int = 0
    """Of the last tree that it has cosigned, as far as we know."""


class Cosigners:
    """Those that a policy names for one log."""

    def __init__(self, policy: Policy, session: aiohttp.ClientSession, size: int) -> None:
        """`size` is that of the last checkpoint, which they probably know."""
        self._policy = policy
        self._session = session
        self._known = [
            _Known(name, key.verifier, key.url.rstrip("/"), size)
            for name, key in policy.cosigners.items()
            if key.url is not None
        ]

    async def cosign(self, note: Note, size: int, prove: Prove) -> list[Signature]:
        """Enough cosignatures over a signed checkpoint of a tree of this size.

        Raises:
            ForkError, AheadError: one of them says so.
            CosigningError: too few cosigned.
        """
        asked = {asyncio.ensure_future(self._ask(one, note, size, prove)): one for one in self._known}
        given: dict[str, Signature] = {}
        troubles: list[CosigningError] = []
        waiting = set(asked)
        try:
            while waiting:
                enough = fulfilled(self._policy, given)
                done, waiting = await asyncio.wait(
                    waiting, timeout=_GRACE if enough else None, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                for task in done:
                    outcome = task.exception() or task.result()
                    if isinstance(outcome, Signature):
                        given[asked[task].name] = outcome
                    elif isinstance(outcome, CosigningError):
                        troubles.append(outcome)
                    else:
                        raise outcome
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        for trouble in troubles:
            if isinstance(trouble, ForkError) or not fulfilled(self._policy, given):
                raise trouble
        if not fulfilled(self._policy, given):
            raise CosigningError("the policy's quorum can't be reached with the cosigners that it has addresses of")
        return list(given.values())

    async def _ask(self, one: _Known, note: Note, size: int, prove: Prove) -> Signature:
        """One cosigner's signature; where it has seen more or less than we thought, it is asked again."""
        for _ in range(2):
            try:
                return await self._add_checkpoint(one, note, size, prove)
            except _SizeToldError as told:
                one.size = told.size
                if told.size == told.asked:
                    # It knows a tree of that very size, so ours is another one.
                    raise ForkError(f"{one.name} has cosigned another tree of {told.size} records") from told
                if told.size > size:
                    raise AheadError(f"{one.name} has cosigned {told.size} records already") from told
        # Somebody else signs as well, and was quicker.
        raise AheadError(f"{one.name} has cosigned {one.size} records meanwhile")

    async def _add_checkpoint(self, one: _Known, note: Note, size: int, prove: Prove) -> Signature:
        old = min(one.size, size)
        loop = asyncio.get_running_loop()
        proof = await loop.run_in_executor(None, prove, old)
        lines = [f"old {old}", *(strict_base64.encode(each) for each in proof), ""]
        body = "".join(f"{line}\n" for line in lines).encode() + note.encode()
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with self._session.post(f"{one.url}/add-checkpoint", data=body, timeout=timeout) as response:
                answer = await read_bounded(response, _LARGEST_ANSWER)
                status = response.status
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise CosigningError(f"{one.name} at {one.url}: {error or 'no answer in time'}") from error
        if status == _CONFLICT and _SIZE.match(answer):
            raise _SizeToldError(old, int(answer))
        if status == _FORK:
            raise ForkError(
                f"{one.name} has cosigned a tree of {old} records that this one of {size} does not continue"
            )
        if status != _OK:
            raise CosigningError(f"{one.name} at {one.url} answers {status}: {answer[:200].decode(errors='replace')}")
        signature = self._check(one, note, answer)
        one.size = size
        return signature

    def _check(self, one: _Known, note: Note, answer: bytes) -> Signature:
        try:
            for signature in parse_signature_lines(answer):
                if (signature.name, signature.key_id) == (one.verifier.name, one.verifier.key_id):
                    one.verifier.verify(note.text, signature.signature)
                    return signature
        except NoteError as error:
            raise CosigningError(f"{one.name} at {one.url}: {error}") from error
        raise CosigningError(f"{one.name} at {one.url} answers without a signature by the key that the policy has")


class _SizeToldError(Exception):
    """A cosigner answers a request with an old size by the size of what it has cosigned last."""

    def __init__(self, asked: int, size: int) -> None:
        super().__init__(asked, size)
        self.asked = asked
        self.size = size
