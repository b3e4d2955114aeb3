"""What a header or a file's name says, in the words that CRMs use in several languages."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache

from pipelines.declaring.words.plain_letters import plain_letters

_HEADERS_KEPT = 4096  # texts whose words are remembered: more than an export has headers


class Meaning(StrEnum):
    """What a column may hold, by its header."""

    ID = "id"
    CREATED = "created"
    CLOSED = "closed"
    HAPPENED = "happened"
    ENTERED = "entered"
    LOGGED = "logged"
    MODIFIED = "modified"
    STATUS = "status"
    WON = "won"
    IS_CLOSED = "is_closed"
    KIND = "kind"
    SUBJECT = "subject"
    ACTOR = "actor"
    ASSET = "asset"
    CHANNEL = "channel"
    QUESTION = "question"
    VALUE = "value"
    OLD_VALUE = "old_value"
    AMOUNT = "amount"
    PRODUCT = "product"
    REASON = "reason"
    DEAL_KIND = "deal_kind"
    OWNER = "owner"
    EMAIL = "email"
    ADDRESS = "address"
    COMPANY = "company"
    DOMAIN = "domain"
    TITLE = "title"
    PERSON = "person"
    INDUSTRY = "industry"
    SIZE = "size"
    SENSITIVE = "sensitive"
    RESULT = "result"
    REVENUE = "revenue"
    CODE = "code"
    DAY = "day"


class Subject(StrEnum):
    """What the rows of a table are."""

    LEADS = "leads"
    CONTACTS = "contacts"
    ACCOUNTS = "accounts"
    DEALS = "deals"
    ACTIVITIES = "activities"
    ANSWERS = "answers"
    HISTORY = "history"
    STAGES = "stages"


PERSONAL = frozenset({Meaning.PERSON, Meaning.EMAIL, Meaning.ADDRESS})

# English / German / Dutch / French / Spanish / Portuguese / Italian / Polish / Nordic and other / Russian / Korean,
# Japanese, Chinese. Accents are taken off beforehand; a star stands for any ending.
_MEANINGS = {
    Meaning.ID: """id, ids, guid, uuid, key, nr, no, number / kennung, *nummer, *nr / identifiant, numero /
        identificador / identyfikator, numer / номер / 번호, 아이디, 식별, 識別, 番号, 编号""",
    Meaning.CREATED: """creat*, opened, received, registered, submitted, entered on, add time, added on, date
        added, added, lead date, quote date, quotation date, offer date, inquiry date / anlage, anlagedatum,
        angebotsdatum, anfragedatum, erstell*, angelegt*, eingang*, eingegangen / aangemaakt* / cree, creee / creado,
        creada, creacion, alta / criado, criada, criacao / creato, creata, creazione, inserito / utworz*, dodan*,
        data wplywu, data oferty, data zapytania / skapad*, oprettet*, opprettet* / vytvor*, letrehoz*,
        olustur* / создан* / 생성, 등록, 접수,
        작성일, 작성 일, 견적일, 문의일, 見積日, 問合せ日, 作成, 登録, 起票, 受付日, 创建, 建立, 创立""",
    Meaning.CLOSED: """clos*, won time, won on, won at, won date, lost time, lost on, lost at, lost date, date
        won, date lost, decision date / entscheidungsdatum, abschluss*, abgeschlossen*, geschlossen, gewonnen
        am, verloren am / gesloten*, afsluit*,
        sluit* / clotur*, fermeture, ferme / cierre, cerrado / fechamento, fechado, fechada / chiusura, chiuso,
        chiusa / zamkni* / stangd*, lukket, uzavren*, kapanis* / закры* / 종료, 마감, 완료일, 계약일, 수주일,
        실주일, 결정일, 決定日, クローズ, 完了, 受注日, 失注日, 成約日, 契約日, 成交日, 关闭, 结束""",
    Meaning.HAPPENED: """happened, occurred, timestamp, completed, done, start, started, due, date / datum, termin
        / fecha / data / 날짜, 일자, 일시, 日付, 日時""",
    Meaning.ENTERED: """entered, changed, change, since, from date, moved, became / erreicht, geandert / entree,
        modifie le / entrada, cambio / mudanca / cambiato / zmian* / 변경, 変更""",
    Meaning.LOGGED: """logged, recorded, synced, booked, known, ingested, received / erfasst / enregistre /
        registrado / registrato / zapisan* / 기록, 記録""",
    Meaning.MODIFIED: """modif*, update, updated, last, system modstamp / zmodyfikowan* / letzte*, geandert /
        dernier* / ultimo,
        ultima / ostatni* / 수정, 更新""",
    Meaning.STATUS: """status, stage, phase, state, step, lifecycle / etape, statut / etapa, estado / fase,
        situacao, stato / etap, stan / tila, stadium / статус, этап, стадия / 단계, 상태, ステージ, ステータス,
        状態, 状況, 段階, フェーズ, 状态, 阶段""",
    Meaning.WON: """won, is won / gewonnen / gagne* / ganado, ganada / ganho, ganha / vinto, vinta / wygran* /
        수주, 성공, 受注""",
    Meaning.IS_CLOSED: """is closed, closed / geschlossen / ferme / cerrado, cerrada / fechado, fechada / chiuso,
        chiusa / zamkniet*""",
    Meaning.KIND: """type, kind, event, action, subtype, event name, activity, task / art, aktivitat* / categorie
        / tipo / typ / 유형, 종류, 種別, 種類, タイプ""",
    Meaning.SUBJECT: """subject, name, title / betreff / objet / asunto / assunto / oggetto / temat / 제목, 件名""",
    Meaning.ACTOR: """actor, direction, initiator, performed by""",
    Meaning.ASSET: """asset, page, url, campaign, content, document, form / seite, kampagne / campagne / campana /
        campanha / kampania / 캠페인, ページ, キャンペーン""",
    Meaning.CHANNEL: """channel, medium / kanal / canal / canale / 채널, チャネル""",
    Meaning.QUESTION: """question, field, property, property name / frage, feld / champ / pregunta, campo /
        pergunta / domanda / pytanie, pole / 질문, 항목, 필드, 質問, 項目""",
    Meaning.VALUE: """answer, value, new value, response / antwort, wert / reponse, valeur / respuesta, valor /
        resposta / risposta, valore / odpowiedz, wartosc / 답변, 값, 回答, 値""",
    Meaning.OLD_VALUE: """old *, previous *, prior * / alter * / ancien* / anterior / vecchio / poprzedni* / 이전,
        旧""",
    Meaning.AMOUNT: """amount, deal value, deal size, opportunity value, order value, contract value, est revenue,
        estimated revenue, expected revenue, est value, estimated value, expected value, mrr, arr, acv, tcv /
        betrag, auftragswert, auftragssumme, angebotswert, angebotssumme, nettowert, bruttowert, erwarteter
        umsatz, erwarteter wert, wert / bedrag / montant / importe, importo / valor, valore / kwota,
        wartosc, przewidywany przychod / belopp / сумма / 금액, 예상 매출, 예상매출, 金額, 売上見込, 金额""",
    Meaning.PRODUCT: """product / produkt / produit / producto / produto / prodotto / 제품, 상품, 製品, 商品""",
    Meaning.REASON: """reason, reasons / grund / reden / raison / motivo / powod* / причин* / 사유, 이유, 理由,
        原因""",
    Meaning.DEAL_KIND: """deal type, opportunity type, deal kind""",
    Meaning.OWNER: """owner, assigned to, assignee, rep, sales rep*, salesrep*, sales person, salesperson /
        vertriebsbeauftragt*, vertriebsmitarbeiter*, vertriebler, sachbearbeiter*, kundenberater*, besitzer,
        inhaber, zustandig*, verantwortlich*, betreuer / eigenaar / proprietaire, commercial /
        propietario / proprietario, responsavel, responsable / assegnatario / wlasciciel, opiekun, handlowiec,
        odpowiedzialn* /
        ответственн* / 담당, 소유자, 担当, 所有者, 负责人""",
    Meaning.EMAIL: """email, emails, e mail, e mails, mail / courriel / correo / poczta / 이메일, 메일, メール,
        邮箱""",
    Meaning.COMPANY: """account name, account, company, companies, organization, organisation, customer name,
        employer / firma, unternehmen, kundenname, kunde / bedrijf / societe, entreprise / empresa / azienda,
        ragione sociale / firmy, spolka, spolki, klient, klienta, kontrahent* / foretag / компани* / 회사, 업체,
        거래처, 기업명, 고객사, 会社, 企業, 取引先, 公司, 企业""",
    Meaning.DOMAIN: """domain, website, web, homepage, site / webseite / sitio / strona / 도메인, 홈페이지,
        ドメイン""",
    Meaning.TITLE: """title, job title, position, role / funktion / poste / cargo, puesto / ruolo / stanowisko /
        직책, 직함, 役職""",
    Meaning.PERSON: """person name, first name, firstname, last name, lastname, full name, fullname, contact name,
        contact person, surname, phone, telephone, mobile / vorname, nachname, ansprechpartner, telefon* / prenom, nom /
        nombre, apellido, apellidos, telefono / nome, sobrenome, telefone / cognome / imie, nazwisko / 이름, 성명,
        전화, 휴대, 연락처, 氏名, お名前, 電話, 携帯, 姓名, 电话""",
    Meaning.INDUSTRY: """industry / branche / secteur / sector / setor / settore / branza / 업종, 산업, 業種""",
    Meaning.SIZE: """employees, annual revenue / mitarbeiter* / effectif, employes / empleados / funcionarios /
        dipendenti / pracownik* / 직원, 종업원, 従業員""",
    Meaning.ADDRESS: """address, linkedin, linked in / adresse / direccion / endereco / indirizzo / adres /
        주소, 住所""",
    Meaning.SENSITIVE: """age, gender, sex / alter, geschlecht / leeftijd, geslacht / sexe / edad, sexo, genero /
        eta, sesso / wiek, plec / 성별, 나이, 연령, 性別, 年齢, 性别, 年龄""",
    # what says a little of a thing: enough in one kind of table, too little in all
    Meaning.RESULT: """outcome, result, pipeline / resultat / resultado / esito / wynik / 결과, 結果""",
    Meaning.REVENUE: """value, revenue / umsatz / valor""",
    Meaning.CODE: """ref, code, num""",
    Meaning.DAY: """date, timestamp, zeitstempel, znacznik czasu, 타임스탬프, タイムスタンプ""",
}
# about a company or a person, and not its name
_ABOUT = re.compile(
    r"\b(size|employees|revenue|turnover|country|city|state|region|industry|sector|type|domain|website|web|url|phone|"
    r"groesse|grosse|mitarbeiter|branche|land|ort|secteur|pays|taille|sector|pais|setor|settore|paese|branza|kraj|"
    r"status|since|age)\b|규모|업종|국가|산업|業種|規模|国"
)
# company.source, account.tier: something of a company in a nested record, unless the last word says it is the name
_OF_NESTED = re.compile(
    r"^[^\s.]+(\.[^\s.]+)*\.(?!(\w*_)?(name|label|title|company|account|organi[sz]ation)$)[^\s.]+$", re.I
)
# "nom" is a name of anything: of a person where no other thing is named, and surely where a person is
_SURELY_A_PERSON = re.compile(
    r"\b(person name|first ?name|last ?name|full ?name|surname|contact\w*|vorname|nachname|ansprechpartner\w*|"
    r"kontakt\w*|prenom|"
    r"apellidos?|sobrenome|cognome|imie|nazwisko|phone|telephone|mobile|telefon\w*|telefone)\b|"
    r"성명|전화|휴대|연락처|담당자|氏名|お名前|電話|携帯|姓名|电话"
)
_THINGS = re.compile(
    r"\b(campa\w+|kampan\w+|produ\w+|prodott\w+|affaire\w*|negocio\w*|deal\w*|opportunit\w+|oportunid\w+|szans\w+|"
    r"transa\w+|formul\w+|fichier\w*|evenement\w*|evento\w*|source\w*|site\w*|visit\w+|pages?|clics?|seances?|sessions?|"
    r"employes?|salaries|projet\w*|progetto|proyecto\w*|liste\w*|lista\w*|pays|ville|groupe\w*)\b|"
    r"캠페인|제품|상품|거래|기회|프로젝트|행사|회사|업체|고객사|案件|商談|製品|商品|企業|会社|キャンペーン"
)
_CONTACTS = frozenset(["contact", "kontakt", "contacto", "contatto", "contato", "contact person", "osoba kontaktowa"])
_OF_RECORDS = re.compile(r"\b(deal|lead|opportunity|account|ticket|days|tage|dni|jours|dias)\b")  # the age of a deal
_LONGEST_NAME = 7  # words of a header that is a name of a thing
_DEAL_NAMES = re.compile(
    r"\b(deal|opportunity|quote|project) (name|title)\b|"
    r"\b(nom|nombre|nome|nazwa|titre|titulo) (de |del |da |do |dell? |du )?(la |l )?"
    r"(affaire|opportunite|negocio|oportunidad\w*|opportunita|szansy|transakcji|devis|projet\w*|proyecto)\b|"
    r"\bverkaufschance name\b|(案件|商談|取引|プロジェクト)名|(거래|영업기회|기회|프로젝트|안건) ?(명|이름)\b"
)
_SUBJECTS = {
    Subject.HISTORY: """history, changes, audit / historie, verlauf / historique / historial / historico / storico
        / historia / 이력, 履歴""",
    Subject.STAGES: """stage, stages, lifecycle, phase, phases / etape, etapes / etapa, etapas / fasi / etap* /
        단계, ステージ""",
    Subject.ANSWERS: """answer, answers, response, responses, submission, submissions, survey, surveys, quiz,
        form, forms / antworten / reponses / respuestas / respostas / risposte / odpowiedzi / 답변, 설문, 回答""",
    Subject.ACTIVITIES: """activity, activities, task, tasks, event, events, engagement, engagements,
        interactions, call, calls, email, emails, meeting, meetings, touch*, page views, pageviews, clicks /
        aktivitat*, aufgaben / activites, taches / actividades, tareas / atividades, tarefas / attivita /
        dzialania, zadania, aktywnosci / 활동, 작업, 이벤트, 活動, 行動""",
    Subject.DEALS: """opportunity, opportunities, deal, deals, outcome, outcomes, pipeline / verkaufschance*,
        chancen, geschaft* / affaire* / oportunidad* / negocio* / opportunita / szanse, transakcje / 영업기회,
        기회, 商談, 案件""",
    Subject.ACCOUNTS: """account, accounts, company, companies, organization*, organisation*, customers / firma,
        firmen, unternehmen, kunden / compte*, societe*, entreprise* / cuenta*, empresa* / conta, contas / aziende
        / firmy, konta / 회사, 거래처, 업체, 取引先, 会社, 企業""",
    Subject.CONTACTS: """contact, contacts, people, person, persons / kontakt*, personen / contacto*, persona* /
        contato*, pessoas / contatti, persone / kontakty, osoby / 연락처, 담당자, 取引先責任者, 連絡先""",
    Subject.LEADS: """lead, leads, prospect, prospects, inquiry, inquiries, enquiry, enquiries / interessenten,
        anfragen / piste, pistes / prospecto* / leady / 리드, 잠재고객, 문의, リード, 見込""",
}


def _compile(words: str) -> re.Pattern[str]:
    """One pattern for a list of words; those of scripts without blanks match anywhere."""
    listed = [" ".join(word.split()) for word in re.split("[,/]", words)]
    spaced = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in listed if max(word) < _DENSE)
    dense = [re.escape(word) for word in listed if max(word) >= _DENSE]
    return re.compile("|".join([rf"\b(?:{spaced})\b", *dense]))


_DENSE = "\u1100"  # Korean, Japanese and Chinese, which put no blanks between words, stand above all other scripts here
_COMPILED = {meaning: _compile(words) for meaning, words in _MEANINGS.items()}
_NAMED = {subject: _compile(words) for subject, words in _SUBJECTS.items()}


def part_words(text: str) -> str:
    """The text with camel case taken apart.

    >>> part_words("ConvertedOpportunityId"), part_words("LeadID")
    ('Converted Opportunity Id', 'Lead ID')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", text)


