"""Hashes of the audit trail have a day and a salt; what stays of earlier entries is sealed, a thousand at a time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BLOCK = 1_000


def upgrade() -> None:
    """Add the column, and entries that cover what there is."""
    op.add_column("audit", sa.Column("salt", sa.String(32), nullable=False, server_default=""))

    from serving.store.audit_trail import record_action
    from serving.store.trail_links import SEALED, digest_old

    audit = sa.table(
        "audit",
        sa.column("id", sa.Integer),
        sa.column("at", sa.DateTime),
        *(sa.column(name, sa.String) for name in ("actor", "action", "chain")),
    )
    connection, blocks, last = op.get_bind(), [], 0
    while True:
        asked = sa.select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(_BLOCK)
        rows = connection.execute(asked).mappings().all()
        if not rows:
            break
        last = rows[-1]["id"]
        blocks.append({"first": rows[0]["id"], "last": last, "hash": digest_old([dict(row) for row in rows])})
    with Session(connection) as session:
        for block in blocks:
            record_action(session, "leadscore", SEALED, "", block)
        session.flush()


def downgrade() -> None:
    """Drop the column; entries written with it no longer verify."""
    op.drop_column("audit", "salt")
