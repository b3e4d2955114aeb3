"""Headers that by their words show today's value, in the languages that CRMs are used in."""

import re
import unicodedata

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
    r"\b(rating|grade|temperature)\b|\b(stage|phase|lifecycle|pipeline stage)\b|\bforecast\b|"
    r"\b(prob|probability|likelihood|\w*wahrscheinlichkeit\w*|(gewinn|abschluss|erfolgs|kauf)chancen?|"
    r"probabilite|probabilidade?s?|probabilita|prawdopodobienstwo\w*|szansa (wygranej|powodzenia)|pravdepodobnost\w*|"
    r"waarschijnlijkheid|(slagings|win|score)kans|sannolikhet|sann?synlighet|sandsynlighed|todennakoisyys|valoszinuseg|"
    r"olasilik|olasiligi|вероятност\w*|вірогідн\w*|имовірн\w*|πιθανοτητα)\b|"
    r"\b(win|winning|close|closing|success) (chances?|rate|odds|percent(age)?)\b|\bchances? (of|to|de|d) \w+|"
    r"\b(deal|lead|opportunity|account) age\b|\bage (in )?days\b|"
    r"\b(activities|tasks) to do\b|\bopen (activities|tasks)\b|"
    r"\bnext (step|activity|action|contact)\b|\bdays (in|since|to|open)\b|\btimes contacted\b|\bmodified\b|\bupdated\b|"
    r"최근|마지막|현재|조회|방문 ?횟수|방문수|페이지뷰|점수|단계|확률|수주율|승률|수정일|"
    r"(수주|성공|계약|성사|구매|낙찰|전환) ?가능성|確率|(受注|成約|契約|購入|成功) ?可能性|"
    r"概率|赢率|赢单率|成交率|(赢单|成交) ?可能性|"
    r"最終|最近|直近|現在|ページビュー|訪問回数|"
    r"スコア|段階|フェーズ|確度|更新日|最后|浏览量|评分|阶段"
)
# of what a share is, told by a sign that words are compared without: "Win %", "수주(%)"
_SHARE = re.compile(
    r"\b(?:win|won|close|closing|abschluss)\b[^\w%]*%|(?:수주|성공|가능성|受注|成約|可能性)[^\w%]*%", re.I
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
    match = _TODAY.search(folded) or _SHARE.search(unicodedata.normalize("NFKC", header))
    return match.group(0) if match else find_today_words(header)
