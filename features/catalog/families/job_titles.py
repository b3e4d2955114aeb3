"""Job titles in many languages, read as seniority and function; what is not recognised stays unknown."""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache


class Seniority(StrEnum):
    """How far up a person decides."""

    OWNER = "owner"
    C_LEVEL = "c_level"
    VP = "vp"
    DIRECTOR = "director"
    HEAD = "head"
    MANAGER = "manager"
    SENIOR = "senior"
    STAFF = "staff"
    JUNIOR = "junior"


class JobFunction(StrEnum):
    """What part of a company a person works in."""

    GENERAL = "general_management"
    FINANCE = "finance"
    IT = "it"
    ENGINEERING = "engineering"
    MARKETING = "marketing"
    SALES = "sales"
    HR = "human_resources"
    OPERATIONS = "operations"
    PURCHASING = "purchasing"
    LEGAL = "legal"
    PRODUCT = "product"
    DATA = "data"
    SUPPORT = "support"


ECONOMIC_BUYERS = (Seniority.OWNER, Seniority.C_LEVEL, Seniority.VP)
CHAMPIONS = (Seniority.DIRECTOR, Seniority.HEAD, Seniority.MANAGER)

# First match wins; texts are folded (lower case, no accents). A trailing * matches the rest of a word.
_SENIORITY: Sequence[tuple[Seniority, str]] = (
    (
        Seniority.JUNIOR,
        "assistant to|assistant|assistante|asistente|asystent*|assistenz|assistent|assistentin|intern|"
        "trainee|praktikant*|stagiaire|becario|becaria|stazysta|stazystka|junior|jr|werkstudent*|azubi|apprenti*|"
        "mlodsz*|인턴|비서",
    ),
    (
        Seniority.VP,
        "vp|svp|evp|avp|rvp|vice president|vice-president|vicepresident*|vice-president*|vicepresidente|"
        "vice president*|wiceprezes*|vizeprasident*|부사장|전무|상무",
    ),
    (
        Seniority.OWNER,
        "owner|co-owner|founder|cofounder|co-founder|proprietor|inhaber*|grunder*|eigentumer*|fondateur|fondatrice|"
        "cofondateur|fondatore|proprietaire|fundador*|cofundador*|propietari*|dueno|duena|wlasciciel*|"
        "zalozyciel*|managing partner|창업자|대표자|오너",
    ),
    (
        Seniority.C_LEVEL,
        "ceo|cfo|cto|cio|coo|cmo|cro|cpo|chro|ciso|cdo|cso|cco|c-level|c level|chief * officer|chief*|president|"
        "presidente|presidenta|president directeur general|pdg|dg|daf|dsi|managing director|general manager|"
        "geschaftsfuhr*|gf|vorstand*|vorsitzend*|directeur general|directrice generale|director general|"
        "directora general|gerente general|consejero delegado|consejera delegada|prezes*|czlonek zarzadu|"
        "dyrektor* generaln*|대표이사|대표|사장|회장|최고*",
    ),
    (
        Seniority.DIRECTOR,
        "director|directors|dir|direktor*|directeur|directrice|directora|dyrektor*|bereichsleit*|이사|본부장",
    ),
    (
        Seniority.HEAD,
        "head|leiter|leiterin|leitung|leitender|leitende|abteilungsleit*|*leiter|*leiterin|responsable|chef|cheffe|"
        "jefe|jefa|kierownik*|kierowniczka|szef|szefowa|encargad*|부장|실장|팀장",
    ),
    (
        Seniority.MANAGER,
        "manager|managers|mgr|managerin|gerente|gerenta|menedzer*|manadzer*|gestionnaire|supervisor*|"
        "team lead|teamlead|team leader|lead|coordinator|koordinator*|coordinateur|coordinatrice|"
        "coordinador*|차장|과장|매니저",
    ),
    (
        Seniority.SENIOR,
        "senior|sr|principal|staff engineer|expert*|fachreferent*|starsz*|architect|architekt*|architecte|선임|책임",
    ),
    (
        Seniority.STAFF,
        "specialist*|spezialist*|specialiste|especialista|specjalist*|analyst*|analista|analyste|analityk*|"
        "analityczk*|engineer|ingenieur*|ingeniero|ingeniera|inzynier*|developer|entwickler*|developpeur|"
        "developpeuse|desarrollador*|programista|programistka|consultant|consultante|berater*|consultor*|konsultant*|sachbearbeit*|"
        "referent*|representative|rep|buyer|accountant|buchhalter*|comptable|contador*|ksiegow*|administrator|officer|"
        "designer|scientist|executive|associate|acheteur|acheteuse|comprador*|einkaufer*|대리|사원|주임",
    ),
)

