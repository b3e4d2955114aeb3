"""What sales says becomes rows of the source: stages entered, fields looked up, answers corrected, states pinned."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the columns that say what corrects, undoes and pins what."""
    op.create_table(
        "stages",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("lead_id", sa.String(200), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=False),
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("reason", sa.String(60), nullable=True),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("feedback_id", sa.Integer(), nullable=True),
    )
    op.create_index("ix_stages_lead_id", "stages", ["lead_id"])
    op.create_table(
        "field_values",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("lead_id", sa.String(200), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_field_values_account_id", "field_values", ["account_id"])
    op.add_column("answers", sa.Column("corrects", sa.Integer(), nullable=True))
    op.add_column("feedback", sa.Column("known_at", sa.DateTime(), nullable=True))
    op.add_column("feedback", sa.Column("state", sa.String(40), nullable=True))
    op.add_column("feedback", sa.Column("next_action", sa.String(40), nullable=True))
    op.add_column("feedback", sa.Column("undoes", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in ("undoes", "next_action", "state", "known_at"):
        op.drop_column("feedback", name)
    op.drop_column("answers", "corrects")
    op.drop_table("field_values")
    op.drop_table("stages")
