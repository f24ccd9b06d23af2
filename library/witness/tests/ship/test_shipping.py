"""What comes into an archive, and what never does."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
from witness.day_files.markers import SHIPPED, read_marker
from witness.ship import (
    ArchiveError,
    FolderArchive,
    FolderSource,
    Refusal,
    RefusedError,
    Shipment,
    Shipping,
    SourceError,
)
from witness.ship.confirmation import confirm
from witness.tiles import WIDTH
from witness.verify import Demands, Verdict, verify_stream

from library.witness.tests.log.scene import DAY, DOMAIN, NOON, STREAM, Keys, day_file, published, write

MIDNIGHT = NOON + 12 * 3_600


class Scene:
    """A replica, its keys and an archive."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys()
        self.replica, self.archive = folder / "gk1", folder / "archive"
        self.replica.mkdir()
        self.size = 0

    def grow(self, count: int, unix: float = NOON, text: str = "ARQ") -> None:
        """Records that are covered at once."""
        write(self.replica, self.size, count, unix=unix, text=text)
        self.size += count
        published(self.replica, self.keys)

    def shipping(self, *, check: bool = False, source: Path | None = None, looks: int = 0) -> Shipping:
        waits = iter(range(looks))
        return Shipping(
            FolderSource(source or self.replica),
            FolderArchive(self.archive),
            self.keys.policy_text().encode(),
            check=check,
            wait=lambda: next(waits, None) is not None,
        )

    def ship(self, *, check: bool = False, source: Path | None = None, looks: int = 0) -> Shipment:
        return self.shipping(check=check, source=source, looks=looks).ship(STREAM)

    def verdict(self) -> Verdict:
        """What an auditor finds who has only the archive."""
        folder = self.archive / STREAM.folder
        report = verify_stream(folder, STREAM, f"{DOMAIN}/{STREAM.name}", Demands(self.keys.policy(), max_age=1e9))
        assert report.records == self.size
        return report.verdict


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def days(folder: Path) -> dict[str, bytes]:
    return {name: octets for name, octets in files(folder).items() if name.endswith(".jsonl")}


def test_an_archive_verifies_by_itself_and_has_the_same_octets(scene: Scene) -> None:
    scene.grow(300)
    assert scene.ship() == Shipment(STREAM.name, 0, 300)
    assert scene.verdict() is Verdict.GOOD
    assert days(scene.archive) == days(scene.replica)
    assert (scene.archive / STREAM.folder / "policy").read_text() == scene.keys.policy_text()


@pytest.mark.parametrize("counts", [(1, 1, 1), (255, 1, 1), (256, 256), (100, 500, 7), (70_000,)])
def test_only_the_gap_comes_each_time(scene: Scene, counts: tuple[int, ...]) -> None:
    for count in counts:
        scene.grow(count)
        shipment = scene.ship()
        assert (shipment.sent, shipment.after) == (count, scene.size)
        assert scene.verdict() is Verdict.GOOD
    assert days(scene.archive) == days(scene.replica)


def test_nothing_new_is_nothing_written(scene: Scene) -> None:
    scene.grow(300)
    scene.ship()
    before = {path: path.stat().st_mtime_ns for path in scene.archive.rglob("*")}
    assert scene.ship().sent == 0
    assert {path: path.stat().st_mtime_ns for path in scene.archive.rglob("*")} == before


def test_only_the_tiles_of_the_last_checkpoint_stay_besides_the_full_ones(scene: Scene) -> None:
    for _ in range(4):
        scene.grow(90)
        scene.ship()
    tiles = sorted(name for name in files(scene.archive) if "/tile/" in name)
    assert tiles == [f"h323_witness/tile/{name}" for name in ("0/000", f"0/001.p/{360 - WIDTH}", "1/000.p/1")]


def test_neighbours_around_midnight_go_into_the_files_that_they_are_in(scene: Scene) -> None:
    scene.grow(3, MIDNIGHT - 2)
    for number in range(8):
        scene.grow(1, MIDNIGHT + (1 if number % 2 else -1))
        scene.ship()
    assert len(days(scene.replica)) == 2
    assert days(scene.archive) == days(scene.replica)
    assert scene.verdict() is Verdict.GOOD


def test_many_days_come_at_once_and_then_the_last_ones(scene: Scene) -> None:
    for day in range(9):
        scene.grow(30, NOON + 86_400 * day)
    scene.ship()
    scene.grow(30, NOON + 86_400 * 8)
    scene.grow(30, NOON + 86_400 * 9)
    assert scene.ship().sent == 60
    assert days(scene.archive) == days(scene.replica)
    assert scene.verdict() is Verdict.GOOD


