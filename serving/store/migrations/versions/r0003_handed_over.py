"""What exports handed over last, so that the next one holds only what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "handed_over",
        sa.Column("ledger", sa.String(300), primary_key=True),
        sa.Column("lead_id", sa.String(200), primary_key=True),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.create_table(
        "ledgers",
        sa.Column("ledger", sa.String(300), primary_key=True),
        sa.Column("exports", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("ledgers")
    op.drop_table("handed_over")
