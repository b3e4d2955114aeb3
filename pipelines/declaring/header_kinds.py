"""What the header of a CRM's column speaks of, in the languages that CRMs are used in."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from models.judging.leakage.aud05_suspicious_names import find_today_words


class HeaderKind(StrEnum):
    """What a column may be, by its header."""

    CREATED = "created"
    CLOSED = "closed"
    OWNER = "owner"
    COMPANY = "company"
    AMOUNT = "amount"
    REASON = "reason"
    STATUS = "status"
    PERSON = "person"
    SENSITIVE = "sensitive"
    RECORD_ID = "record_id"


# English / German / Dutch / French / Spanish / Portuguese / Italian / Polish / Nordic, Russian; then Korean, Japanese,
# Chinese, which match anywhere. Accents are taken off beforehand.
_KINDS: Mapping[HeaderKind, tuple[str, str]] = {
    HeaderKind.CREATED: (
        r"creat\w*|submitted|received|registered|entered on|lead date|opened|date added|added on|erstell\w*|"
        r"angelegt\w*|eingang\w*|eingegangen|aangemaakt\w*|cree|creee|creation|creado|creada|creacion|alta|criado|"
        r"criada|criacao|creato|creata|creazione|inserito|utworz\w*|dodan\w*|data wplywu|skapad\w*|oprettet\w*|"
        r"opprettet\w*|vytvor\w*|letrehoz\w*|olustur\w*|создан\w*|date",
        r"생성|등록|접수|작성일|작성 일|作成|登録|起票|受付日|创建|建立|创立",
    ),
    HeaderKind.CLOSED: (
        r"clos\w*|won (date|on|at|time)|lost (date|on|at|time)|date (won|lost)|abschluss\w*|abgeschlossen\w*|"
        r"gewonnen am|verloren am|gesloten\w*|afsluit\w*|sluit\w*|clotur\w*|fermeture|cierre|fechamento|chiusura|"
        r"zamknie\w*|stangd\w*|lukket|uzavren\w*|kapanis\w*|закры\w*",
        r"종료|마감|완료일|계약일|수주일|실주일|クローズ|完了|受注日|失注日|成約日|契約日|成交日|关闭|结束",
    ),
    HeaderKind.OWNER: (
        r"owner|sales ?rep\w*|rep|assigned to|assignee|sales ?person|besitzer|zustandig\w*|verantwortlich\w*|"
        r"betreuer|eigenaar|proprietaire|commercial|propietario|proprietario|responsavel|responsable|assegnatario|"
        r"wlasciciel|opiekun|handlowiec|ответственн\w*",
        r"담당|소유자|担当|所有者|负责人",
    ),
    HeaderKind.COMPANY: (
        r"compan(y|ies)|account name|account|organi[sz]ation|employer|firma|unternehmen|kundenname|kunde|bedrijf|"
        r"societe|entreprise|empresa|azienda|ragione sociale|spolka|klient|foretag|компани\w*",
        r"회사|업체|거래처|기업명|고객사|会社|企業名|取引先|公司|企业",
    ),
    HeaderKind.AMOUNT: (
        r"amount|deal (value|size)|opportunity value|betrag|auftragswert|bedrag|montant|importe|importo|kwota|"
        r"wartosc|belopp|сумма",
        r"금액|金額|金额",
    ),
    HeaderKind.REASON: (r"reasons?|grund|reden|raison|motivo|powod\w*|причин\w*", r"사유|이유|理由|原因"),
    HeaderKind.STATUS: (
        r"status|stage|phase|state|outcome|result|lifecycle|pipeline|statut|etape|resultat|estado|etapa|fase|resultado|"
        r"situacao|stato|esito|etap|stan|wynik|tila|stadium|статус|этап|стадия",
        r"상태|단계|결과|ステータス|ステージ|状態|状況|フェーズ|結果|段階|状态|阶段",
    ),
    HeaderKind.PERSON: (
        r"first ?name|last ?name|full ?name|contact (name|person)|surname|vorname|nachname|ansprechpartner|prenom|"
        r"nom|apellidos?|nombre|sobrenome|nome|cognome|imie|nazwisko|phone|mobile|telefon\w*|telephone|telefone|"
        r"address|adresse|direccion|endereco|indirizzo|adres|e ?mails?|mail|courriel|correo|linkedin",
        r"이름|성명|전화|휴대|연락처|이메일|주소|氏名|お名前|電話|携帯|メール|住所|姓名|电话|邮箱",
    ),
    HeaderKind.SENSITIVE: (
        r"age|gender|sex|alter|geschlecht|leeftijd|geslacht|sexe|edad|sexo|genero|eta|sesso|wiek|plec",
        r"성별|나이|연령|性別|年齢|性别|年龄",
    ),
    HeaderKind.RECORD_ID: (
        r"ids?|guid|uuid|key|nr|no|number|num|ref|code|kennung|nummer|identifiant|numero|identificador|"
        r"identyfikator|numer|номер",
        r"번호|아이디|식별|番号|識別|编号",
    ),
}
# about a company, a person or an amount, and not their names
_ABOUT = re.compile(
    r"\b(size|employees|revenue|turnover|country|city|state|region|industry|sector|type|domain|website|web|url|phone|"
    r"groesse|grosse|mitarbeiter|branche|land|ort|secteur|pays|taille|sector|pais|setor|settore|paese|branza|kraj|"
    r"status|since|age)\b|규모|업종|국가|산업|業種|規模|国"
)
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
    r"\bnext (step|activity|action|contact)\b|\bdays (in|since|to|open)\b|\btimes contacted\b|\bmodified\b|\bupdated\b|"
    r"최근|마지막|현재|조회|방문 ?횟수|방문수|페이지뷰|점수|단계|확률|수정일|最終|最近|直近|現在|ページビュー|訪問回数|"
    r"スコア|段階|フェーズ|確度|更新日|最后|浏览量|评分|阶段"
)
_FACTS_OF_A_PERSON = re.compile(
    r"\b(last|letzter?|current) (name|year|fiscal year|vendor|solution|provider|employer)\b"
)
_READ_BEFORE = 4096  # headers whose words are remembered: more than an export has


@lru_cache(maxsize=_READ_BEFORE)
def fold_header(text: str) -> str:
    """A header as it is compared: words in lower case without accents, camel case taken apart.

    >>> fold_header("CreateDate"), fold_header("Clôturé_le"), fold_header("생성 일자")
    ('create date', 'cloture le', '생성 일자')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", text)
    plain = unicodedata.normalize("NFKD", apart.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
    plain = unicodedata.normalize("NFC", "".join(c for c in plain if not "\u0300" <= c <= "\u036f"))
    return " ".join(re.sub(r"[\W_]+", " ", plain.casefold()).split())


def speaks_of(header: str, kind: HeaderKind) -> bool:
    """Whether a header names such a column.

    >>> speaks_of("Date de création", HeaderKind.CREATED), speaks_of("Company size", HeaderKind.COMPANY)
    (True, False)
    """
    folded = fold_header(header)
    if kind is HeaderKind.COMPANY and _ABOUT.search(folded):
        return False
    words, joined = _KINDS[kind]
    return bool(re.search(rf"\b(?:{words})\b", folded) or re.search(joined, folded))


def todays_words(header: str) -> str:
    """The words by which a header says that it shows today's value, empty if it does not.

    >>> todays_words("Number of Pageviews"), todays_words("최근 활동일"), todays_words("Number of employees")
    ('number of pageviews', '최근', '')
    """
    folded = _FACTS_OF_A_PERSON.sub("", fold_header(header))
    match = _TODAY.search(folded)
    return match.group(0) if match else find_today_words(header)
