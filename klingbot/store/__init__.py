"""All SQL. Each module has the statements about one thing; the engine combines them into transactions."""

from klingbot.store.backend.database import (
    AwayError,
    Database,
    DatabaseError,
    LedgerLostError,
    NotKeptError,
    Store,
    Transaction,
    UncertainError,
    part,
)
from klingbot.store.backend.opening import open_store, snapshot

__all__ = [
    "AwayError",
    "Database",
    "DatabaseError",
    "LedgerLostError",
    "NotKeptError",
    "Store",
    "Transaction",
    "UncertainError",
    "open_store",
    "part",
    "snapshot",
]
