from trackdesk.console.actions import ACTIONS
from trackdesk.console.places import SECTIONS
from trackdesk.screens.desk import Desk

PLACES = [place for section in SECTIONS for place in (section, *section.inner)]


def test_every_place_has_a_command_of_its_own() -> None:
    names = [place.name for place in PLACES] + [action.id.replace("_", "-") for action in ACTIONS]
    assert sorted(names) == sorted(set(names))


def test_those_places_take_words_that_have_a_filter() -> None:
    assert [place.name for place in PLACES if place.make(Desk()).can("filter") != place.filters] == []
