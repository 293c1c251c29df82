import gc
from collections.abc import Iterator
from typing import Any

import pytest

from trackdesk.console.litter import AT_LATEST, EVERY, QUIET, Litter


class Hands:
    """Seconds that pass, with a key now and then, and how often everything was looked through."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.litter = Litter(now=lambda: self.now)

    def note(self, phase: str, info: dict[str, Any]) -> None:
        self.looks += phase == "stop" and info["generation"] == 2

    def rest(self, seconds: float, *, key_every: float = 0.0) -> None:
        for second in range(1, int(seconds) + 1):
            self.now += 1
            if key_every and second % key_every == 0:
                self.litter.touched()
            self.litter.tick()


@pytest.fixture
def hands() -> Iterator[Hands]:
    hands = Hands()
    hands.litter.start()
    gc.callbacks.append(hands.note)
    yield hands
    gc.callbacks.remove(hands.note)
    hands.litter.stop()


def test_garbage_is_looked_for_once_hands_are_off_the_keys(hands: Hands) -> None:
    hands.rest(EVERY, key_every=2)
    assert hands.looks == 0
    hands.rest(QUIET + 1)
    assert hands.looks == 1
    hands.rest(EVERY - 1)
    assert hands.looks == 1


def test_hands_that_never_rest_keep_garbage_for_some_minutes_only(hands: Hands) -> None:
    hands.rest(AT_LATEST + 1, key_every=2)
    assert hands.looks == 1


def test_the_interpreter_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    litter = Litter()
    litter.start()
    assert gc.get_threshold() != before
    litter.stop()
    assert gc.get_threshold() == before
