from __future__ import annotations

from h323.h235 import Freshness, ReplayWindow, SignedToken

NOW = 1_800_000_000


def token(time_stamp: int = NOW, random: int = 1, senders_id: str = "if://guardian/alice") -> SignedToken:
    return SignedToken(senders_id, "guardian-council", time_stamp, random, bytes(64))


def test_the_window_is_closed_on_both_sides() -> None:
    window = ReplayWindow(30)
    assert window.check(token(NOW - 31), NOW) is Freshness.TOO_OLD
    assert window.check(token(NOW - 30), NOW) is Freshness.FRESH
    assert window.check(token(NOW + 30), NOW) is Freshness.FRESH
    assert window.check(token(NOW + 31), NOW) is Freshness.TOO_NEW


def test_a_token_is_a_replay_once_it_is_remembered() -> None:
    window = ReplayWindow()
    assert window.check(token(), NOW) is Freshness.FRESH
    assert window.check(token(), NOW) is Freshness.FRESH
    window.remember(token(), NOW)
    assert window.check(token(), NOW) is Freshness.REPLAYED
    assert window.check(token(random=2), NOW) is Freshness.FRESH
    assert window.check(token(NOW + 1), NOW) is Freshness.FRESH
    assert window.check(token(senders_id="if://guardian/bob"), NOW) is Freshness.FRESH


def test_a_token_is_a_replay_until_it_is_too_old() -> None:
    window = ReplayWindow(30)
    window.remember(token(NOW + 30), NOW)
    for now in range(NOW, NOW + 61):
        window.remember(token(now, random=2), now)
        assert window.check(token(NOW + 30), now) is Freshness.REPLAYED
    assert window.check(token(NOW + 30), NOW + 61) is Freshness.TOO_OLD


def test_what_left_the_window_is_forgotten() -> None:
    window = ReplayWindow(30)
    for second in range(1000):
        for random in range(5):
            window.remember(token(NOW + second, random), NOW + second)
        assert len(window) <= 31 * 5


def test_what_was_forgotten_stays_too_old_when_the_clock_is_set_back() -> None:
    window = ReplayWindow(30)
    window.remember(token(NOW), NOW)
    window.remember(token(NOW + 40), NOW + 40)
    assert window.check(token(NOW), NOW) is Freshness.TOO_OLD


def test_a_full_window_believes_nothing_more() -> None:
    window = ReplayWindow(30, capacity=3)
    for random in range(3):
        window.remember(token(random=random), NOW)
    assert window.check(token(random=3), NOW) is Freshness.FULL
    assert window.check(token(random=2), NOW) is Freshness.REPLAYED
    assert window.check(token(NOW + 31, 4), NOW + 31) is Freshness.FRESH


def test_tokens_of_the_gatekeeper_before_are_replays_too() -> None:
    window = ReplayWindow()
    window.restore("if://guardian/alice", NOW - 3, 7)
    assert window.check(token(NOW - 3, 7), NOW) is Freshness.REPLAYED
    window.restore("if://guardian/alice", NOW - 3, 7)
    assert len(window) == 1
