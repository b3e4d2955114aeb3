"""Uploads and idempotency keys belong to a key or a person, not to a name; uploads know their sender's owner."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the owner; what was stored under a name that one key alone has goes to that key."""
    op.add_column("uploads", sa.Column("owner", sa.String(200), nullable=True))

    keys = sa.table(
        "api_keys", sa.column("id", sa.Integer), sa.column("name", sa.String), sa.column("owner", sa.String)
    )
    connection = op.get_bind()
    known: dict[str, list[tuple[int, str | None]]] = {}
    for number, name, owner in connection.execute(sa.select(keys.c.id, keys.c.name, keys.c.owner)):
        known.setdefault(name, []).append((number, owner))
    uploads = sa.table("uploads", sa.column("caller", sa.String), sa.column("owner", sa.String))
    requests = sa.table("idempotency", sa.column("caller", sa.String))
    for name, holders in known.items():
        if len(holders) == 1:
            number, owner = holders[0]
            moved = {"caller": f"key:{number}"}
            connection.execute(sa.update(uploads).where(uploads.c.caller == name).values(**moved, owner=owner))
            connection.execute(sa.update(requests).where(requests.c.caller == name).values(**moved))


def downgrade() -> None:
    """Drop the owner; what belongs to keys keeps their numbers."""
    op.drop_column("uploads", "owner")
