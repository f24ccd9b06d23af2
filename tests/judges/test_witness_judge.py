"""transparency-dev's reference witness before our log and beside our cosigner; Go reads our cosignatures."""

from __future__ import annotations

import asyncio
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from witness.checkpoint import Checkpoint
from witness.cosigner.cosigned import Cosigned
from witness.cosigner.judgement import Judge
from witness.log.cosigning import AheadError, Cosigners, ForkError
from witness.note import Cosigner, Signer, add_signatures, sign_note, strict_base64
from witness.policy import judge_checkpoint, parse_policy
from witness.tree import MemoryTree, consistency_proof, leaf_hash

from tests.judges.go_program import build_go_program

ORIGIN = "council.example/h323_ras"
LOG = Signer(ORIGIN, bytes(range(32)))
KEY = Cosigner("council.example/wit1", bytes(range(1, 33)))
TREE = MemoryTree(leaf_hash(f"{n}".encode()) for n in range(700))
FORK = MemoryTree(leaf_hash(f"{n if n < 7 else -n}".encode()) for n in range(700))


@pytest.fixture(scope="session")
def program() -> Path:
    return build_go_program(Path(__file__).parent / "witness")


@pytest.fixture
def url(program: Path) -> Iterator[str]:
    """The reference witness, with our cosigner's key."""
    process = subprocess.Popen(
        [program, "serve", KEY.skey, LOG.verifier.vkey], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def note(size: int, tree: MemoryTree = TREE, signer: Signer = LOG) -> bytes:
    return sign_note(Checkpoint(ORIGIN, size, tree.root(size)).text(), signer).encode()


def request(old: int, size: int, tree: MemoryTree = TREE, signer: Signer = LOG) -> bytes:
    proof = consistency_proof(old, size, tree.hash_at) if old <= size else []
    lines = [f"old {old}", *(strict_base64.encode(each) for each in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note(size, tree, signer)


class OurCosigner:
    """Ours, without its disk."""

    def __init__(self) -> None:
        self._judge = Judge(KEY, [LOG.verifier])
        self._kept: dict[str, Cosigned] = {}

    def post(self, body: bytes) -> tuple[int, str, bytes]:
        judgement = self._judge.judge(body, self._kept, int(time.time()))
        if judgement.cosigned is not None:
            self._kept[ORIGIN] = judgement.cosigned
        return judgement.status, judgement.content_type, judgement.body.encode()


def post(url: str, body: bytes) -> tuple[int, str, bytes]:
    try:
        port = int(url.rpartition(":")[2])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/add-checkpoint", data=body, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", ""), error.read()


STEPS = [
    ("first", request(0, 5), 200),
    ("again", request(5, 5), 200),
    ("grows", request(5, 256), 200),
    ("grows further", request(256, 257), 200),
    ("another old size", request(0, 300), 409),
    ("a rollback", request(5, 100), 409),
    ("an old size ahead", request(300, 300), 409),
    ("an old size above the checkpoint's", request(300, 200), 400),
    ("a larger fork", request(257, 300, FORK), 422),
    ("no proof", b"old 257\n\n" + note(300), 422),
    ("an unknown log", request(0, 5).replace(ORIGIN.encode(), b"elsewhere.example/log"), 404),
    ("no number", b"old x\n\n" + note(300), 400),
    ("nothing", b"", 400),
    ("goes on", request(257, 700), 200),
]


def test_ours_answers_as_the_reference_does(url: str) -> None:
    ours = OurCosigner()
    for name, body, status in STEPS:
        theirs, mine = post(url, body), ours.post(body)
        assert (name, theirs[0], mine[0]) == (name, status, status)
        if status == 409:
            assert mine[1:] == theirs[1:], name
            assert mine[1] == "text/x.tlog.size"


def test_where_we_follow_the_specification_and_the_reference_does_not(url: str) -> None:
    """Should the reference change its mind, we want to know."""
    ours = OurCosigner()
    assert (post(url, request(0, 300))[0], ours.post(request(0, 300))[0]) == (200, 200)
    wrong_key = request(300, 301, signer=Signer(ORIGIN, bytes(32)))
    assert (post(url, wrong_key)[0], ours.post(wrong_key)[0]) == (500, 403)
    fork = request(300, 300, FORK)
    assert (post(url, fork)[0], ours.post(fork)[0]) == (422, 409)


def test_the_reference_cosigns_our_log(url: str) -> None:
    """By the log service's own client, against its policy."""
    policy = parse_policy(
        f"log {LOG.verifier.vkey}\nwitness theirs {KEY.verifier.vkey} {url}\nquorum theirs\n".encode()
    )

    async def play() -> None:
        async with aiohttp.ClientSession() as session:
            cosigners = Cosigners(policy, session, 0)

            async def cosign(size: int, tree: MemoryTree = TREE) -> bytes:
                signed = sign_note(Checkpoint(ORIGIN, size, tree.root(size)).text(), LOG)

                def prove(old: int) -> list[bytes]:
                    return consistency_proof(old, size, tree.hash_at)

                return add_signatures(signed, await cosigners.cosign(signed, size, prove)).encode()

            for size in (1, 2, 255, 256, 257, 600):
                judged = judge_checkpoint(await cosign(size), policy, ORIGIN)
                assert judged.fulfilled
            with pytest.raises(AheadError):
                await cosign(500)
            with pytest.raises(AheadError):
                await cosign(500)
            for size in (600, 700):
                with pytest.raises(ForkError):
                    await cosign(size, FORK)
            await cosign(700)

    asyncio.run(play())


def test_go_reads_our_cosignatures(program: Path) -> None:
    status, _, body = OurCosigner().post(request(0, 300))
    assert status == 200
    command = [program, "open", LOG.verifier.vkey, KEY.verifier.vkey]
    cosigned = note(300) + body
    opened = subprocess.run(command, input=cosigned, capture_output=True, check=True)
    assert abs(int(opened.stdout) - time.time()) < 60
    spoilt = cosigned.replace(b"\n300\n", b"\n301\n")
    assert subprocess.run(command, input=spoilt, capture_output=True, check=False).returncode != 0
