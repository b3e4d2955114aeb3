"""An upload that is scored belongs to one server, for a while: several may share the store."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("uploads", sa.Column("taken_by", sa.String(200), nullable=True))
    op.add_column("uploads", sa.Column("taken_until", sa.DateTime(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("uploads", "taken_until")
    op.drop_column("uploads", "taken_by")
