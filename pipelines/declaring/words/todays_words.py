"""Headers that by their words show today's value, in the languages that CRMs are used in."""

import re

from models.judging.leakage.aud05_suspicious_names import find_today_words
from pipelines.declaring.words.header_words import words_of

_COUNTED = (
    r"(page)? ?views?|visits?|sessions?|clicks?|opens?|opened|e?mails?|calls?|meetings?|activit\w*|contacted|touch\w*|"
    r"submissions?|events?|downloads?|pages?|form fills?|replies|besuche|klicks|aufrufe|aktivitaten|anrufe|termine|"
    r"visites|clics|appels|visitas|sesiones|sessoes|clics|llamadas|chamadas|visite|sessioni|chiamate|wizyt|odwiedzin|"
    r"sesji|klikniec|polaczen"
)
_TODAY = re.compile(
    r"\b(number of|num|no of|nr of|total|count of|times|anzahl|zahl der|aantal|nombre de?|numero d[ei]|liczba)\b"
    rf".*\b({_COUNTED})\b|\b({_COUNTED}) (count|total)\b|\bpage ?views?\b|\bseitenaufrufe\b|\bpages vues\b|"
    r"\b(last|latest|recent|most recent|current|letzte\w*|aktuelle\w*|dernier\w*|derniere\w*|ultim[oa]\w*|ostatni\w*|"
    r"laatste|senaste)\b|\b(score|scoring|punktzahl|puntuacion|pontuacao|punteggio|punktacja)\b|"
    r"\b(rating|grade|temperature)\b|\b(stage|phase|lifecycle|pipeline stage)\b|\b(probability|wahrscheinlichkeit|"
    r"probabilite|probabilidad|probabilidade|probabilita|prawdopodobienstwo)\b|\bforecast\b|"
    r"\b(deal|lead|opportunity|account) age\b|\bage (in )?days\b|"
    r"\b(activities|tasks) to do\b|\bopen (activities|tasks)\b|"
    r"\bnext (step|activity|action|contact)\b|\bdays (in|since|to|open)\b|\btimes contacted\b|\bmodified\b|\bupdated\b|"
    r"최근|마지막|현재|조회|방문 ?횟수|방문수|페이지뷰|점수|단계|확률|수정일|最終|最近|直近|現在|ページビュー|訪問回数|"
    r"スコア|段階|フェーズ|確度|更新日|最后|浏览量|评分|阶段"
)
_FACTS_OF_A_PERSON = re.compile(
    r"\b(last|letzter?|current) (name|year|fiscal year|vendor|solution|provider|employer)\b"
)


def todays_words(header: str) -> str:
    """The words by which a header says that it shows today's value, empty if it does not.

    >>> todays_words("Number of Pageviews"), todays_words("최근 활동일"), todays_words("Number of employees")
    ('number of pageviews', '최근', '')
    """
    folded = _FACTS_OF_A_PERSON.sub("", words_of(header))
    match = _TODAY.search(folded)
    return match.group(0) if match else find_today_words(header)
