"""Rows of leads that a load scored again: the next start takes them over where nothing more is known."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kept_lines",
        sa.Column("lead_id", sa.String(200), primary_key=True),
        sa.Column("under", sa.String(64), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("line", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kept_lines")
