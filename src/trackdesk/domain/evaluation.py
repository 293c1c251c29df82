"""What a rule makes of one series, sample by sample and as time passes. Pure: whoever calls keeps the states.

Samples are judged in the order of their arrival. Without a window each is judged by itself, whatever time it names;
with one, the aggregate is judged as it stands once the sample is counted (`domain.window` says where late ones count;
one that is older than the window judges nothing). A time that is ahead of ours counts as that of the arrival: one wrong
clock must not make all others late. A breach holds for `for` when a later breach names a time so far
behind that of the first, or when so much time has passed since the first arrived; one sample that does not breach ends
it. Once firing, a series recovers when its value is no longer wrong by `recover_threshold` either.

A state is OK, PENDING (it breaches, not yet for long enough), FIRING, or NO_DATA (nothing came for `no_data_after`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from trackdesk.domain.deadline import HOLD_AFTER_JUMP
from trackdesk.domain.rule import HOLDS, Aggregate, RuleState
from trackdesk.domain.window import make_window

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.domain.rule import Rule
    from trackdesk.domain.window import RollingWindow

OK, PENDING, FIRING, NO_DATA = RuleState.OK, RuleState.PENDING, RuleState.FIRING, RuleState.NO_DATA


def _never(_value: float, _threshold: float) -> bool:
    return False


class Condition:
    """A rule as it is asked for each sample. Durations in µs."""

    __slots__ = ("aggregate", "hold_for", "holds", "recover", "silence", "threshold", "width")

    def __init__(self, rule: Rule) -> None:
        self.holds: Callable[[float, float], bool] = _never if rule.operator is None else HOLDS[rule.operator]
        self.threshold = 0.0 if rule.threshold is None else rule.threshold
        self.recover = self.threshold if rule.recover_threshold is None else rule.recover_threshold
        self.hold_for = rule.for_ or 0
        self.silence = rule.no_data_after
        self.aggregate = rule.aggregate
        self.width = 0 if rule.aggregate is Aggregate.LAST or rule.window is None else rule.window

    def new_window(self) -> RollingWindow | None:
        """An empty one; None when each sample is judged by itself."""
        return make_window(self.aggregate, self.width) if self.width else None


class SeriesState:
    """Where one series stands under one rule. Instants in µs."""

    __slots__ = ("breaches", "due_at", "heard_at", "held_until", "pending_since", "since", "state", "value", "window")

    def __init__(self, condition: Condition, heard_at: int | None = None) -> None:
        self.state = OK
        self.since = 0
        """When it came into its state, by our clock."""
        self.window = condition.new_window()
        self.value: float | None = None
        """What was judged last."""
        self.pending_since: int | None = None
        """The time that the first breach names."""
        self.due_at: int | None = None
        """When PENDING becomes FIRING though no more samples come."""
        self.held_until = 0
        """Before which that is not said."""
        self.breaches = 0
        """How often the condition held since it was OK."""
        self.heard_at = heard_at
        """When the last sample came, or whence we listen; None: nothing is missed."""


class Verdict(NamedTuple):
    """A series changed its state."""

    before: RuleState
    after: RuleState
    at: int
    """The instant (µs) at which it became true: the sample's time, or when it fell due."""
    value: float | None
    breaches: int
    """Samples that breached and have not been told of by an earlier verdict."""


COUNTED: Final = Verdict(FIRING, FIRING, 0, None, 1)
"""The state stays; the sample is one more breach of it."""


def step(condition: Condition, state: SeriesState, recorded_at: int, value: float, now: int) -> Verdict | None:
    """Take one sample, which arrived at `now` (µs). None: nothing came of it."""
    state.heard_at = now
    recorded_at = min(recorded_at, now)
    if state.window is not None:
        found = state.window.add(recorded_at, value)
        if found is None:
            return _turn(state, OK, recorded_at, now) if state.state is NO_DATA else None
        value = found
    state.value = value
    if condition.holds(value, condition.threshold):
        return _breach(condition, state, recorded_at, now)
    if state.state is OK:
        return None
    if _was_firing(state) and condition.holds(value, condition.recover):
        return None if state.state is FIRING else _turn(state, FIRING, recorded_at, now)
    return _turn(state, OK, recorded_at, now)


