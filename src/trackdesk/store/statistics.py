"""What the writer counts about itself."""

from bisect import bisect_left
from dataclasses import dataclass, field

COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


@dataclass(slots=True)
class WriterStats:
    """Counts since the start; written by the writer's thread alone, safe to read from any other.

    `commit_seconds` has one count for each bound of `COMMIT_BUCKETS` (upper, inclusive) and one above them all, each
    on its own, not running up.
    """

    commits: int = 0
    operations: int = 0
    rolled_back: int = 0
    commit_seconds: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BUCKETS) + 1))
    commit_seconds_sum: float = 0.0
    queue_depth: int = 0
    last_error: str | None = None
    """Why a whole batch was lost, until the next one that stands."""

    def count_commit(self, seconds: float, operations: int) -> None:
        """Note one commit that took `seconds` and let `operations` stand."""
        self.commits += 1
        self.last_error = None
        self.operations += operations
        self.commit_seconds[bisect_left(COMMIT_BUCKETS, seconds)] += 1
        self.commit_seconds_sum += seconds
