"""AUD11: a raw date held as a category, whose values no later row can have."""

from models.judging.leakage.audit_rows import AuditRows
from models.judging.leakage.finding import Finding

CODE = "AUD11"
LEVELS, SHARE = 10, 0.9  # different values, and the share of them that read as dates
_DATE = r"^\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ]\d{1,2}:\d{2}.*)?\s*$"


def check_date_as_category(rows: AuditRows) -> list[Finding]:
    """Text columns of which nearly every one of at least ten different values is a date."""
    found = []
    for name in rows.names:
        column = rows.columns[name]
        if name in rows.verified or column.dtype.kind == "f":
            continue
        levels = column.dropna().drop_duplicates()
        if len(levels) >= LEVELS and float(levels.str.match(_DATE).mean()) >= SHARE:
            found.append(
                Finding(
                    name,
                    CODE,
                    "suspect",
                    f"'{name}' holds {len(levels)} dates treated as categories (e.g. {levels.iloc[0]}): no later lead "
                    "has any of them, which makes every model worse. Declare it 'type: timestamp' with its role, "
                    "replace it by the number it stands for (such as the days since), or declare 'role: ignore'.",
                )
            )
    return found
