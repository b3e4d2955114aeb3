"""Lists that a load scored because the batch's was of another model: the next start takes them over."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kept_lists",
        sa.Column("under", sa.String(64), primary_key=True),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kept_lists")
