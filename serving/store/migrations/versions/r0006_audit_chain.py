"""The audit trail becomes a chain; sessions remember the groups they came from and when the provider confirmed them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and chain what is on record; people who came through a provider sign in again."""
    op.add_column("audit", sa.Column("chain", sa.String(64), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("groups", sa.JSON(), nullable=True))
    op.add_column("sessions", sa.Column("confirmed_at", sa.DateTime(), nullable=True))

    from serving.store.trail_links import START, link_plain

    audit = sa.table(
        "audit",
        sa.column("id", sa.Integer),
        sa.column("at", sa.DateTime),
        *(sa.column(name, sa.String) for name in ("actor", "action", "subject", "chain")),
        sa.column("detail", sa.JSON),
    )
    connection, chain = op.get_bind(), START
    for row in connection.execute(sa.select(audit).order_by(audit.c.id)).mappings().all():
        chain = link_plain(chain, dict(row))
        connection.execute(sa.update(audit).where(audit.c.id == row["id"]).values(chain=chain))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("sessions", "confirmed_at")
    op.drop_column("sessions", "groups")
    op.drop_column("audit", "chain")
