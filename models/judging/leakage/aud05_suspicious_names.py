"""AUD05: names that often mean "known only afterwards"; a name alone is never more than a suspicion."""

import re

from models.judging.leakage.audit_rows import AuditRows
from models.judging.leakage.finding import Finding

CODE = "AUD05"
SOME_POWER = 0.56  # AUC from which a suspicious name is more than a note

_AFTERWARDS = re.compile(
    r"(^|_)(won|lost|win|loss|closed?|close_date|outcome|converted|conversion|contract|invoice|"
    r"churn|renewal|stage|status|is_(sql|sal|mql|customer)|lost_reason|win_reason|"
    r"call_duration|talk_time|duration|final)($|_)"
)
# what a column shows today, whatever it showed when a lead was looked at
_TODAY = re.compile(
    r"(^|_)(last|latest|newest|most_recent(ly)?|current(ly)?|today|modified|updated|days_since|all_time|lifetime|"
    r"grade|graded|profile|quality|index|scored?|scores|rating|rated|tags?|disposition|next_(step|action)|"
    r"time_(spent|on_(the_)?(web_?)?(site|page))|"
    r"total_(time|visits?|touch(es)?|(page_?)?views?|clicks?|calls?|e?mails?|activit(y|ies)|events?|sessions?|"
    r"contacts?|opens?|pages?|meetings?|logins?|downloads?|interactions?|minutes|hours|seconds))($|_)"
    r"|^total_.*_all$|_to_date$|_ever$"
)
# the same words in names of facts: of a person, a past year, a bank, a market, a web address; a question on a form
_HARMLESS = re.compile(
    r"(^|_)(last_(name|year|fiscal|financial)|current_(accounts?|assets|liabilities|ratio)|"
    r"(your|my)_(last|latest|current|most_recent)|profile_(url|link|id|picture|photo|image)|"
    r"(price|confidence|market|stock|climate)_index)(?=$|_)|^index$"
)


def find_today_words(header: str) -> str:
    """The words by which a header says that it shows today's value; empty if it does not say so.

    >>> find_today_words("Last Notable Activity"), find_today_words("TotalVisits"), find_today_words("Last Name")
    ('last', 'total visits', '')
    """
    match = _TODAY.search(_HARMLESS.sub("", _plain(header)))
    return match.group(0).strip("_").replace("_", " ") if match else ""


def check_suspicious_names(rows: AuditRows) -> list[Finding]:
    """Unverified columns whose name or header speaks of the end of a deal or of today's state.

    Today's state is suspect whatever it tells, since an export that shows it cannot show what it was.
    """
    found = []
    for name in rows.names:
        if name in rows.verified:
            continue
        header = rows.headers.get(name, name)
        today = "" if name in rows.clocked else find_today_words(name) or find_today_words(header)
        if today:
            found.append(Finding(name, CODE, "suspect", _today_message(name, header, today)))
            continue
        match = _AFTERWARDS.search(_plain(name))
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


def _today_message(name: str, header: str, words: str) -> str:
    read = f" (column '{header}' of the file)" if _plain(header) != _plain(name) else ""
    return (
        f"'{name}'{read} by its words ('{words}') holds today's value, not the one at the moment a lead is scored. "
        "Take it from its history or from a snapshot exported before the outcome; if it is never changed after the "
        "lead came in, say so under 'accepted_because'; otherwise declare it 'role: ignore'."
    )


def _plain(text: str) -> str:
    """Lower-case words with underscores between them, also out of CamelCase."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower())
