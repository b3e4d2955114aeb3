"""Tables of the pages, declared once: their fields, headings and how values are written."""

from dataclasses import dataclass
from typing import Literal

Form = Literal["text", "name", "words", "stage", "count", "share", "decimal", "hundredth", "fine", "day"]


@dataclass(frozen=True)
class Field:
    """A column: the record's key, its heading (translated where a catalog has it), and how values are written.

    ``text`` is a sentence, ``name`` a word left as it is, ``words`` one with spaces for underscores, translated;
    ``stage`` writes short stages in capitals, ``share`` takes 0..1 and writes percent, ``decimal`` one digit,
    ``hundredth`` two, ``fine`` four.
    """

    key: str
    title: str
    form: Form = "count"

    @property
    def number(self) -> bool:
        """Whether the column is aligned to the right."""
        return self.form in ("count", "share", "decimal", "hundredth", "fine")


SERVICE_LEVELS = (
    Field("stage", "Stage", "stage"),
    Field("what", "Promised", "words"),
    Field("team", "Team", "words"),
    Field("promised_hours", "Hours promised"),
    Field("n", "Leads"),
    Field("met", "Met"),
    Field("missed", "Not met"),
    Field("open", "Still running"),
    Field("attained", "Met in time", "share"),
    Field("low", "at least", "share"),
    Field("high", "at most", "share"),
)
FUNNEL = (
    Field("stage", "Stage", "stage"),
    Field("leads", "Leads that reached it"),
    Field("went_further", "Went further", "share"),
    Field("median_days", "Median days of those who left", "decimal"),
    Field("in_it_now", "In it now"),
)
VOLUMES = (
    Field("quarter", "Quarter", "name"),
    Field("promised", "Promised"),
    Field("sent", "Delivered"),
    Field("accepted", "Accepted"),
    Field("qualified", "Qualified"),
)
RECYCLED = (
    Field("reason", "Reason", "words"),
    Field("leads", "Leads"),
    Field("sent_again", "Sent again"),
    Field("won", "Won"),
    Field("lost", "Lost"),
    Field("waiting", "Waiting"),
)
OVERDUE = (
    Field("stage", "Stage", "stage"),
    Field("what", "Promised", "words"),
    Field("promised_hours", "Hours promised"),
    Field("waited_hours", "Hours waited"),
)
PLAN = (
    Field("reps", "Reps"),
    Field("per_week", "Handoffs per week", "decimal"),
    Field("handoffs", "Handoffs"),
    Field("wins", "Wins inside"),
    Field("precision", "Precision", "share"),
    Field("one_more", "Wins from one more rep"),
)
RANKING = (
    Field("population", "Of whom", "words"),
    Field("rows", "Test rows"),
    Field("leads", "Leads"),
    Field("won", "Won rows"),
    Field("base_rate", "Base rate", "share"),
    Field("model_auc", "AUC of the model", "hundredth"),
    Field("rubric_auc", "AUC of the rubric", "hundredth"),
)
CALIBRATION = (
    Field("predicted", "Predicted", "share"),
    Field("observed", "Observed", "share"),
    Field("low", "at least", "share"),
    Field("high", "at most", "share"),
    Field("rows", "Rows"),
)
FOLDS = (
    Field("test_from", "Judged from", "day"),
    Field("test_to", "to", "day"),
    Field("test", "Rows judged"),
    Field("test_won", "Won"),
    Field("train", "Rows learned from"),
    Field("purged", "Left out: outcome not known in time"),
    Field("log_loss", "Log loss", "fine"),
    Field("rate_log_loss", "Log loss of the base rate", "fine"),
)
AUDIT = (
    Field("severity", "Weight", "words"),
    Field("column", "Column", "name"),
    Field("message", "Finding", "text"),
    Field("code", "Code", "name"),
)
DRIFT = (
    Field("label", "Feature", "name"),
    Field("before", "Trained on", "text"),
    Field("after", "Now", "text"),
    Field("standing", "Moved", "words"),
    Field("psi", "PSI", "hundredth"),
    Field("noise", "By chance up to", "hundredth"),
    Field("weight", "Weight in the score", "share"),
)
STAGES_AGREED = (
    Field("stage", "Stage", "stage"),
    Field("meaning", "Means", "words"),
    Field("owner", "Team", "words"),
    Field("entry", "Enters when", "words"),
    Field("expectation", "Expected next", "words"),
    Field("sla", "Deadline", "words"),
)
STAGES_NOW = (
    Field("stage", "Stage", "stage"),
    Field("leads", "Leads that reached it"),
    Field("in_it_now", "In it now"),
    Field("median_days", "Median days in it", "decimal"),
    Field("went_further", "Went further", "share"),
    Field("next_step_in_time", "Next step in time", "share"),
    Field("first_touch_in_time", "Touched in time", "share"),
)
PROGRAMMES = (
    Field("programme", "Programme", "words"),
    Field("members", "Members"),
    Field("open_now", "Open now"),
    Field("compared", "Compared"),
    Field("rate", "Won", "share"),
    Field("low", "at least", "share"),
    Field("high", "at most", "share"),
    Field("others_rate", "Others won", "share"),
    Field("others_low", "at least", "share"),
    Field("others_high", "at most", "share"),
    Field("verdict", "Difference", "words"),
)
ALL = (
    STAGES_AGREED,
    STAGES_NOW,
    PROGRAMMES,
    SERVICE_LEVELS,
    FUNNEL,
    VOLUMES,
    RECYCLED,
    OVERDUE,
    PLAN,
    RANKING,
    CALIBRATION,
    FOLDS,
    AUDIT,
    DRIFT,
)