@pytest.mark.parametrize("at_once", [False, True])
def test_by_wrong_clocks_the_same_files_come_about(scene: Scene, at_once: bool) -> None:
    for day in (0, 1, 2, 3, -20_000, 3, 400, 401, 402, 403, 4, 5):
        scene.grow(2, NOON + 86_400 * day)
        if not at_once:
            scene.ship()
    scene.ship()
    assert days(scene.archive) == days(scene.replica)
    assert scene.verdict() is Verdict.GOOD


def test_days_that_an_interrupted_run_has_left_do_not_count(scene: Scene) -> None:
    scene.grow(3)
    scene.ship()
    for day in range(1, 6):
        scene.grow(2, NOON + 86_400 * day)
    last = day_file(scene.archive, str(int(DAY) + 5))
    last.write_bytes(day_file(scene.replica, last.stem[-len(DAY) :]).read_bytes())
    scene.ship()
    assert days(scene.archive) == days(scene.replica)
    assert scene.verdict() is Verdict.GOOD


def test_packed_days_of_a_source_and_of_an_archive_are_read(scene: Scene) -> None:
    for day in range(5):
        scene.grow(30, NOON + 86_400 * day)
    expected = days(scene.replica)
    first = day_file(scene.replica)
    Path(f"{first}.gz").write_bytes(gzip.compress(first.read_bytes()))
    first.unlink()
    scene.ship()
    assert days(scene.archive) == expected
    last = STREAM.day_file(scene.archive, "20270119")
    Path(f"{last}.gz").write_bytes(gzip.compress(last.read_bytes()))
    last.unlink()
    scene.grow(5, NOON + 86_400 * 4)
    scene.ship()
    assert last.read_bytes() == STREAM.day_file(scene.replica, "20270119").read_bytes()
    assert scene.verdict() is Verdict.GOOD


def test_what_is_not_covered_or_not_cosigned_stays_where_it_is(scene: Scene) -> None:
    scene.grow(10)
    write(scene.replica, 10, 5)
    assert scene.ship().after == 10
    log = published(scene.replica, scene.keys)
    signed_only = scene.keys.sign(log, cosigned=False)
    (log.folder / "checkpoint").write_bytes(signed_only)
    with pytest.raises(SourceError, match="cosigned by nobody"):
        scene.ship()
    scene.size = 10
    assert scene.verdict() is Verdict.GOOD


def test_a_stream_without_a_checkpoint_has_nothing_to_ship(scene: Scene) -> None:
    assert scene.ship(check=True) == Shipment(STREAM.name, 0, 0)
    assert not scene.archive.exists()
    assert scene.ship() == Shipment(STREAM.name, 0, 0)
    # The folder says that there is nothing, rather than that it was removed.
    assert [path.name for path in (scene.archive / STREAM.folder).iterdir()] == ["policy"]


def test_check_mode_says_what_would_come_and_writes_nothing(scene: Scene) -> None:
    scene.grow(300)
    assert scene.ship(check=True) == Shipment(STREAM.name, 0, 300)
    assert not scene.archive.exists()
    scene.ship()
    scene.grow(5)
    before = files(scene.archive)
    assert scene.ship(check=True) == Shipment(STREAM.name, 300, 305)
    assert files(scene.archive) == before


