"""What happened with a lead is written down on its card: notes, who posted an activity, and what was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OLD = "activities_before_0011"


def upgrade() -> None:
    """Create the tables, and the column of the author."""
    op.create_table(
        "withdrawn_activities",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("lead_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(120), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_withdrawn_activities_lead_id", "withdrawn_activities", ["lead_id"])
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("lead_id", sa.String(200), nullable=False),
        sa.Column("activity", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notes_lead_id", "notes", ["lead_id"])
    _add_author()


def _add_author() -> None:
    """Add the column; SQLite writes an added one behind the constraints, so the table is made anew with it."""
    author, connection = sa.Column("author", sa.String(200), nullable=True), op.get_bind()
    if connection.dialect.name != "sqlite":
        op.add_column("activities", author)
        return
    table = sa.Table("activities", sa.MetaData(), autoload_with=connection)
    names = [column.name for column in table.columns]
    last = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'activities'"))
    for index in table.indexes:
        op.drop_index(str(index.name), table_name="activities")
    op.rename_table("activities", _OLD)
    table.dialect_options["sqlite"]["autoincrement"] = True
    table.append_column(author)
    table.create(connection)
    old = sa.table(_OLD, *(sa.column(name) for name in names))
    connection.execute(sa.insert(table).from_select(names, sa.select(old).order_by(old.c.id)))
    op.drop_table(_OLD)
    if last is not None:  # the highest row may be gone: its id is not given out again
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'activities'"))
        insert = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('activities', :last)")
        connection.execute(insert, {"last": last})


def downgrade() -> None:
    """Drop them."""
    op.drop_column("activities", "author")
    op.drop_table("notes")
    op.drop_table("withdrawn_activities")
