"""The only SQL. Each room holds the statements about one thing; the engine puts them into transactions."""

from klingbot.store.database import Database, DatabaseError, Store, Transaction, part
from klingbot.store.opening import open_store, snapshot

__all__ = ["Database", "DatabaseError", "Store", "Transaction", "open_store", "part", "snapshot"]