_FUNCTION: Sequence[tuple[JobFunction, str]] = (
    (
        JobFunction.MARKETING,
        "cmo|marketing*|mkt|brand|communication*|kommunikation*|comunicacion|growth|demand|마케팅*",
    ),
    (
        JobFunction.SALES,
        "cro|cso|sales|vertrieb*|vente|ventes|venta|ventas|commercial|commerciale|comercial|sprzedaz*|handlow*|"
        "account executive|business development|bizdev|revenue|verkauf*|영업*",
    ),
    (
        JobFunction.FINANCE,
        "cfo|daf|finance|finances|financial|finanz*|financier|financiere|finanzas|financiero|financiera|finans*|"
        "controlling|controller|controllership|accounting|accountant|buchhalt*|comptab*|contab*|contador*|ksiegow*|"
        "treasur*|재무*|회계*|최고재무*",
    ),
    (
        JobFunction.HR,
        "chro|hr|human resources|people|talent|recruit*|personal|personalleit*|personalabteilung|rh|"
        "ressources humaines|recursos humanos|rrhh|kadr*|zasobow ludzkich|인사*",
    ),
    (JobFunction.PURCHASING, "procurement|purchas*|buyer|sourcing|einkauf*|achat|achats|acheteu*|compras|zakup*|구매*"),
    (JobFunction.LEGAL, "legal|counsel|lawyer|jurist*|juridi*|recht|rechts*|abogad*|prawn*|compliance|법무*"),
    (JobFunction.DATA, "cdo|data|analytics|business intelligence|bi|daten*|donnees|datos|danych|데이터*"),
    (JobFunction.PRODUCT, "cpo|product|produkt*|produit*|producto|productos|제품*"),
    (
        JobFunction.IT,
        "cio|ciso|dsi|it|ict|edv|information officer|information technology|information systems|"
        "informatique|informatica|informaty*|informationstechn*|systems|system|sysadmin|infrastructure|infrastruktur|security|network|"
        "netzwerk*|administrator|sistemas|systemes|전산*|정보*|아이티",
    ),
    (
        JobFunction.ENGINEERING,
        "cto|engineering|engineer|software|developer|development|entwickl*|ingenieur*|ingenier*|inzynier*|"
        "technology|technolog*|technisch*|technique|tecnic*|tecnolog*|techniczn*|r&d|programista|programistka|devops|"
        "desarrollador*|developpeu*|개발*|기술*|최고기술*",
    ),
    (
        JobFunction.SUPPORT,
        "customer success|customer service|support|kundendienst|kundenservice|service client|atencion al cliente|"
        "obslug* klienta|helpdesk|고객*",
    ),
    (
        JobFunction.OPERATIONS,
        "coo|operations|operation|ops|operativ*|betrieb*|operacyjn*|operaciones|exploitation|logisti*|supply chain|"
        "production|produktion*|produccion|produkcj*|manufacturing|plant|facility|facilities|운영*|생산*",
    ),
    (
        JobFunction.GENERAL,
        "ceo|pdg|dg|owner|founder|cofounder|co-founder|president|presidente|presidenta|managing director|"
        "general manager|geschaftsfuhr*|gf|inhaber*|grunder*|vorstand*|directeur general|directrice generale|"
        "director general|directora general|gerente general|fondateur|fondatore|fondatrice|fundador*|propietari*|"
        "prezes*|wlasciciel*|zalozyciel*|consejero delegado|consejera delegada|대표*|사장|회장|창업자",
    ),
)


def fold(title: str) -> str:
    """A title in lower case without accents, punctuation as spaces; dotted abbreviations joined.

    >>> fold("Geschäftsführer/in, V.P. (Vertrieb)")
    'geschaftsfuhrer in vp vertrieb'
    """
    text = re.sub(r"\b((?:[A-Za-z]\.){2,})", lambda found: found[1].replace(".", ""), title)
    text = text.lower().replace("ł", "l").replace("ß", "ss")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFC", text)
    return " ".join(re.sub(r"[^\w&*-]+|_", " ", text).split())


@lru_cache(maxsize=256)
def title_pattern(words: str) -> re.Pattern[str]:
    """What finds words, divided by |, in a folded title; a trailing * matches the rest of a word.

    >>> bool(title_pattern("datenschutz*|dpo").search(fold("Datenschutzbeauftragte")))
    True
    """
    folded = [unicodedata.normalize("NFC", word) for word in words.split("|")]
    expressions = [re.escape(word).replace(r"\*", r"[\w-]*").replace(r"\ ", " ") for word in folded]
    return re.compile(r"(?<![\w])(?:" + "|".join(expressions) + r")(?![\w])")


@lru_cache(maxsize=1)
def _rules() -> tuple[list[tuple[Seniority, re.Pattern[str]]], list[tuple[JobFunction, re.Pattern[str]]]]:
    return [(s, title_pattern(w)) for s, w in _SENIORITY], [(f, title_pattern(w)) for f, w in _FUNCTION]


@lru_cache(maxsize=65_536)
def seniority(title: str) -> str | None:
    """Seniority of a job title, None where the title does not say.

    >>> [seniority(t) for t in ("VP Sales", "Head of IT", "Geschäftsführerin", "Dyrektor Finansowy", "wizard")]
    ['vp', 'head', 'c_level', 'director', None]
    """
    text = fold(title)
    return next((str(level) for level, pattern in _rules()[0] if pattern.search(text)), None)


@lru_cache(maxsize=65_536)
def job_function(title: str) -> str | None:
    """Function of a job title, None where the title does not say.

    >>> [job_function(t) for t in ("Leiter Vertrieb", "Directrice financière", "CEO", "Responsable informatique")]
    ['sales', 'finance', 'general_management', 'it']
    """
    text = fold(title)
    return next((str(name) for name, pattern in _rules()[1] if pattern.search(text)), None)


DERIVATIONS = {"seniority": seniority, "function": job_function}
