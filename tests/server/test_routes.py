"""Which endpoint a path means."""

from __future__ import annotations

import pytest

from trackdesk.domain.errors import Invalid
from trackdesk.server.routes import Routes


@pytest.fixture
def routes() -> Routes[str]:
    made: Routes[str] = Routes(lambda name, value: name != "number" or value.isdigit())
    made.add("/runs", {"GET": "list"})
    made.add("/runs/{uid}", {"GET": "run", "DELETE": "drop"})
    made.add("/runs/stats", {"GET": "stats"})
    made.add("/runs/{uid}/logs", {"GET": "logs"})
    made.add("/p/{process}/{id}", {"GET": "by key"})
    made.add("/p/{process}/pause", {"POST": "pause"})
    made.add("/n/{number}", {"GET": "one"})
    made.add("/n/read-all", {"POST": "all"})
    return made


def test_a_fixed_segment_comes_before_a_parameter(routes: Routes[str]) -> None:
    assert routes.find("GET", "/runs/stats")[0] == "stats"
    assert routes.find("GET", "/runs/abc")[:2] == ("run", {"uid": "abc"})


def test_a_parameter_stands_in_where_the_fixed_segment_lacks_the_method(routes: Routes[str]) -> None:
    assert routes.find("GET", "/p/nightly/pause")[:2] == ("by key", {"process": "nightly", "id": "pause"})
    assert routes.find("DELETE", "/runs/stats")[0] == "drop"


def test_a_parameter_that_the_segment_does_not_fit_does_not_stand_in(routes: Routes[str]) -> None:
    assert routes.find("GET", "/n/read-all") == (None, {}, {"POST"})


def test_a_path_without_the_method_tells_which_it_has(routes: Routes[str]) -> None:
    assert routes.find("PUT", "/runs/abc") == (None, {}, {"GET", "DELETE"})


@pytest.mark.parametrize("path", ["/", "", "*", "/runs/", "/runs//logs", "/runs/a/b", "/nothing", "runs"])
def test_what_no_path_matches_has_no_methods(routes: Routes[str], path: str) -> None:
    assert routes.find("GET", path) == (None, {}, set())


def test_parameters_are_decoded_after_the_path_is_split(routes: Routes[str]) -> None:
    assert routes.find("GET", "/runs/a%2Fb")[:2] == ("run", {"uid": "a/b"})


def test_what_is_not_utf_8_behind_its_percent_signs_is_refused_by_name(routes: Routes[str]) -> None:
    with pytest.raises(Invalid) as refused:
        routes.find("GET", "/runs/%ff")
    assert refused.value.errors[0].field == "uid"


def test_two_names_for_a_parameter_in_one_place_are_a_mistake(routes: Routes[str]) -> None:
    with pytest.raises(ValueError, match="uid"):
        routes.add("/runs/{id}/x", {"GET": "x"})