class TestRefusal:
    @pytest.fixture
    def other(self, scene: Scene, tmp_path: Path) -> Scene:
        """The same keys, and another history."""
        (tmp_path / "other").mkdir()
        other = Scene(tmp_path / "other")
        other.keys, other.archive = scene.keys, scene.archive
        return other

    @pytest.mark.parametrize("sizes", [(300, 400), (300, 300), (300, 200), (256, 512), (1, 2)])
    def test_a_fork_is_refused_and_both_checkpoints_are_kept(
        self, scene: Scene, other: Scene, sizes: tuple[int, int]
    ) -> None:
        scene.grow(sizes[0])
        scene.ship()
        before = files(scene.archive)
        other.grow(sizes[1], text="DRQ")
        with pytest.raises(
            RefusedError, match=r"two different histories.*are kept in evidence/h323_witness/fork-"
        ) as it:
            other.ship()
        assert it.value.refusal is Refusal.FORK
        kept = {name: octets for name, octets in files(scene.archive).items() if name not in before}
        assert sorted(kept.values()) == sorted(
            (host.replica / STREAM.folder / "checkpoint").read_bytes() for host in (scene, other)
        )
        assert {name: files(scene.archive)[name] for name in before} == before
        with pytest.raises(RefusedError):
            other.ship()
        assert len(files(scene.archive)) == len(before) + 2
        assert scene.verdict() is Verdict.GOOD

    def test_a_fork_that_nobody_has_cosigned_is_kept_too(self, scene: Scene, other: Scene) -> None:
        scene.grow(300)
        scene.ship()
        other.grow(400, text="DRQ")
        log = published(other.replica, other.keys)
        (log.folder / "checkpoint").write_bytes(other.keys.sign(log, cosigned=False))
        with pytest.raises(RefusedError, match="are kept in"):
            other.ship()
        assert scene.verdict() is Verdict.GOOD

    def test_a_rollback_is_refused(self, scene: Scene, other: Scene) -> None:
        scene.grow(300)
        scene.ship()
        other.grow(200)
        with pytest.raises(RefusedError, match="shows 200 records of h323_ras, and has shown 300 before") as it:
            other.ship(looks=3)
        assert it.value.refusal is Refusal.ROLLBACK
        assert scene.verdict() is Verdict.GOOD

    def test_a_replica_that_is_a_moment_behind_is_waited_for(self, scene: Scene, other: Scene) -> None:
        scene.grow(300)
        scene.ship()
        other.grow(200)

        def catch_up() -> bool:
            other.grow(110)
            return True

        shipping = other.shipping()
        shipping._wait = catch_up
        assert shipping.ship(STREAM) == Shipment(STREAM.name, 300, 310)

    def test_check_mode_refuses_without_writing(self, scene: Scene, other: Scene) -> None:
        scene.grow(300)
        scene.ship()
        before = files(scene.archive)
        other.grow(400, text="DRQ")
        with pytest.raises(RefusedError):
            other.ship(check=True)
        assert files(scene.archive) == before

    def test_a_source_that_shows_nothing_any_more_is_an_error(self, scene: Scene) -> None:
        scene.grow(3)
        scene.ship()
        (scene.replica / STREAM.folder / "checkpoint").unlink()
        with pytest.raises(SourceError, match="no checkpoint of h323_ras, and the archive has 3 records"):
            scene.ship()

    def test_a_source_of_another_council_is_an_error(self, scene: Scene) -> None:
        scene.grow(3)
        scene.keys = Keys()
        with pytest.raises(SourceError, match="ship with the policy of this log"):
            scene.ship()
        assert not scene.archive.exists()


class TestDamage:
    def test_every_changed_octet_of_a_source_is_noticed_before_anything_counts(self, scene: Scene) -> None:
        scene.grow(40)
        whole = day_file(scene.replica).read_bytes()
        shipped = 0
        for at in range(0, len(whole), 37):
            changed = bytearray(whole)
            changed[at] ^= 1
            day_file(scene.replica).write_bytes(changed)
            with pytest.raises(ValueError, match=r"."):
                shipped += scene.ship().sent
            assert not (scene.archive / STREAM.folder / "checkpoint").exists()
        assert shipped == 0
        day_file(scene.replica).write_bytes(whole)
        assert scene.ship().sent == 40
        assert scene.verdict() is Verdict.GOOD

    def test_wrong_tiles_of_a_source_are_not_taken_for_a_fork(self, scene: Scene) -> None:
        scene.grow(300)
        scene.ship()
        scene.grow(300)
        tile = scene.replica / STREAM.folder / "tile" / "0" / "001"
        octets = bytearray(tile.read_bytes())
        octets[-1] ^= 1
        tile.write_bytes(octets)
        with pytest.raises(SourceError, match="leaf tiles from 300 on"):
            scene.ship()
        tile.unlink()
        with pytest.raises(SourceError, match="tile/0/001 is missing"):
            scene.ship()

    def test_a_record_that_was_changed_in_the_archive_is_noticed_when_its_day_grows(self, scene: Scene) -> None:
        scene.grow(300)
        scene.ship()
        path = day_file(scene.archive)
        path.write_bytes(path.read_bytes().replace(b'"index": 7, "time": "2027', b'"index": 7, "time": "2026'))
        changed = files(scene.archive)
        scene.grow(5)
        with pytest.raises(ArchiveError, match=r"record 7 in .* is not the one that was shipped"):
            scene.ship()
        now = files(scene.archive)
        assert {name: now[name] for name in changed} == changed

    def test_tiles_that_were_changed_in_the_archive_are_noticed(self, scene: Scene) -> None:
        scene.grow(300)
        scene.ship()
        tile = scene.archive / STREAM.folder / "tile" / "1" / "000.p" / "1"
        tile.write_bytes(bytes(32))
        with pytest.raises(ArchiveError, match="do not lead to its checkpoint of 300"):
            scene.ship()

    def test_an_archive_of_another_council_is_left_alone(self, scene: Scene) -> None:
        scene.grow(3)
        scene.ship()
        before = files(scene.archive)
        scene.keys = Keys()
        with pytest.raises(ArchiveError, match="whether this is the archive of this council"):
            scene.ship()
        assert files(scene.archive) == before

    def test_days_that_the_source_has_no_more_are_to_be_had_elsewhere(self, scene: Scene) -> None:
        for day in range(6):
            scene.grow(30, NOON + 86_400 * day)
        day_file(scene.replica).unlink()
        with pytest.raises(SourceError, match="has no record 0 any more; ship from a replica that has kept"):
            scene.ship()


