"""What a CRM's own stage or status means: the lifecycle stage it stands for, in the words of several languages."""

import re
from collections.abc import Iterable

from features.schema.vocabulary import Stage
from pipelines.declaring.header_words import words_of
from pipelines.declaring.status_words import guess_meaning
from pipelines.declaring.vendor_words import spoken

_LOST = {"lost": Stage.LOST, "disqualified": Stage.DISQUALIFIED}
_NAMED: tuple[tuple[Stage, str], ...] = (
    (Stage.PQL, r"\bpql\b|product qualified"),
    (Stage.SQL, r"\bsql\b|sales qualified"),
    (Stage.SAL, r"\bsal\b|sales accepted"),
    (Stage.MQL, r"\bmql\b|marketing qualified"),
    (Stage.IQL, r"\biql\b|information qualified"),
    (Stage.RECYCLED, r"recycl|nurtur|zuruckgestellt|재활용"),
    (Stage.OPPORTUNITY, r"\bconverted\b|opportunit|verkaufschance|oportunidad|szansa|영업기회"),
)
_SUGGESTED: tuple[tuple[Stage, str], ...] = (
    (
        Stage.OPPORTUNITY,
        r"proposal|quote|negotiat|demo|evaluation|contract|decision|angebot|verhandlung|devis|negociat|negociac|oferta|"
        r"propuesta|proposta|trattativa|ofert|negocj|제안|협상|상담|견적|提案|交渉|商談|見積",
    ),
    (
        Stage.LEAD,
        r"^(open|new|lead|raw|working|contacted|assigned|attempted|inquiry|subscriber|neu|offen|nouveau|nouvelle|nuevo|"
        r"novo|nuovo|nowy|nowe|nowa)\b|open |not contacted|working|신규|접수|新規",
    ),
)


def stage_of(text: str) -> Stage | None:
    """The lifecycle stage that a status means; None where its words do not say.

    >>> [str(stage_of(text)) for text in ("Closed Won", "Unqualified", "Marketing Qualified Lead", "실주")]
    ['won', 'disqualified', 'mql', 'lost']
    """
    vendor = spoken()
    known = None if vendor is None else vendor.stage_of(text)
    if known is not None:
        return known
    words, meaning = words_of(text), guess_meaning(text)
    if meaning in _LOST:
        return _LOST[meaning]
    named = next((stage for stage, pattern in _NAMED if re.search(pattern, words)), None)
    if named is not None:
        return named
    if meaning == "won":
        return Stage.WON
    return next((stage for stage, pattern in _SUGGESTED if re.search(pattern, words)), None)


def closing_values(values: Iterable[str]) -> dict[Stage, tuple[str, ...]]:
    """Values that mean won, lost and disqualified."""
    found: dict[Stage, list[str]] = {Stage.WON: [], Stage.LOST: [], Stage.DISQUALIFIED: []}
    vendor = spoken()
    for value in values:
        stage = None if vendor is None else vendor.stage_of(value)
        meaning = guess_meaning(value)
        if stage is None and meaning is not None and meaning != "open":
            stage = Stage(meaning)
        if stage in found:
            found[stage].append(value)
    return {stage: tuple(named) for stage, named in found.items()}
