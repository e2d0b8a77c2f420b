"""The database's schema, step by step. `migrations.py` is append-only: a step that has shipped is never edited."""
