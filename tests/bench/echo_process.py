"""The reference: the gatekeeper's own socket loop, giving every datagram back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from gatekeeper.core import Address
from gatekeeper.ras_socket import RasSocket
from zone import HOST


async def serve() -> None:
    """Echo until the standard input ends."""

    def receive(datagram: bytes, source: Address) -> None:
        ras.send(datagram, source)

    ras = RasSocket(HOST, 0, receive)
    await ras.open()
    sys.stdout.write(json.dumps({"port": ras.address[1]}) + "\n")
    sys.stdout.flush()
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while await commands.readline():
        sys.stdout.write(json.dumps({"cpu": time.process_time()}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Do as ordered by the first argument, a JSON object."""
    os.sched_setaffinity(0, {int(json.loads(sys.argv[1])["core"])})
    asyncio.run(serve())


main()