_WRITTEN_OUT = {"dt": "date", "dttm": "date time", "amt": "amount"}


@lru_cache(maxsize=_HEADERS_KEPT)
def words_of(text: str) -> str:
    """Words in lower case without accents; camel case and underscores are taken apart, and warehouses' short ones are
    written out.

    >>> words_of("ConvertedOpportunityId"), words_of("Geschäft_Nr."), words_of("LeadID"), words_of("CLOSE_DT")
    ('converted opportunity id', 'geschaft nr', 'lead id', 'close date')
    """
    words = re.findall(r"\w+", plain_letters(part_words(text)).replace("_", " "))
    return " ".join(_WRITTEN_OUT.get(word, word) for word in words)


_VENDOR: ContextVar[Mapping[str, frozenset[Meaning]] | None] = ContextVar("vendor_headers", default=None)


@contextmanager
def known_meanings(headers: Mapping[str, frozenset[Meaning]]) -> Iterator[None]:
    """Within the block these headers mean what a vendor's template says, whatever their words."""
    token = _VENDOR.set(headers)
    try:
        yield
    finally:
        _VENDOR.reset(token)


def meanings_of(header: str) -> frozenset[Meaning]:
    """Everything that a header may say."""
    known = (_VENDOR.get() or {}).get(header)
    return _guess_meanings(header) if known is None else known


