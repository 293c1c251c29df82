"""What is counted of finished runs: how they ended, what became of their deadlines, how long they took."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from operator import sub
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from trackdesk.domain.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Sequence

Flat: TypeAlias = "Sequence[Any]"
"""What `Tally.flat` gives."""
_LATE: Final = frozenset({"MISSED", "COMPLETED_LATE"})


class Ended(NamedTuple):
    """What counts of one finished run; instants and durations µs."""

    completed_at: int
    process_id: int
    status: str
    deadline_status: str | None
    overdue: bool
    duration: int
    tags: dict[str, str]

    @property
    def missed(self) -> bool:
        """Whether it missed its deadline, also when it failed after it."""
        return self.overdue or self.deadline_status in _LATE


@dataclass(slots=True)
class Tally:
    """Counts of runs. A run that failed after its deadline is in `failed` and in `missed`, but once in `problems`.

    `overdue` are ACTIVE runs past their deadline, which are no part of what is stored: they count as missed now.
    `took` is the sum of the durations of COMPLETED runs (µs), and `sketch` has how they are spread.
    """

    completed: int = 0
    on_time: int = 0
    late: int = 0
    failed: int = 0
    skipped: int = 0
    missed: int = 0
    problems: int = 0
    took: int = 0
    sketch: Sketch = field(default_factory=Sketch)
    overdue: int = 0

    @property
    def count(self) -> int:
        return self.completed + self.failed + self.skipped + self.overdue

    def add(self, run: Ended, sign: int = 1) -> None:
        """Count a run; with -1 take it out again."""
        missed = run.missed
        if run.status == "COMPLETED":
            self.completed += sign
            self.on_time += sign * (run.deadline_status == "COMPLETED_ON_TIME")
            self.late += sign * (run.deadline_status == "COMPLETED_LATE")
            self.took += sign * run.duration
            self.sketch.add(run.duration, sign)
        elif run.status == "FAILED":
            self.failed += sign
        else:
            self.skipped += sign
        self.missed += sign * missed
        self.problems += sign * (missed or run.status == "FAILED")

    def add_overdue(self, count: int = 1) -> None:
        """Count ACTIVE runs past their deadline."""
        self.overdue += count
        self.missed += count
        self.problems += count

    def merge(self, other: Tally, sign: int = 1) -> None:
        """Count what `other` counts; with -1 take it out again."""
        self.completed += sign * other.completed
        self.on_time += sign * other.on_time
        self.late += sign * other.late
        self.failed += sign * other.failed
        self.skipped += sign * other.skipped
        self.missed += sign * other.missed
        self.problems += sign * other.problems
        self.took += sign * other.took
        self.overdue += sign * other.overdue
        self.sketch.merge(other.sketch, sign)

    def flat(self) -> list[Any]:
        """The stored counts in the order of the fields, the sketch as a list behind them."""
        return [
            self.completed,
            self.on_time,
            self.late,
            self.failed,
            self.skipped,
            self.missed,
            self.problems,
            self.took,
            self.sketch.packed(),
        ]

    @classmethod
    def of_flat(cls, values: list[Any]) -> Tally:
        """Of what `flat` gave."""
        return cls.of_sums(values, [values[8]])

    @classmethod
    def of_flats(cls, flats: Sequence[Flat], less: Sequence[Flat] = ()) -> Tally:
        """Of many that `flat` gave, without those of `less`."""
        counts = list(islice(map(sum, zip(*flats, strict=True)), 8)) or [0] * 8
        if less:
            counts = list(map(sub, counts, map(sum, zip(*less, strict=True))))
        tally = cls(*counts)  # type: ignore[arg-type] # eight numbers
        tally.sketch = Sketch([flat[8] for flat in flats], [flat[8] for flat in less])
        return tally

    @classmethod
    def of_sums(cls, counts: Sequence[int], sketches: Sequence[Sequence[int]]) -> Tally:
        """Of the counts that begin what `flat` gave, of several together, and the sketches of each."""
        tally = cls(*counts[:8])  # type: ignore[arg-type] # eight numbers
        tally.sketch = Sketch(sketches)
        return tally
