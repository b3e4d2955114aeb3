"""No id is given out twice: SQLite took the highest one again once its row was gone; PostgreSQL never does."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = ("scores", "feedback", "answers", "activities", "outbox", "stages", "field_values")
_OLD = "rows_before_0008"


def upgrade() -> None:
    """Make each table anew with ids that only rise; rows keep theirs."""
    _make_anew(ids_rise=True)


def downgrade() -> None:
    """Make each table anew as it was."""
    _make_anew(ids_rise=False)


def _make_anew(*, ids_rise: bool) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    for name in _TABLES:
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        for index in table.indexes:
            op.drop_index(str(index.name), table_name=name)
        op.rename_table(name, _OLD)
        table.dialect_options["sqlite"]["autoincrement"] = ids_rise
        table.create(connection)
        names = [column.name for column in table.columns]
        old = sa.table(_OLD, *(sa.column(name) for name in names))
        connection.execute(sa.insert(table).from_select(names, sa.select(old).order_by(old.c.id)))
        op.drop_table(_OLD)
