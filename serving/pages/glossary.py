"""Words that pages explain where they stand; docs/GLOSSARY.md says the same, and a test holds the two together."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Word:
    """A word and what it means; both are translated where they are shown."""

    title: str
    text: str


GLOSSARY: Mapping[str, Word] = MappingProxyType(
    {
        "score": Word(
            "score",
            "A whole number from 0 to 100 that orders leads by their chance to be won. 50 stands for a fixed "
            "chance that the model page names, and every ten points or so double the odds.",
        ),
        "chance": Word(
            "chance",
            "So many of 100 leads like this one are won within the horizon, as far as past leads tell.",
        ),
        "interval": Word(
            "90% interval",
            "Where the true figure lies nine times out of ten. A wide one means that few leads stand behind the "
            "figure.",
        ),
        "horizon": Word("horizon", "The days after a scoring in which a win counts."),
        "grade": Word(
            "grade",
            "The letter says how well the lead fits, A best; the number says how active the lead is, 1 most.",
        ),
        "points": Word(
            "points",
            "What the rubric's rules add up to for a lead. The score is learned from outcomes, points are set by "
            "people.",
        ),
        "rubric": Word("rubric", "Marketing's own rules: a condition, and the points it gives or takes."),
        "criterion": Word(
            "criterion",
            "One thing to find out about a lead, such as budget or authority. It is met, not met, indicated by "
            "what the lead did, or unknown.",
        ),
        "unknown": Word(
            "unknown",
            "Nobody has asked, or the answer is too old to count. It is a finding of its own, never counted as no.",
        ),
        "stage": Word("stage", "Where people have put the lead in the CRM. It changes when somebody there moves it."),
        "state": Word("state", "What score and evidence say the lead is ready for. It is ours, not the CRM's."),
        "iql": Word("IQL", "A lead that reads and asks, but is not yet worth a call."),
        "mql": Word("MQL", "A lead that marketing calls worth a call, by score and evidence."),
        "pql": Word("PQL", "A lead that already uses the product in a way that buyers do."),
        "sal": Word("SAL", "A lead that sales has accepted and works on."),
        "sql": Word("SQL", "A lead that sales has talked to and found ready to buy."),
        "hot": Word("hot", "A lead that the qualification policy says to call at once."),
        "next_step": Word(
            "next step",
            "The one thing to do now. It follows the stage first: an open opportunity is never sent back to nurturing.",
        ),
        "lists": Word(
            "list",
            "Every open lead that does not rest is on exactly one: to hand off, to work, or to watch.",
        ),
        "handoff": Word("handoff", "A lead passed from marketing to sales. Each lead counts once."),
        "accept": Word("accept", "Sales takes the lead over. The score stays as it is; the stage moves on."),
        "return": Word(
            "return",
            "Sales gives the lead back with a reason, which counts as feedback and never changes the score.",
        ),
        "promise": Word(
            "promise",
            "A time within which a lead is to be called or moved on, in working hours. It is kept or broken; "
            "while the time runs it is neither.",
        ),
        "promise_of_wins": Word(
            "promised share",
            "At least so many of the leads handed off are won, with 90% confidence, as past weeks let one say.",
        ),
        "capacity": Word("capacity", "The handoffs that sales can work in a week."),
        "wins_inside": Word(
            "wins inside the list",
            "Of the leads that would have been handed off in past weeks, those that were won. They were won under "
            "the handling of that time: nobody says that a list adds wins.",
        ),
        "champion": Word("champion model", "The model in use. A challenger takes over only if the gate lets it."),
        "gate": Word(
            "gate",
            "What a new model must pass to take over: no open leak, and not worse on outcomes that neither model "
            "has learned from.",
        ),
        "drift": Word(
            "drift",
            "Today's leads differ from those the model learned from, by more than single weeks differ and more "
            "than chance explains.",
        ),
        "auc": Word(
            "AUC",
            "How often a won lead stands above another one: 0.5 is a coin toss, 1 is always.",
        ),
        "calibration": Word(
            "calibration",
            "Whether chances come true: of leads given 20 chances in 100, about 20 in 100 should be won.",
        ),
        "quarantine": Word(
            "quarantine",
            "Where rows are kept that break the contract of the data, each with the rule it broke. Nothing is "
            "dropped unseen.",
        ),
    }
)

# which words a page uses, by the beginning of its address; the page explains them at its end
WORDS_ON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "/worklist": ("score", "grade", "points", "lists", "next_step", "stage", "state", "accept", "return"),
        "/leads": (
            "score",
            "chance",
            "interval",
            "grade",
            "criterion",
            "unknown",
            "stage",
            "state",
            "accept",
            "return",
        ),
        "/short": ("score", "criterion", "unknown", "iql", "mql", "sql"),
        "/accounts": ("score", "stage", "state", "criterion"),
        "/expansion": ("score", "chance"),
        "/team": ("promise", "capacity", "handoff", "mql", "sal", "sql", "return"),
        "/process": ("stage", "promise", "iql", "mql", "pql", "sal", "sql", "accept", "return"),
        "/rubric": ("rubric", "points", "interval", "wins_inside", "handoff"),
        "/thresholds": ("score", "handoff", "promise_of_wins", "capacity", "wins_inside", "interval"),
        "/model": ("champion", "gate", "auc", "calibration", "drift", "interval", "horizon"),
    }
)


def words_on(path: str) -> list[Word]:
    """The words that the page at this path uses, none where it explains itself.

    >>> [word.title for word in words_on("/leads/L1")][:2], words_on("/help")
    (['score', 'chance'], [])
    """
    keys = next((keys for start, keys in WORDS_ON.items() if path == start or path.startswith(f"{start}/")), ())
    return [GLOSSARY[key] for key in keys]