class _KilledError(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


class _DyingArchive(FolderArchive):
    """Dies at its nth change, before it or within."""

    def __init__(self, folder: Path, changes: int, *, within: bool) -> None:
        super().__init__(folder)
        self._left, self._within = changes, within

    def _maybe_die(self, path: str) -> None:
        self._left -= 1
        if self._left < 0:
            if self._within:
                target = self.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.with_name(f".{target.name}.new").write_bytes(b'{"index": 0, "time"')
            raise _KilledError

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        self._maybe_die(path)
        super().put(path, chunks)

    def remove(self, path: str) -> None:
        self._maybe_die(path)
        super().remove(path)


@pytest.mark.parametrize("within", [False, True])
def test_after_being_killed_before_or_within_any_change_the_next_run_does_the_same(scene: Scene, within: bool) -> None:
    scene.grow(250, MIDNIGHT - 2)
    scene.ship()
    start = files(scene.archive)
    scene.grow(20, MIDNIGHT - 1)
    scene.grow(600, MIDNIGHT + 1)
    policy = scene.keys.policy_text().encode()
    for changes in itertools.count():
        folder = scene.replica.parent / f"archive-{changes}"
        for name, octets in start.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(octets)
        scene.archive = folder
        dying = _DyingArchive(folder, changes, within=within)
        try:
            Shipping(FolderSource(scene.replica), dying, policy, wait=lambda: False).ship(STREAM)
        except _KilledError:
            # Whatever there is, its checkpoint stands for.
            scene.size, size = len(b"".join(days(folder).values()).splitlines()), scene.size
            assert scene.verdict() in {Verdict.GOOD, Verdict.UNSIGNED_TAIL}
            scene.size = size
        else:
            break
        scene.grow(1, MIDNIGHT + 2)
        assert scene.ship().after == scene.size
        assert scene.verdict() is Verdict.GOOD
        assert days(folder) == days(scene.replica)
    assert changes > 8


class TestMarker:
    def test_a_source_is_marked_with_what_the_archive_has(self, scene: Scene) -> None:
        scene.grow(30)
        FolderSource(scene.replica, mark=True).mark_shipped(STREAM.name, 30)
        assert read_marker(scene.replica / STREAM.folder, SHIPPED, STREAM.name) == 30

    def test_it_is_left_alone_where_nobody_wants_it(self, scene: Scene) -> None:
        scene.grow(30)
        FolderSource(scene.replica).mark_shipped(STREAM.name, 30)
        assert read_marker(scene.replica / STREAM.folder, SHIPPED, STREAM.name) == 0

    def test_a_replica_relies_on_an_archive_of_its_own_log_alone(self, scene: Scene, tmp_path: Path) -> None:
        policy = scene.keys.policy_text().encode()
        scene.grow(30)
        scene.ship()
        scene.grow(30)
        source, archive = FolderSource(scene.replica), FolderArchive(scene.archive)
        assert confirm(source, archive, STREAM, policy) == 30
        assert confirm(source, FolderArchive(tmp_path / "none"), STREAM, policy) == 0
        (tmp_path / "other").mkdir()
        other = Scene(tmp_path / "other")
        other.keys = scene.keys
        other.grow(50, text="DRQ")
        with pytest.raises(RefusedError, match="two different histories"):
            confirm(FolderSource(other.replica), archive, STREAM, policy)
        (scene.replica / STREAM.folder / "checkpoint").unlink()
        with pytest.raises(SourceError, match="until its log service has caught up"):
            confirm(source, archive, STREAM, policy)
