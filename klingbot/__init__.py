"""Klingbot: Kling AI videos from Slack, inside budgets that hold."""

__version__ = "0.1.0"
