"""The database file as the rest of the program sees it: opening, holding, copying, checking."""

from trackdesk.store.backup import backup, restore
from trackdesk.store.check import Finding, check
from trackdesk.store.lock import LockInfo, ServerLock, lock_path, read_lock
from trackdesk.store.migrate import migrate
from trackdesk.store.opening import MINIMUM_SQLITE, check_sqlite, open_database

__all__ = [
    "MINIMUM_SQLITE",
    "Finding",
    "LockInfo",
    "ServerLock",
    "backup",
    "check",
    "check_sqlite",
    "lock_path",
    "migrate",
    "open_database",
    "read_lock",
    "restore",
]