def _was_firing(state: SeriesState) -> bool:
    """Whether it fires, or did so when it fell silent."""
    return state.state is FIRING or (state.state is NO_DATA and state.breaches > 0 and state.pending_since is None)


def _breach(condition: Condition, state: SeriesState, recorded_at: int, now: int) -> Verdict | None:
    if state.state is FIRING:
        return COUNTED
    state.breaches += 1
    if state.state is PENDING:
        assert state.pending_since is not None, "that is what pending means"
        if recorded_at - state.pending_since < condition.hold_for:
            return COUNTED
        return _turn(state, FIRING, recorded_at, now)
    if not condition.hold_for or _was_firing(state):
        state.breaches = 1
        return _turn(state, FIRING, recorded_at, now)
    state.breaches = 1
    verdict = _turn(state, PENDING, recorded_at, now)
    state.pending_since, state.due_at = recorded_at, now + condition.hold_for
    return verdict


def _turn(state: SeriesState, after: RuleState, at: int, now: int) -> Verdict:
    verdict = Verdict(state.state, after, at, state.value, state.breaches)
    state.state, state.since = after, now
    state.due_at = None
    if after is not NO_DATA:
        state.pending_since = None
    if after is OK:
        state.breaches = 0
    return verdict


def falls_due(condition: Condition, state: SeriesState) -> int | None:
    """When time alone changes the state next, µs; a sample may put it off. None: never."""
    due = None if state.due_at is None else max(state.due_at, state.held_until)
    silent = _silent_at(condition, state)
    if due is None or silent is None:
        return silent if due is None else due
    return min(due, silent)


def _silent_at(condition: Condition, state: SeriesState) -> int | None:
    if condition.silence is None or state.heard_at is None or state.state is NO_DATA:
        return None
    return state.heard_at + condition.silence


def judge(condition: Condition, state: SeriesState, now: int) -> Verdict | None:
    """What time alone has made of it by `now` (µs)."""
    if state.due_at is not None and max(state.due_at, state.held_until) <= now:
        return _turn(state, FIRING, state.due_at, now)
    silent = _silent_at(condition, state)
    return None if silent is None or silent > now else _turn(state, NO_DATA, silent, now)


def resume(state: SeriesState, at: int) -> None:
    """Until `at` (µs) nobody could see anything: silence counts from there, and what was due by then waits for a minute
    more, for samples that are under way."""
    if state.heard_at is not None:
        state.heard_at = max(state.heard_at, at)
    if state.due_at is not None and state.due_at <= at:
        state.held_until = at + HOLD_AFTER_JUMP


def set_back(condition: Condition, state: SeriesState, now: int) -> None:
    """The clock was set back to `now` (µs): what lies ahead of it comes as soon as it would from there."""
    if state.heard_at is not None:
        state.heard_at = min(state.heard_at, now)
    state.held_until = 0
    if state.window is not None:
        state.window.set_back(now)
    if state.due_at is not None:
        state.due_at = min(state.due_at, now + condition.hold_for)


def stop(state: SeriesState, now: int) -> Verdict:
    """The rule looks at the series no more."""
    return _turn(state, OK, now, now)


def revise(condition: Condition, state: SeriesState, now: int) -> Verdict | None:
    """The rule was changed; what it says now of what was judged last. `state` stands as it did under the old one, with
    the new window filled and its `value` taken anew."""
    if state.state is OK:
        return None
    if state.state is NO_DATA:
        return _turn(state, OK, now, now) if condition.silence is None else None
    wrong = state.value is not None and condition.holds(state.value, condition.threshold)
    if state.state is FIRING:
        still = wrong or (state.value is not None and condition.holds(state.value, condition.recover))
        return None if still else _turn(state, OK, now, now)
    if not wrong:
        return _turn(state, OK, now, now)
    state.due_at = state.since + condition.hold_for
    return None
