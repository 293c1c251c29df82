from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.premises import Hooks, Premises

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """A machine on which nothing runs yet."""
    premises = Premises(tmp_path_factory.mktemp("premises"))
    yield premises
    premises.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """A machine with a server, for all tests of a module together."""
    premises = Premises(tmp_path_factory.mktemp("served"))
    premises.serve()
    yield premises
    premises.close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    yield hooks
    hooks.close()
