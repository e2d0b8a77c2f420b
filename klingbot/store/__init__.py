"""The only SQL. Each room holds the statements about one thing; the engine puts them into transactions."""

from klingbot.store.database import DatabaseError, Store, Transaction

__all__ = ["DatabaseError", "Store", "Transaction"]
