"""What each role does with leadscore, step by step, with the words it meets."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from serving.pages.home.roles import HomeRole


@dataclass(frozen=True)
class HelpStep:
    """One thing to do: what, how, and where."""

    title: str
    text: str
    href: str
    link: str


@dataclass(frozen=True)
class RoleHelp:
    """The page of one role; ``words`` are keys of the glossary."""

    question: str
    steps: tuple[HelpStep, ...]
    words: tuple[str, ...]


ROLE_HELP: Mapping[HomeRole, RoleHelp] = MappingProxyType(
    {
        HomeRole.REP: RoleHelp(
            "Whom do I call, and what do I ask?",
            (
                HelpStep(
                    "Begin at the top of the list",
                    "It is in the order in which leads are likely to be won. The next step says what to do.",
                    "/worklist",
                    "Worklist",
                ),
                HelpStep(
                    "Open the card before you call",
                    "It says why the lead stands there, what speaks against it, and what nobody knows yet.",
                    "/worklist",
                    "Worklist",
                ),
                HelpStep(
                    "Write down the answer",
                    "Answer the open question on the card. The score moves at once, and you see from where to where.",
                    "/short",
                    "One answer short",
                ),
                HelpStep(
                    "Accept or return",
                    "Accept takes the lead over. Return gives it back with a reason, so that marketing learns "
                    "from it. Both can be undone.",
                    "/worklist",
                    "Worklist",
                ),
                HelpStep(
                    "Find anybody",
                    "One search goes through open and closed leads, customers and companies.",
                    "/find",
                    "Find anybody",
                ),
            ),
            (
                "score",
                "chance",
                "grade",
                "criterion",
                "unknown",
                "next_step",
                "lists",
                "stage",
                "state",
                "accept",
                "return",
                "hot",
            ),
        ),
        HomeRole.MARKETER: RoleHelp(
            "Which rules are wrong, and from which score on should leads be handed off?",
            (
                HelpStep(
                    "See which rules outcomes contradict",
                    "Beside every rule stands what it gives, and what won and lost leads would give it.",
                    "/rubric",
                    "Rubric",
                ),
                HelpStep(
                    "Try a change before you make it",
                    "A draft is replayed on past weeks against the rubric in use and against the model.",
                    "/rubric",
                    "Rubric",
                ),
                HelpStep(
                    "Adopt it with a reason",
                    "The version before stays, and so does who changed what.",
                    "/rubric",
                    "Rubric",
                ),
                HelpStep(
                    "Choose a score to hand off from",
                    "The page shows what each score would have cost and won, and which promise it keeps.",
                    "/thresholds",
                    "Thresholds",
                ),
                HelpStep(
                    "Watch what came of it",
                    "Home compares what was handed off with what was promised, and sales' answers with the score.",
                    "/?role=marketer",
                    "Home",
                ),
            ),
            (
                "rubric",
                "points",
                "score",
                "handoff",
                "promise",
                "capacity",
                "wins_inside",
                "mql",
                "sal",
                "sql",
                "interval",
            ),
        ),
        HomeRole.MANAGER: RoleHelp(
            "What needs me today, where do we break promises, and can I trust the score?",
            (
                HelpStep(
                    "Look at the tiles first",
                    "Hot leads nobody has called, leads that wait too long, promises kept, handoffs against "
                    "places, wins inside the list.",
                    "/?role=manager",
                    "Home",
                ),
                HelpStep(
                    "Read the one sentence on trust",
                    "It says whether the list may be sorted by the score, and how its chances came true.",
                    "/model",
                    "Model",
                ),
                HelpStep(
                    "See where promises break",
                    "Month by month, and owner by owner with the leads that wait longest.",
                    "/team",
                    "Team",
                ),
                HelpStep(
                    "See where leads stop",
                    "The funnel marks the stage that fewest go on from.",
                    "/?role=manager",
                    "Home",
                ),
                HelpStep(
                    "Decide how many leads to hand off",
                    "Capacity and wins stand side by side, for each number of reps.",
                    "/thresholds",
                    "Thresholds",
                ),
            ),
            (
                "promise",
                "hot",
                "handoff",
                "capacity",
                "wins_inside",
                "stage",
                "state",
                "score",
                "interval",
                "accept",
                "return",
            ),
        ),
        HomeRole.SCIENTIST: RoleHelp(
            "Is the model good, and does it still hold?",
            (
                HelpStep(
                    "Read how it was judged",
                    "On leads it had not learned from, with intervals, beside every other candidate.",
                    "/model",
                    "Model",
                ),
                HelpStep(
                    "Look at drift",
                    "What is scored today against what was learned from, feature by feature.",
                    "/model",
                    "Model",
                ),
                HelpStep(
                    "Train on new outcomes",
                    "Load the data and run again: the gate says whether the new model may take over.",
                    "/docs",
                    "API",
                ),
                HelpStep(
                    "Promote or roll back",
                    "With a reason, in seconds; who moves on the list is shown before.",
                    "/model",
                    "Model",
                ),
                HelpStep("Ask the audit", "Every column was asked whether it knows the outcome.", "/model", "Model"),
            ),
            ("champion", "gate", "drift", "auc", "calibration", "interval", "horizon", "score", "chance", "quarantine"),
        ),
    }
)
