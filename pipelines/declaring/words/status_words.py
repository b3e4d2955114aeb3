"""What the words of a status mean, in the languages that CRMs are used in: how a deal stands, and at which stage."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, get_args

from features.schema.vocabulary import Stage
from pipelines.declaring.words.header_words import words_of
from pipelines.declaring.words.plain_letters import plain_letters
from pipelines.declaring.words.vendor_words import spoken

Standing = Literal["won", "lost", "disqualified", "open"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)

# Stages as CRMs ship them and as teams name them, by meaning; a trailing * stands for any ending of the word. Texts are
# compared in lower case, without accents, punctuation as blanks. Where a word could mean two things (closed, done), it
# is left out: such a value is named for a person to place.
_LATIN: Mapping[Standing, str] = {
    "won": (
        # English, as shipped by Salesforce, HubSpot, Dynamics, Pipedrive, Zoho, Odoo
        "won|win|closed won|deal won|closed converted|converted|conversion|success|successful|customer|client|sold|"
        "signed|contract signed|purchased|purchase|bought|ordered|subscribed|evangelist|"
        # German, Dutch
        "gewonnen*|verkauft|auftrag|auftrag erhalten|beauftragt|bestellt|zuschlag|abschluss|erfolgreich*|kunde|"
        "unterschrieben|verkocht|klant|getekend|opdracht|succesvol|"
        # French, Spanish, Portuguese, Italian, Romanian
        "gagne*|remporte*|conclu|conclue|vendu*|signe|signee|succes|ganad*|vendid*|exito*|exitos*|cliente|contratad*|"
        "firmad*|ganho*|ganha*|conquistad*|sucesso|assinad*|vint*|vendut*|acquisit*|successo|firmat*|castigat*|"
        # Polish, Czech, Slovak, Hungarian, Finnish, Scandinavian, Turkish
        "wygran*|sprzedan*|sukces|klient|podpisan*|pozyskan*|vyhran*|prodan*|megnyert|elnyert|nyert|voitettu|myyty|"
        "vunnen|vunnet|vundet|solgt|sald|kund|kazanildi|kazanilan|satildi|"
        # Russian, Ukrainian, Greek
        "выигран*|успешн*|успех|продан*|заключен*|подписан*|виграно|успішн*|κερδισ*|κερδηθ*"
    ),
    "lost": (
        "lost|loss|closed lost|deal lost|lost lead|lost deal|lost to competit*|failed|failure|rejected|declined|"
        "refused|not converted|closed not converted|not won|no decision|no sale|no deal|cancelled|canceled|abandoned|"
        "dead|"
        "not interested|no longer interested|uninterested|unsuccessful|churned|"
        "verloren*|abgelehnt|abgesagt|absage|nicht erfolgreich|nicht gewonnen|erfolglos|abgebrochen|storniert|"
        "kein interesse|kein bedarf|kein budget|no need|no budget|no interest|brak zainteresowania|brak potrzeby|"
        "brak budzetu|gescheitert|afgewezen|geannuleerd|mislukt|geen interesse|"
        "perdu|perdue|perdus|refuse|refusee|abandonne|abandonnee|annule|annulee|echec|rejete|rejetee|sans suite|"
        "pas interesse*|perdid*|rechazad*|cancelad*|fracas*|abandonad*|no interesad*|rejeitad*|recusad*|"
        "nao interessad*|pers[oaie]|rifiutat*|annullat*|abbandonat*|non interessat*|fallit*|pierdut*|"
        "przegran*|utracon*|stracon*|odrzucon*|anulowan*|porazk*|rezygnacj*|niezainteresowan*|brak zainteresowania|"
        "prohran*|ztracen*|straten*|zamitnut*|elvesztett|elveszett|elvesztve|havitty|menetetty|"
        "forlorad*|tapt|tabt|kaybedildi|kayip|"
        "закрыто и не реализовано|проигран*|потерян*|отказ*|неуспешн*|провал*|програно|втрачен*|відмов*|χαθηκε|χαμεν*"
    ),
    "disqualified": (
        "unqualified|disqualified|not qualified|junk|junk lead|spam|invalid|bad data|bad lead|bad fit|no fit|not a fit|"
        "duplicate|duplicated|fake|test|wrong number|out of scope|not valid|garbage|irrelevant|bounced|cannot contact|"
        "unreachable|"
        "disqualifiziert|unqualifiziert|nicht qualifiziert|ungeeignet|ungultig|unpassend|dublette|doppelt|"
        "ongekwalificeerd|niet gekwalificeerd|gediskwalificeerd|ongeldig|duplicaat|ongeschikt|"
        "disqualifie*|non qualifie*|pas qualifie*|hors cible|invalide|doublon|descalificad*|no calificad*|"
        "no cualificad*|invalid[oa]|duplicad*|no valid[oa]|descartad*|desqualificad*|nao qualificad*|squalificat*|"
        "non qualificat*|non valid[oa]|duplicat[oa]|scartat*|"
        "zdyskwalifikowan*|niezakwalifikowan*|niekwalifikowan*|duplikat|nieprawidlow*|niewlasciw*|"
        "diskvalifik*|nekvalifik*|diszkvalifik*|hylatty|diskvalificerad|diskvalifisert|"
        "неквалифицирован*|дисквалифицирован*|спам|дубл*|некачествен*|некваліфікован*"
    ),
    "open": (
        "created|open|opened|new|working|in progress|in process|contacted|not contacted|attempted|attempted to contact|"
        "nurtur*|"
        "qualified|pre qualified|qualification|qualifying|assigned|unassigned|active|pending|prospect|prospecting|lead|"
        "iql|mql|sal|sql|pql|opportunity|proposal|proposition|negotiat*|demo|demo scheduled|meeting|quote|quoted|"
        "contract sent|presentation|evaluat*|discovery|trial|connected|open deal|bad timing|on hold|hold|waiting|"
        "follow up|following up|recycle*|untouched|appointment|scheduled|engaged|interested|warm|hot|cold|raw|"
        "subscriber|decision maker*|needs analysis|value proposition|perception analysis|review|in review|verbal|"
        "pipeline|commit|best case|forecast|draft|sent|responded|called|started|initial|first contact|"
        "contact in future|callback|reopened|marketing qualified|marketing qualified lead|sales qualified|"
        "sales qualified lead|sales accepted|sales accepted lead|qualified to buy|decision maker bought in|"
        "appointment scheduled|presentation scheduled|inquiry|verkaufschance*|oportunidad*|szansa|"
        "angelegt|in klarung|in prufung|"
        "offen|neu|in bearbeitung|in arbeit|kontaktiert|nicht kontaktiert|qualifiziert|angebot|verhandlung|laufend|"
        "aktiv|wiedervorlage|zugewiesen|interessent|termin|zuruckgestellt|nieuw|in behandeling|lopend|gecontacteerd|"
        "gekwalificeerd|offerte|onderhandeling|actief|in afwachting|toegewezen|"
        "ouvert|ouverte|nouveau|nouvelle|en cours|contacte|contactee|qualifie|qualifiee|negociation|en attente|"
        "a contacter|a relancer|a traiter|devis|actif|assigne|rendez vous|abiert*|nuev[oa]|en curso|en proceso|"
        "en progreso|contactad*|calificad*|cualificad*|propuesta|negociacion|pendiente|activ[oa]|prospecto|cotizacion|"
        "asignad*|seguimiento|abert*|nov[oa]|em andamento|em progresso|em curso|contatad*|qualificad*|proposta|"
        "negociacao|pendente|ativ[oa]|orcamento|atribuid*|apert*|nuov[oa]|in corso|in lavorazione|contattat*|"
        "qualificat*|trattativa|negoziazione|in attesa|attiv[oa]|preventivo|assegnat*|deschis*|"
        "otwart*|now[yae]|w toku|w trakcie*|w realizacji|skontaktowan*|zakwalifikowan*|ofert*|negocjacj*|oczekuj*|"
        "aktywn*|w kontakcie|prospekt|przypisan*|do kontaktu|otevren*|otvoren*|nyitott|uj|avoin|uusi|oppen|apen|aben|"
        "ny|pagaende|acik|yeni|devam ediyor|"
        "нов*|в работе|открыт*|контакт*|переговор*|предложен*|квалифицирован*|ожидан*|активн*|новий|відкрит*|в роботі|"
        "ανοιχτ*|νεο*|σε εξελιξη"
    ),
}

# Korean, Japanese and Chinese put no blanks between words and name the outcome last: the match that ends last decides
_JOINED: Mapping[Standing, str] = {
    "won": (
        "수주|성사|성약|계약|성공|구매|승리|전환|受注|成約|成立|獲得|契約|成功|クローズ済み受注|赢单|贏單|成交|签约|簽約"
    ),
    "lost": (
        "실패|실주|패배|탈락|취소|거절|손실|놓침|거부|포기|失注|敗戦|不成立|失敗|キャンセル|辞退|見送り|断り|却下|"
        "输单|輸單|丢单|失败|流失|放弃"
    ),
    "disqualified": (
        "부적격|자격미달|미자격|부적합|스팸|중복|무효|허위|비적격|不適格|対象外|無効|重複|スパム|非該当|不適合|"
        "无效|不合格|重复|垃圾|無效"
    ),
    "open": (
        "신규|영업기회|재활용|진행|접촉|연락|상담|제안|협상|견적|검토|대기|보류|육성|접수|배정|오픈|열림|활성|유망|잠재|적격|가망|예정|"
        "新規|進行|商談|対応|提案|交渉|見積|着手|コンタクト|連絡|育成|保留|アプローチ|検討|リード|見込|オープン|アポ|"
        "ヒアリング|待ち|予定|新建|新增|新线索|跟进|进行|联系|谈判|报价|培育|接触|待定"
    ),
}
# The stage of a lead, of which a status may say more than that it is open; asked in this order.
_NAMED: tuple[tuple[Stage, str], ...] = (
    (Stage.PQL, r"\bpql\b|product qualified"),
    (Stage.SQL, r"\bsql\b|sales qualified"),
    (Stage.SAL, r"\bsal\b|sales accepted"),
    (Stage.MQL, r"\bmql\b|marketing qualified"),
    (Stage.IQL, r"\biql\b|information qualified"),
    (Stage.RECYCLED, r"recycl|nurtur|zuruckgestellt|재활용"),
    (Stage.OPPORTUNITY, r"\bconverted\b|opportunit|verkaufschance|oportunidad|szansa|영업기회"),
)
# Words that other stages use too, so asked last.
_SUGGESTED: tuple[tuple[Stage, str], ...] = (
    (Stage.SQL, r"^(sales )?qualifi\w*$|^qualifi\w* (lead|by)|^zakwalifikowan\w*$|^qualifiz\w*$|^적격|^適格"),
    (
        Stage.OPPORTUNITY,
        r"proposal|quote|\boffer|negotiat|demo|evaluation|contract|decision|angebot|verhandlung|devis|negociat|negociac|oferta|"
        r"propuesta|proposta|trattativa|ofert|negocj|제안|협상|상담|견적|提案|交渉|商談|見積",
    ),
    (
        Stage.LEAD,
        r"^(open|new|lead|raw|working|contacted|assigned|attempted|inquiry|subscriber|neu|offen|nouveau|nouvelle|nuevo|"
        r"novo|nuovo|nowy|nowe|nowa)\b|open |not contacted|working|신규|접수|新規",
    ),
)
_JOINED_NOT = "미무未不非无無没"  # written before a word, it turns it round: 미수주, 未成約
_NOT = frozenset(
    ["not", "no", "never", "non", "nicht", "kein", "keine", "nie", "niet", "geen", "pas", "sans", "sin", "nao"]
)
_ORDER = re.compile(r"^\s*(?:\d+|[ivx]+|[a-z])\s*[-.):/]\s*|\(?\b\d{1,3}\s*%\)?", re.I)  # "3 - Proposal", "(75%)"


def fold_status(text: str) -> str:
    """A status as it is compared: lower case, no accents, punctuation and a number in front gone.

    >>> fold_status("4. Clôturé – Perdu"), fold_status("Verhandlung (75 %)"), fold_status("수주 (완료)")
    ('cloture perdu', 'verhandlung', '수주 완료')
    """
    plain = plain_letters(_ORDER.sub(" ", unicodedata.normalize("NFKC", text)))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


def guess_standing(text: str) -> Standing | None:
    """What a value of a status column means; None where its words do not say, or say two things.

    >>> [guess_standing(t) for t in ("Closed Won", "Unqualified", "Przegrana", "失注", "수주 실패", "In Verhandlung")]
    ['won', 'disqualified', 'lost', 'lost', 'lost', 'open']
    >>> [guess_standing(t) for t in ("Closed", "Won or lost?", "nie wygrana")]
    [None, None, None]
    """
    folded = fold_status(text)
    if not folded:
        return None
    whole = [meaning for meaning, (exact, _) in _patterns().items() if exact.fullmatch(folded)]
    if whole:
        return whole[0] if len(whole) == 1 else None
    return _by_last_word(folded) or _by_words(folded)


def _by_words(folded: str) -> Standing | None:
    """By the words within a longer text; won and lost together, or a negation, leave it to a person."""
    found = {meaning: [m.group(0) for m in within.finditer(folded)] for meaning, (_, within) in _patterns().items()}
    closed = [meaning for meaning, words in found.items() if words and meaning != "open"]
    if len(closed) > 1:  # "lost lead" holds "lead", "not qualified" holds "qualified": the longer phrase says it
        closed = [m for m in closed if not _is_part_of(found[m], [w for o in closed if o != m for w in found[o]])]
    if len(closed) > 1 or not any(found.values()):
        return None

    meaning = closed[0] if closed else "open"
    negated = _NOT & set(folded.split())
    return None if negated - {word for phrase in found[meaning] for word in phrase.split()} else meaning


def _is_part_of(phrases: list[str], others: list[str]) -> bool:
    return all(any(phrase in other for other in others) for phrase in phrases)


def _by_last_word(folded: str) -> Standing | None:
    """Of scripts without blanks between words, by the word that ends last."""
    last: tuple[int, int, Standing] | None = None
    for meaning, pattern in _joined().items():
        for match in pattern.finditer(folded):
            if match.start() and folded[match.start() - 1] in _JOINED_NOT:
                return None if meaning != "open" else "open"
            if last is None or (match.end(), match.end() - match.start()) > last[:2]:
                last = (match.end(), match.end() - match.start(), meaning)
    return None if last is None else last[2]


@cache
def _patterns() -> dict[Standing, tuple[re.Pattern[str], re.Pattern[str]]]:
    """Per meaning, what a whole status may be, and what may stand within a longer one."""
    found: dict[Standing, tuple[re.Pattern[str], re.Pattern[str]]] = {}
    for meaning, words in _LATIN.items():
        phrases = sorted(words.split("|"), key=len, reverse=True)
        expressions = "|".join(phrase.replace("*", r"\w*").replace(" ", " ?") for phrase in phrases)
        joined = "|".join(_JOINED[meaning].split("|"))
        found[meaning] = (re.compile(f"(?:{expressions}|{joined})"), re.compile(rf"\b(?:{expressions})\b"))
    return found


@cache
def _joined() -> dict[Standing, re.Pattern[str]]:
    return {
        meaning: re.compile("|".join(sorted(w.split("|"), key=len, reverse=True))) for meaning, w in _JOINED.items()
    }


def standing_of(text: str) -> Standing | None:
    """How a deal stands by its status: in the words of the vendor spoken, else in those of all."""
    vendor = spoken()
    stage = None if vendor is None else vendor.stage_of(text)
    if stage is None:
        return guess_standing(text)
    return next((standing for standing in STANDINGS if stage == standing), "open")


def stage_of(text: str) -> Stage | None:
    """The lifecycle stage that a status means; None where its words do not say.

    >>> [str(stage_of(text)) for text in ("Closed Won", "Unqualified", "Marketing Qualified Lead", "실주")]
    ['won', 'disqualified', 'mql', 'lost']
    """
    vendor = spoken()
    known = None if vendor is None else vendor.stage_of(text)
    if known is not None:
        return known
    words, standing = words_of(text), guess_standing(text)
    if standing == "lost" or standing == "disqualified":
        return Stage(standing)
    named = next((stage for stage, pattern in _NAMED if re.search(pattern, words)), None)
    if named is not None:
        return named
    if standing == "won":
        return Stage.WON
    return next((stage for stage, pattern in _SUGGESTED if re.search(pattern, words)), None)


def place_statuses(values: Iterable[str]) -> dict[Standing | None, tuple[str, ...]]:
    """Statuses by how a deal stands, in their order; under None those whose words do not say."""
    placed = [(value, standing_of(value)) for value in values]
    return {kind: tuple(value for value, standing in placed if standing == kind) for kind in (*STANDINGS, None)}
