"""The words of the domain as enums; allowed values in messages come from here."""

from enum import StrEnum


class Dimension(StrEnum):
    """What kind of evidence a feature is."""

    FIT = "fit"
    INTEREST = "interest"
    INTENT = "intent"
    USAGE = "usage"


class Topic(StrEnum):
    """What a feature speaks of; a framework groups topics into its criteria."""

    BUDGET = "budget"
    AUTHORITY = "authority"
    NEED = "need"
    INTEREST = "interest"
    GOALS = "goals"
    PLANS = "plans"
    CHALLENGES = "challenges"
    CURRENT_SOLUTION = "current_solution"
    TIMELINE = "timeline"
    PRIORITY = "priority"
    CONSEQUENCES = "consequences"
    IMPLICATIONS = "implications"
    CHAMPION = "champion"
    DECISION_PROCESS = "decision_process"
    DECISION_CRITERIA = "decision_criteria"
    METRICS = "metrics"
    COMPETITION = "competition"
    CONTEXT = "context"


class Role(StrEnum):
    """What a column may be used for.

    ``feature`` is learned from; ``display`` is shown, never learned from; ``personal`` identifies a
    person (shown to the owner, used for matching, masked in logs and validation pages, never learned
    from); ``sensitive`` is excluded unless accepted with a reason; ``ignore`` is not read.
    """

    FEATURE = "feature"
    DISPLAY = "display"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    IGNORE = "ignore"


class ColumnType(StrEnum):
    """Type of a declared column."""

    ID = "id"
    CATEGORY = "category"
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    LIST = "list"


class WhenKnown(StrEnum):
    """When the value of an attribute became known.

    ``at_creation``: with the row itself and never edited; ``history``: read from ``answers``;
    ``known_at``: with the row's own known_at (snapshots); ``snapshots``: overwritten in the CRM, read from the exports
    that ``leadscore snapshot add`` took; ``overwritten``: today's value, refused as a feature unless
    ``accepted_because`` says why it is used all the same: a caution then stands with every list.
    """

    AT_CREATION = "at_creation"
    HISTORY = "history"
    KNOWN_AT = "known_at"
    SNAPSHOTS = "snapshots"
    OVERWRITTEN = "overwritten"


class Stage(StrEnum):
    """Lifecycle stages of a lead."""

    LEAD = "lead"
    IQL = "iql"
    MQL = "mql"
    SAL = "sal"
    SQL = "sql"
    PQL = "pql"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"


class Phase(StrEnum):
    """Whose turn it is with a lead, by its CRM stage alone; :data:`PHASE_OF` says which stage means which.

    ``cooling_down``: recycled, and its cool-down has not passed; ``closed``: lost, disqualified, or whatever else ended
    it; ``customer``: won.
    """

    BEFORE_HANDOFF = "before_handoff"
    COOLING_DOWN = "cooling_down"
    WITH_SALES = "with_sales"
    CLOSED = "closed"
    CUSTOMER = "customer"


PHASE_OF = {
    Stage.LEAD: Phase.BEFORE_HANDOFF,
    Stage.IQL: Phase.BEFORE_HANDOFF,
    Stage.MQL: Phase.BEFORE_HANDOFF,
    Stage.PQL: Phase.BEFORE_HANDOFF,
    Stage.RECYCLED: Phase.BEFORE_HANDOFF,  # once it has cooled down
    Stage.SAL: Phase.WITH_SALES,
    Stage.SQL: Phase.WITH_SALES,
    Stage.OPPORTUNITY: Phase.WITH_SALES,
    Stage.WON: Phase.CUSTOMER,
    Stage.LOST: Phase.CLOSED,
    Stage.DISQUALIFIED: Phase.CLOSED,
}


class LeadList(StrEnum):
    """The lists every lead is on exactly one of; ``resting``: recycled, and its cool-down has not passed."""

    TO_HAND_OFF = "to_hand_off"
    TO_WORK = "to_work"
    WATCHING = "watching"
    RESTING = "resting"
    CUSTOMERS = "customers"
    CLOSED = "closed"


class Actor(StrEnum):
    """Who caused an activity."""

    LEAD = "lead"
    REP = "rep"
    SYSTEM = "system"


class Verdict(StrEnum):
    """What a training run may claim."""

    OK = "ok"
    WEAK_SIGNAL = "weak_signal"
    NO_SIGNAL = "no_signal"
    TOO_LITTLE_DATA = "too_little_data"
    LEAK = "leak"


TRAINED = (Verdict.OK, Verdict.WEAK_SIGNAL)  # verdicts under which a bundle is trained


class Provenance(StrEnum):
    """How we came to know what is on record about a criterion."""

    VERIFIED = "verified"
    STATED = "stated"
    ENRICHED = "enriched"
    INFERRED = "inferred"


class EvidenceStatus(StrEnum):
    """What is on record about a criterion."""

    MET = "met"
    NOT_MET = "not_met"
    INDICATED = "indicated"
    UNKNOWN = "unknown"
