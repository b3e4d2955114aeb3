"""What a CRM's own stage or status means: the lifecycle stage it stands for, in the words of several languages."""

import re
from collections.abc import Iterable

from features.schema.vocabulary import Stage
from pipelines.declaring.header_words import words_of
from pipelines.declaring.vendor_words import spoken

# the first that fits counts: "closed lost" is lost before it is closed, "not won" is no win
_STAGES: tuple[tuple[Stage, str], ...] = (
    (
        Stage.DISQUALIFIED,
        r"disqualif|unqualif|not qualified|not converted|junk|spam|invalid|duplicate|bad data|unqualifi|niekwalif|"
        r"descalific|desqualific|squalific|부적격|失格|対象外",
    ),
    (
        Stage.LOST,
        r"\blost\b|closed lost|rejected|no sale|dead|abandon|verloren|abgelehnt|perdu|perdid|perso|persa|przegran|"
        r"not won|실패|실주|失注",
    ),
    (
        Stage.WON,
        r"\bwon\b|closed won|customer$|signed|gewonnen|gagne|ganad|ganh|vint[oa]|wygran|kunde$|cliente?$|klient$|"
        r"수주|성공|受注",
    ),
    (Stage.RECYCLED, r"recycl|nurtur|reopen|zuruckgestellt|재활용"),
    (Stage.PQL, r"\bpql\b|product qualified"),
    (Stage.SQL, r"\bsql\b|sales qualified"),
    (Stage.SAL, r"\bsal\b|sales accepted|accepted"),
    (Stage.MQL, r"\bmql\b|marketing qualified"),
    (Stage.IQL, r"\biql\b|inquiry|information qualified|subscriber"),
    (
        Stage.OPPORTUNITY,
        r"opportunit|proposal|quote|negotiat|demo|evaluation|contract|decision|verkaufschance|angebot|opportunite|"
        r"oportunidad|oferta|propos|negoc|szansa|converted|제안|협상|상담|提案|交渉|商談",
    ),
    (
        Stage.LEAD,
        r"^(open|new|lead|raw|working|contacted|assigned|attempted|neu|offen|nouveau|nuevo|novo|nuovo|nowy|nowe|nowa)\b|"
        r"open |not contacted|working|신규|접수|新規",
    ),
)
_COMPILED = tuple((stage, re.compile(pattern)) for stage, pattern in _STAGES)


def stage_of(text: str) -> Stage | None:
    """The lifecycle stage that a status means; None where its words do not say.

    >>> [str(stage_of(text)) for text in ("Closed Won", "Closed - Not Converted", "Marketing Qualified Lead", "실주")]
    ['won', 'disqualified', 'mql', 'lost']
    """
    vendor = spoken()
    known = None if vendor is None else vendor.stage_of(text)
    if known is not None:
        return known
    words = words_of(text)
    return next((stage for stage, pattern in _COMPILED if pattern.search(words)), None)


def closing_values(values: Iterable[str]) -> dict[Stage, tuple[str, ...]]:
    """Values that mean won, lost and disqualified."""
    found: dict[Stage, list[str]] = {Stage.WON: [], Stage.LOST: [], Stage.DISQUALIFIED: []}
    for value in values:
        stage = stage_of(value)
        if stage in found:
            found[stage].append(value)
    return {stage: tuple(named) for stage, named in found.items()}
