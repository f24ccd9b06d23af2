"""etcd's JSON gateway: requests that may be made twice, of whichever member answers, and watches."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import io
import json
import ssl
import time
from collections.abc import AsyncGenerator, Iterator
from collections.abc import Set as AbstractSet
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from witness.service.settings import SettingsError, Tls

from gatekeeper.store.interface import StoreError, StoreUnavailable

Json = dict[str, Any]

_PATIENCE = (0.3, 0.3, 0.3, 0.6, 1.2, 2.4)
"""Seconds for the attempts at one request, each after one that was not answered. A lost leader swallows what was under
way, and what it gets before the others miss it: asking again soon is quicker than waiting for a late "no"."""
_PATIENCE_IN_ALL = 4.5
"""Seconds after which no other attempt is made."""
_ONLY_WITH_LEADER = {"Grpc-Metadata-hasleader": "true"}
"""Has a member refuse at once what it can't do while there is no leader; otherwise it would be silent for seconds."""
_REACH = 0.1
"""Seconds for a member's host to take a connection: a host that is gone says nothing, and must not cost an attempt."""
_PAUSE = 0.05
"""Seconds to wait when each member has been asked in vain."""
_TRY_PREFERRED = 0.25
"""Seconds between two looks whether a preferred member is back."""
_CONNECT = 0.6
"""Seconds for a watch to be opened."""
_LONGEST_LINE = 64 * 1024 * 1024
"""Octets of one answer of a watch. etcd puts up to 1,000 revisions into one for who comes late; ours are 256 kB."""


