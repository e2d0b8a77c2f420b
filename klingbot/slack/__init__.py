"""The Slack edge: what people type and press, and the thin listeners that answer."""
