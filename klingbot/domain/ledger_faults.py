"""Reasons why the ledger did not keep a transaction, as far as a person can act on them."""

from __future__ import annotations

from enum import StrEnum


class LedgerFault(StrEnum):
    """The reason that a transaction left nothing in the ledger."""

    AWAY = "away"
    """The database server cannot be reached, or was lost during the transaction."""
    BUSY = "busy"
    """Other writers took too long, or the server has no connection left."""
    FULL = "full"
    """The disk has no space left."""
    UNWRITABLE = "unwritable"
    """The file or the server can only be read, or the disk fails."""
    LOST = "lost"
    """The ledger was deleted, moved or replaced while the bot had it open."""