def b64(text: str | bytes) -> str:
    """As JSON has octets."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def put(key: str, value: str | bytes) -> Json:
    """An operation of a transaction."""
    return {"request_put": {"key": b64(key), "value": b64(value)}}


def delete(key: str, end: str | None = None) -> Json:
    """An operation of a transaction; with an `end`, for all keys from `key` on and before it."""
    return {"request_delete_range": key_range(key, end)}


def key_range(key: str, end: str | None = None) -> Json:
    """What to read or watch: one key, or those from it on and before `end`."""
    return {"key": b64(key)} | ({"range_end": b64(end)} if end else {})


def prefixed(key: str) -> tuple[str, str]:
    """The range of all keys that begin so: "/" is followed by "0"."""
    return key, key[:-1] + "0"


def equals(key: str, value: str | None) -> Json:
    """A comparison that holds while the key has this value, or while there is no such key."""
    if value is None:
        return {"key": b64(key), "target": "VERSION", "result": "EQUAL", "version": 0}
    return {"key": b64(key), "target": "VALUE", "result": "EQUAL", "value": b64(value)}


def key_of(pair: Json) -> str:
    """The key of a pair as etcd tells it."""
    return base64.b64decode(pair["key"]).decode()


def value_of(pair: Json) -> bytes:
    """The value of a pair as etcd tells it."""
    return base64.b64decode(pair.get("value", ""))


def pairs(answer: Json) -> dict[str, bytes]:
    """What was read."""
    return {key_of(pair): value_of(pair) for pair in answer.get("kvs", [])}


class Gateway:
    """The members of a cluster."""

    def __init__(
        self, endpoints: tuple[str, ...], tls: Tls, near: str | None = None, rivals: AbstractSet[str] = frozenset()
    ) -> None:
        """Use these endpoints, first the one at the address `near`: it is lost only together with this host.

        Those of `rivals`, the hosts of other gatekeepers, come last: they are lost just when this node is to take over.
        """

        def rank(url: str) -> tuple[bool, bool]:
            host = urlsplit(url).hostname
            return host != near, host in rivals

        self._preference = tuple(sorted(endpoints, key=rank))
        self._endpoints = list(self._preference)
        self._returning: asyncio.Task[None] | None = None
        self._tried_at = 0.0
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Read the certificates. The cluster may come later: what is asked of it meanwhile raises StoreUnavailable."""
        try:
            context = ssl.create_default_context(cafile=str(self._tls.ca))
            context.load_cert_chain(self._tls.certificate, self._tls.private_key)
        except OSError as error:
            names = f"{self._tls.ca}, {self._tls.certificate}, {self._tls.private_key}"
            raise SettingsError(f"store: one of {names} cannot be used ({error})") from error
        connector = aiohttp.TCPConnector(ssl=context, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, headers=_ONLY_WITH_LEADER)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.gather(self._returning, return_exceptions=True)
        if session is not None:
            await session.close()

    @property
    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise StoreUnavailable("etcd: not open")
        return self._session

    def _turn_from(self, endpoint: str) -> None:
        """Ask this member last from now on."""
        self._endpoints.append(self._endpoints.pop(self._endpoints.index(endpoint)))

    def start_over(self, first: str | None = None) -> None:
        """Ask this member first, and then the others in the order of preference, whatever they answered last."""
        self._endpoints = sorted(self._preference, key=lambda url: url != first)

    @property
    def _better(self) -> tuple[str, ...]:
        """The members that are preferred to the one that is asked first now."""
        return self._preference[: self._preference.index(self._endpoints[0])]

    def _come_back(self) -> None:
        """See from time to time whether a preferred member can be asked again.

        An election or a cut makes everybody turn from everybody. Whoever then stayed with another host's member would
        lose it together with that host, just when it is to take over from it.
        """
        now = time.monotonic()
        if not self._better or now - self._tried_at < _TRY_PREFERRED:
            return
        if self._returning is not None and not self._returning.done():
            return
        self._tried_at = now
        self._returning = asyncio.ensure_future(self._try_better())

    async def _try_better(self) -> None:
        for endpoint in self._better:
            with contextlib.suppress(StoreError):
                await self._ask_one(endpoint, "/v3/kv/range", key_range("epoch"), _PATIENCE[0])
                self.start_over(endpoint)
                return

    async def _ask_one(self, endpoint: str, path: str, body: Json, patience: float) -> Json:
        timeout = aiohttp.ClientTimeout(total=patience, sock_connect=_REACH)
        octets = io.BytesIO(json.dumps(body).encode())
        try:
            async with self._open_session.post(endpoint + path, data=octets, timeout=timeout) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            self._turn_from(endpoint)
            raise StoreUnavailable(f"etcd at {endpoint}: {error or 'no answer in time'}") from error
        if isinstance(answer, dict) and response.status == http.HTTPStatus.OK:
            self._come_back()
            return answer
        refusal = f"etcd at {endpoint}: {str(answer)[:200]}"
        if response.status == http.HTTPStatus.BAD_REQUEST:
            # It is the request that's at fault: it would be refused by every member at every time.
            raise StoreError(refusal)
        self._turn_from(endpoint)
        raise StoreUnavailable(refusal)

    async def ask(self, path: str, body: Json) -> Json:
        """The answer to a request that may be made twice, from whichever member gives one.

        Raises:
            StoreUnavailable: none did; a transaction may have been carried out or not.
            StoreError: it is a request that etcd refuses; nothing was done.
        """
        deadline = time.monotonic() + _PATIENCE_IN_ALL
        patience, *longer = _PATIENCE
        attempts = 0
        while True:
            attempts += 1
            asked = time.monotonic()
            try:
                return await self._ask_one(self._endpoints[0], path, body, patience)
            except StoreUnavailable:
                now = time.monotonic()
                if now > deadline:
                    raise
                if now - asked >= patience and longer:
                    patience, *longer = longer
            if attempts % len(self._endpoints) == 0:
                await asyncio.sleep(_PAUSE)

    async def time_elsewhere(self, hosts: AbstractSet[str]) -> tuple[str, float] | None:
        """See Store. A member says what time it is in each answer (Date, RFC 9110 section 6.6.1), in whole seconds."""
        others = sorted(url for url in self._endpoints if urlsplit(url).hostname not in hosts)
        if not others or len(self._endpoints) - len(others) != len(hosts):
            return None
        timeout = aiohttp.ClientTimeout(total=_PATIENCE[0], sock_connect=_REACH)
        try:
            async with self._open_session.get(others[0] + "/version", timeout=timeout) as response:
                date = parsedate_to_datetime(response.headers.get("Date", ""))
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise StoreUnavailable(f"etcd at {others[0]}: {error or 'no answer in time'}") from error
        return str(urlsplit(others[0]).hostname), date.timestamp() + 0.5

    async def watch(self, keys: Json, revision: int, silence: float) -> AsyncGenerator[Json, None]:
        """What etcd tells of these keys from a revision on; it ends after `silence` seconds without a word.

        It also ends, after something was told, where a preferred member is asked by now: otherwise it would stay for
        days where it was opened. Close the iterator when leaving it early: a connection belongs to it.

        Raises:
            StoreUnavailable: the member or the way to it was lost, or what it says can't be used.
        """
        endpoint = self._endpoints[0]
        body = {"create_request": keys | {"start_revision": revision}}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=silence)
        heard = False
        try:
            async with self._open_session.post(endpoint + "/v3/watch", json=body, timeout=timeout) as response:
                with _cut_off(response):
                    async for line in _lines(response.content):
                        heard = True
                        yield _result(line)
                        if endpoint not in self._better and endpoint != self._endpoints[0]:
                            return
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            if heard and isinstance(error, asyncio.TimeoutError):
                return
            self._turn_from(endpoint)
            raise StoreUnavailable(f"etcd at {endpoint}: {error or 'no answer in time'}") from error


@contextlib.contextmanager
def _cut_off(response: aiohttp.ClientResponse) -> Iterator[None]:
    """A watch never ends by itself: without this its connection would be taken leave of for half a minute."""
    try:
        yield
    finally:
        transport = response.connection.transport if response.connection is not None else None
        if transport is not None:
            transport.abort()


def _result(line: bytes) -> Json:
    """What a line of a watch tells. Raises ValueError where it is an error."""
    answer = json.loads(line)
    if isinstance(answer, dict) and isinstance(answer.get("result"), dict):
        result: Json = answer["result"]
        return result
    raise ValueError(f"not a watch's answer: {line[:200]!r}")


async def _lines(stream: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """The lines of a stream, which may be long. Raises ValueError where one is too long."""
    pieces: list[bytes] = []
    size = 0
    async for octets in stream.iter_any():
        *ended, rest = octets.split(b"\n")
        for end in ended:
            yield b"".join((*pieces, end))
            pieces, size = [], 0
        pieces.append(rest)
        size += len(rest)
        if size > _LONGEST_LINE:
            raise ValueError(f"an answer of more than {_LONGEST_LINE} octets")
