"""Alembic migrations of the store, applied when the server starts."""
