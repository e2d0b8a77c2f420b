"""Stored and posted values of released versions, which every later version must still read."""
