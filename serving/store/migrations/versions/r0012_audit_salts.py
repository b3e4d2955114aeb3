"""Hashes of the audit trail have a day and a salt; what stays of earlier entries is sealed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and entries that cover what there is."""
    op.add_column("audit", sa.Column("salt", sa.String(32), nullable=False, server_default=""))

    from serving.store.audit_trail import seal_plain_entries

    with Session(op.get_bind()) as session:
        seal_plain_entries(session)
        session.flush()


def downgrade() -> None:
    """Drop the column; entries written with it no longer verify."""
    op.drop_column("audit", "salt")
