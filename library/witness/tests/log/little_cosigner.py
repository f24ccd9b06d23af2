"""A cosigner in memory, as C2SP tlog-witness describes one: enough to see what the log service asks of it."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field

from aiohttp import web
from witness.checkpoint import Checkpoint, parse_checkpoint
from witness.note import Cosigner, cosign_note, open_note, strict_base64
from witness.policy import Policy
from witness.tree import ProofError, verify_consistency


@dataclass
class LittleCosigner:
    """Remembers the last tree of each log, and answers by it."""

    key: Cosigner
    policy: Policy
    seen: dict[str, Checkpoint] = field(default_factory=dict)
    sizes: list[tuple[str, int]] = field(default_factory=list)
    """What it has cosigned, in order."""
    answers: list[int] = field(default_factory=list)
    """The statuses of its answers."""
    closed: bool = False
    """Answer 503."""
    port: int = 0
    _runner: web.AppRunner | None = None

    async def open(self, context: ssl.SSLContext | None = None) -> str:
        """Listen; the URL."""
        application = web.Application()
        application.add_routes([web.post("/add-checkpoint", self._answer)])
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]
        return f"http{'s' if context else ''}://127.0.0.1:{self.port}"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        status, text = (503, "closed\n") if self.closed else self._judge(await request.read())
        self.answers.append(status)
        return web.Response(status=status, text=text)

    def _judge(self, body: bytes) -> tuple[int, str]:
        head, _, note = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        old = int(first.removeprefix("old "))
        opened = open_note(note, [each.verifier for each in self.policy.logs])
        new = parse_checkpoint(opened.text)
        last = self.seen.get(new.origin)
        size = last.size if last else 0
        if old != size or (last and new.size == size and new.root != last.root):
            return 409, f"{size}\n"
        try:
            if last:
                verify_consistency(size, last.root, new.size, new.root, [strict_base64.decode(line) for line in lines])
        except ProofError:
            return 422, "no\n"
        self.seen[new.origin] = new
        self.sizes.append((new.origin, new.size))
        return 200, cosign_note(opened.text, self.key, int(time.time())).line
