"""AUD05: names that often mean "known only afterwards"; a name alone is never more than a suspicion."""

import re

from models.judging.leakage.audit_rows import AuditRows
from models.judging.leakage.finding import Finding

CODE = "AUD05"
SOME_POWER = 0.56  # AUC from which a suspicious name is more than a note

_AFTERWARDS = re.compile(
    r"(^|_)(won|lost|win|loss|closed?|close_date|outcome|converted|conversion|contract|invoice|"
    r"churn|renewal|current_stage|stage|status|is_(sql|sal|mql|customer)|lost_reason|win_reason|"
    r"call_duration|talk_time|duration|last_modified|modified|updated|today|final|all_time|lifetime)($|_)"
)
_TOTALS = re.compile(r"^total_.*_all$|_to_date$|_ever$")


def check_suspicious_names(rows: AuditRows) -> list[Finding]:
    """Unverified columns whose name speaks of the end of a deal or of today's state."""
    found = []
    for name in rows.names:
        if name in rows.verified:
            continue
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower())
        match = _AFTERWARDS.search(plain) or _TOTALS.search(plain)
        if match is None:
            continue
        auc = rows.powers[name].auc
        found.append(
            Finding(
                name,
                CODE,
                "suspect" if auc >= SOME_POWER else "note",
                f"'{name}' sounds like something known only afterwards ('{match.group(0).strip('_')}'; alone it "
                f"reaches AUC {auc:.2f} {rows.where}). Check when it is written, "
                "and read it from its history if it changes.",
            )
        )
    return found
