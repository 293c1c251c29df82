"""What `q=` means, and how it says that it was not understood."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.q import MAX_TERMS, WORD, Op, Term, parse
from trackdesk.domain.q_fields import INCIDENT_FIELDS, NOTIFICATION_FIELDS, PROCESS_FIELDS, RULE_FIELDS, RUN_FIELDS
from trackdesk.widgets import glyphs


def one(text: str) -> Term:
    (term,) = parse(text, RUN_FIELDS)
    return term


def message(text: str, fields=RUN_FIELDS) -> str:
    with pytest.raises(Invalid) as caught:
        parse(text, fields)
    assert caught.value.field == "q"
    return caught.value.detail


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("status:failed", Term("status", Op.IS, "FAILED")),
        ("STATUS:FAILED", Term("status", Op.IS, "FAILED")),
        ("-status:COMPLETED", Term("status", Op.IS, "COMPLETED", negated=True)),
        ("deadline:missed", Term("deadline", Op.IS, "MISSED")),
        ("process:nightly-*", Term("process", Op.PREFIX, "nightly-")),
        ("process:a:b", Term("process", Op.IS, "a:b")),
        ('category:"two words"', Term("category", Op.IS, "two words")),
        ('category:"two wo"*', Term("category", Op.PREFIX, "two wo")),
        ('category:"star*"', Term("category", Op.IS, "star*")),
        (r'category:"a \"quote\" \\"', Term("category", Op.IS, 'a "quote" \\')),
        ("duration:>5", Term("duration", Op.MORE, 5 * SECOND)),
        ("duration:>=1h30m", Term("duration", Op.AT_LEAST, HOUR + 30 * MINUTE)),
        ("duration:<0.5", Term("duration", Op.LESS, SECOND // 2)),
        ("attempt:2", Term("attempt", Op.IS, 2)),
        ("attempt:<=3", Term("attempt", Op.AT_MOST, 3)),
        ("started:<2h", Term("started", Op.LESS, 2 * HOUR, relative=True)),
        ("started:>1970-01-01T00:00:01Z", Term("started", Op.MORE, SECOND)),
        ("started:>=1", Term("started", Op.AT_LEAST, SECOND)),
        ("due:<15m", Term("due", Op.LESS, 15 * MINUTE, relative=True)),
        ("tag:env=prod", Term("tag", Op.IS, "prod", key="env")),
        ("tag:env=pr*", Term("tag", Op.PREFIX, "pr", key="env")),
        ("tag:env", Term("tag", Op.PREFIX, "", key="env")),
        ('tag:env="two words"', Term("tag", Op.IS, "two words", key="env")),
        ("stalled:yes", Term("stalled", Op.IS, True)),
        ("backup", Term(WORD, Op.IS, "backup")),
        ("back*", Term(WORD, Op.PREFIX, "back")),
        ("-backup", Term(WORD, Op.IS, "backup", negated=True)),
        ('"disk: full"', Term(WORD, Op.IS, "disk: full")),
        ("12:30", Term(WORD, Op.IS, "12:30")),
    ],
)
def test_a_term_is_read_as_documented(text: str, term: Term) -> None:
    assert one(text) == term


def test_several_terms_keep_their_order() -> None:
    terms = parse("  status:FAILED  process:a\tprocess:b timeout ", RUN_FIELDS)
    assert [(term.field, term.value) for term in terms] == [
        ("status", "FAILED"),
        ("process", "a"),
        ("process", "b"),
        (WORD, "timeout"),
    ]


@pytest.mark.parametrize(
    ("fields", "name", "marks"),
    [
        (RUN_FIELDS, "status", glyphs.RUN_STATUS),
        (RUN_FIELDS, "deadline", glyphs.DEADLINE_STATUS),
        (INCIDENT_FIELDS, "status", glyphs.INCIDENT_STATUS),
        (PROCESS_FIELDS, "state", glyphs.PROCESS_STATE),
        (RULE_FIELDS, "state", {name: mark for name, mark in glyphs.RULE_STATE.items() if name != "OFF"}),
    ],
)
def test_a_status_is_found_by_the_word_that_lists_show_for_it(fields, name: str, marks) -> None:
    for value, mark in marks.items():
        found = {parse(text, fields) for text in (f'{name}:"{mark.word}"', f"{name}:{mark.word.replace(' ', '_')}")}
        assert found == {(Term(name, Op.IS, value),)}


def test_an_incident_is_found_by_number_and_by_reference() -> None:
    assert parse("id:42", INCIDENT_FIELDS) == parse("id:inc-42", INCIDENT_FIELDS)


def test_a_severity_can_be_compared() -> None:
    assert parse("severity:>=high", INCIDENT_FIELDS) == (Term("severity", Op.AT_LEAST, "HIGH"),)


def test_an_unknown_field_names_its_place_and_the_known_ones() -> None:
    text = message("status:FAILED color:red")
    assert "at character 15" in text
    assert "'color'" in text
    assert "attempt, category, deadline" in text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('a "b c', "at character 3: this quote is never closed"),
        ("status:", "expected a value after status:"),
        ("status:ended", "expected one of ACTIVE (running), COMPLETED (done), FAILED, SKIPPED, not 'ended'"),
        ("duration:>", "expected a value after duration:>"),
        ("process:>a", "process can't be compared with >"),
        ("status:<ACTIVE", "status can't be compared with <"),
        ("started:2h", "such as started:<2h"),
        ("started:<yesterday", "not 'yesterday'"),
        ("started:<2026-01-01T00:00:00", "with an offset"),
        ("attempt:two", "expected a number, not 'two'"),
        ("attempt:99999999999999999999", "expected a number"),
        ("stalled:maybe", "expected yes or no"),
        ("tag:=x", "expected tag:key=value"),
        ("tag:env=", "expected tag:key=value"),
        ("duration:-5", "expected a duration"),
        ("-", "expected a word to search for"),
        ("*", "expected a word to search for"),
        ('""', "expected a word to search for"),
        ("a\x00b", "must not contain NUL"),
        ("\ud800", "must not contain lone surrogates"),
        ("a " * (MAX_TERMS + 1), "expected at most 50 terms, not 51"),
    ],
)
def test_what_is_not_understood_says_where_and_why(text: str, part: str) -> None:
    assert part in message(text)


_FIELDS = st.sampled_from([RUN_FIELDS, INCIDENT_FIELDS, PROCESS_FIELDS, NOTIFICATION_FIELDS])
_LOOSE = st.lists(
    st.one_of(
        st.sampled_from([*RUN_FIELDS, *INCIDENT_FIELDS, ":", "=", ">", "<", ">=", "-", "*", '"', "\\", " ", "2h", "5"]),
        st.text(max_size=4),
    ),
    max_size=20,
).map("".join)


@given(text=st.one_of(st.text(max_size=200), _LOOSE), fields=_FIELDS)
def test_any_text_gives_terms_or_invalid_and_nothing_else(text: str, fields) -> None:
    terms: tuple[Term, ...] = ()
    with suppress(Invalid):
        terms = parse(text, fields)
    assert all(isinstance(term, Term) and (term.field == WORD or term.field in fields) for term in terms)


@given(value=st.text(min_size=1, max_size=50).filter(lambda text: text.isprintable()))
def test_every_quoted_value_is_read_back_as_it_was(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert one(f'category:"{escaped}"') == Term("category", Op.IS, value)