@lru_cache(maxsize=_HEADERS_KEPT)
def _guess_meanings(header: str) -> frozenset[Meaning]:
    words = words_of(header)
    found = {meaning for meaning, pattern in _COMPILED.items() if pattern.search(words)}
    if Meaning.SIZE in found:
        found -= {Meaning.AMOUNT, Meaning.REVENUE}
    if words in _CONTACTS:
        found.add(Meaning.PERSON)
    if Meaning.SENSITIVE in found and _OF_RECORDS.search(words):
        found.discard(Meaning.SENSITIVE)
    if "?" in header or len(words.split()) > _LONGEST_NAME:  # a question of a survey speaks of things, and is none
        found -= {Meaning.COMPANY, Meaning.OWNER, Meaning.PERSON, Meaning.ID, Meaning.CREATED, Meaning.CLOSED}
    if Meaning.PERSON in found and not _SURELY_A_PERSON.search(words):
        found -= {Meaning.PERSON} if Meaning.COMPANY in found or _THINGS.search(words) else set()
    if _ABOUT.search(words) or _OF_NESTED.search(header):
        found -= {Meaning.COMPANY}
    return frozenset(found)


def is_surely_of_a_person(header: str) -> bool:
    """Whether a header speaks of a person, whatever the rows of its table are.

    >>> is_surely_of_a_person("Nom du contact"), is_surely_of_a_person("Nom")
    (True, False)
    """
    words = words_of(header)
    sure = words in _CONTACTS or _SURELY_A_PERSON.search(words)
    return bool(Meaning.PERSON in meanings_of(header) and sure)


def names_deals(header: str) -> bool:
    """Whether a header says that a column holds what deals are called.

    >>> names_deals("案件名"), names_deals("Nom de l'affaire"), names_deals("Deal stage")
    (True, True, False)
    """
    return bool(_DEAL_NAMES.search(words_of(header)))


def subjects_of(name: str) -> tuple[Subject, ...]:
    """What a file, a sheet or an id's header is called after; the most telling first."""
    words = words_of(name)
    return tuple(subject for subject, pattern in _NAMED.items() if pattern.search(words))
