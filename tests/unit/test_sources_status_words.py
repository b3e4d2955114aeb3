"""What a status says, in the words of the CRMs and of many languages; what it does not say is left to a person."""

import re

import pytest

from features.schema.vocabulary import Stage
from pipelines.declaring.words.status_vocabulary import ALONE, NEGATIONS, VERDICTS
from pipelines.declaring.words.status_words import guess_standing, stage_of
from pipelines.declaring.words.vendor_template import load_template
from pipelines.declaring.words.vendor_words import VendorWords, speaking

WON = (
    "Closed Won|closedwon|Won|CLOSED_WON|6 - Closed Won (100%)|Closed - Converted|Customer|Gewonnen|Deal gewonnen|"
    "Gagné|Clôturé gagné|Opportunité gagnée|Cerrada Ganada|Ganado|Fechado e ganho|Ganha|Chiuso vinto|Vinta|Wygrana|"
    "Zamknięte - wygrane|수주|수주 완료|계약 완료|종료(성공)|受注|成約|赢单|"
    "Выиграно|Успешно реализовано|Kazanıldı|Vyhráno|Vunnen"
)
LOST = (
    "Closed Lost|closedlost|Lost|Lost Lead|Closed Lost to Competition|Closed - Not Converted|Not Interested|Verloren|"
    "Absage|Kein Interesse|Perdu|Fermé perdu|Perdida|Cerrado perdido|Perdido|Chiuso perso|Persa|Przegrana|Utracony|"
    "실패|실주|수주 실패|계약 취소|失注|受注失敗|输单|Проиграно|Закрыто и не реализовано|Kaybedildi|Förlorad"
)
DISQUALIFIED = (
    "Unqualified|Disqualified|Junk Lead|Not Qualified|Nicht qualifiziert|Non qualifié|Descalificado|Desqualificado|"
    "Squalificato|Zdyskwalifikowany|부적격|対象外|Spam|Duplicate|Cannot Contact"
)
OPEN = (
    "New|Open|Open - Not Contacted|Working - Contacted|Nurture|In Progress|Qualified|Pre-Qualified|qualifiedtobuy|"
    "Decision Maker Bought-In|Contract Sent|Appointment Scheduled|Id. Decision Makers|Proposal/Price Quote|Bad Timing|"
    "Offen|Neu|In Bearbeitung|3. Angebot (50%)|Wiedervorlage|Nouveau|En cours|À relancer|Nuevo|En negociación|Nova|"
    "Em negociação|Nuovo|In trattativa|Nowy|W toku|Negocjacje|신규|진행 중|상담중|계약 검토중|미접촉|新規|商談中|"
    "未対応|跟进中|Открыт|В работе|Nieuw|Marketing Qualified Lead|Verkaufschance|Inquiry|Recycled"
)
# what is being done, and not said to be done
NOUNS_OF_A_WIN = (
    "Заключение договора|Подписание|Подписание договора|Pozyskanie klienta|Pozyskanie|Do sprzedania|Podpisanie|Gagner|"
    "À gagner|Remporter|Acquisition|Vintage|Ganador|Vyhrání|να κερδίσει"
)
# participles in their genders and numbers
PARTICIPLES = (
    "Заключено|Договор заключён|Договор подписан|Подписано|Продана|Sprzedany|Sprzedani|Pozyskana|Wygranej|Podpisana|"
    "Gagnées|Remportée|Conclus|Vendue|Ganadas|Vendidos|Ganhou|Conquistada|Vinti|Venduta|Acquisiti|Castigată|Vyhraný|"
    "Prodáno|Κερδισμένη|Κερδήθηκε"
)
UNSAID = "Closed|Abgeschlossen|Terminé|완료|Other|Stage 3|Won/Lost|미수주|未成約|Not sold|Kunde verloren|x|"

# Stages as vendors ship them and teams name them, which speak of customers, orders and contracts while nothing is won
STILL_OPEN = (
    "Customer contacted|Waiting for customer|Contract negotiation|Purchase order pending|Test scheduled|"
    "Success call scheduled|Kunde kontaktiert|Erfolgreich kontaktiert|Auftrag in Verhandlung|Test läuft|"
    "In Verhandlung mit Kunde|"
    "Vertrag gesendet|Angebot versandt|Termin vereinbart|Präsentation geplant|Entscheidungsträger überzeugt|"
    "Bedarfsanalyse|Kontakt hergestellt|En attente client|Client contacté|Contrat envoyé|Rendez-vous planifié|"
    "Présentation programmée|Analyse des besoins|Négociations commencées|Aguardando cliente|Contrato enviado|"
    "Reunião agendada|Apresentação agendada|Contato feito|Negociações iniciadas|Esperando cliente|Cita programada|"
    "Presentación programada|Oczekiwanie na klienta|Umowa wysłana|Spotkanie zaplanowane|Kontakt nawiązany|"
    "Analiza potrzeb|"
    "계약서 발송됨|계약 협의|구매 검토|수주 예상|수주 추진|성공 가능성 높음|데모 예정|契約書送付済み|契約交渉|"
    "受注確度高|デモ予定|プレゼン予定"
)
# what a person has to say: a verdict on what is still open, by somebody else, or a word beside another
TWO_THINGS = (
    "New customer|Potential customer|Kunde überlegt|Klient zainteresowany|Existing customer|Test drive|NDA signed|"
    "Closed won - pending signature|Ganado - pendiente de firma|Reopened lost|Meeting cancelled|Termin abgesagt|"
    "Deal won by competitor|Lost contact|Will be won|계약서 작성|성공 가능성 없음|수주 (보류)|"
    "Won - 실주|受注-失注|Lost - not yet|No response - lost?|Won - no upsell|Нет отказа|"
    "Lost deal isn't final|lost isn't|Lost: can't be confirmed|Lost: couldn't be confirmed|Lost - hasn't been decided|"
    "Lost: wasn't us|Didn't get lost|Lost? Can't tell|Lost - didn't respond, isn't final"
)
# won by whom: a person has to say whether that is a deal lost to others, or one taken from them
BY_OTHERS = (
    "Sold Elsewhere|Purchased Elsewhere|Purchased from competitor|Sold to Competition|Contract signed elsewhere|"
    "Ordered from another vendor|Won by someone else|Sold by 3rd party - third party|Bestellt beim Wettbewerb|"
    "Auftrag erteilt an Wettbewerb|Gewonnen durch Wettbewerb|Bestellt beim Mitbewerber|Woanders bestellt|"
    "Anderweitig verkauft|Elders verkocht|Vendu par un concurrent|Vendu ailleurs|Vendido por la competencia|"
    "Vendido pela concorrência|Venduto altrove|Vinto dalla concorrenza|Wygrana konkurencji|Sprzedane gdzie indziej|"
    "Solgt til annen leverandør|Solgt til anden leverandør|Såld till annan leverantör|"
    "Выиграно конкурентом|Выиграл другой поставщик|Продано: другой поставщик|Продано другому поставщику|"
    "경쟁사 수주|타사 계약|수주 (경쟁사)|다른 업체 계약|타사 Won|他社受注|"
    "他社契約|競合受注|成約（他社）|竞争对手成交|Sold out"
)
# not so far: nothing is over
NOT_YET = (
    "Not qualified yet|Not yet qualified|Not qualified as yet|Still unqualified|"
    "Noch nicht qualifiziert|Noch nicht gewonnen|"
    "Noch kein Bedarf|Noch unqualifiziert|Aún no calificado|Todavía no calificado|No calificado aún|"
    "Nog niet gekwalificeerd|"
    "Não qualificado ainda|Ainda não qualificado|Pas encore qualifié|Non qualifié - encore|Non ancora qualificato|"
    "Ancora non qualificato|Jeszcze niezakwalifikowany|Jeszcze nie zakwalifikowany|아직 부적격|まだ不適格"
)
# won, but not for good
NOT_FOR_GOOD = (
    "Contract signed - expired|Provisionally won|Vorläufig gewonnen|Beauftragt (mündlich)|Wstępnie wygrana|"
    "계약 종료|가계약|가 계약|구두 수주|契約終了|仮契約|仮受注|内示受注|口頭受注|合同终止"
)
# an order in one company, a step before the contract in another
OFFERS_TAKEN = (
    "Quote accepted|Proposal accepted|Accepted quote|Quote approved|Angebot angenommen|Angebot bestätigt|"
    "Offerte geaccepteerd|Devis accepté|Devis validé|Oferta aceptada|Propuesta aprobada|Proposta aceita|"
    "Preventivo accettato|Oferta zaakceptowana|Предложение принято|見積承認|見積承認済み|견적 승인|"
    "견적 승인 완료|제안 채택|Proposal sent - accepted|Quote got approved|Quote #123 accepted|Approved final quote|"
    "Preventivo è stato accettato|Devis envoyé et accepté|Angebot mündlich angenommen|Oferta jest zaakceptowana"
)
# a verdict beside what it is on, or its reason
SAID_BESIDE = {
    "won": (
        "Won - New Business|Qualified - Converted|Angebot gewonnen|Kunde gewonnen|Auftrag erhalten|Umowa podpisana|"
        "Contrato assinado|계약 체결|수주 - 가격|契約締結"
    ),
    "lost": (
        "Lost - Bad timing|Angebot abgelehnt|Oferta odrzucona|Oportunidade perdida|실주 - 가격|失注（予算）|"
        "Lost - no response|Utracony - brak odpowiedzi|Отказ - нет ответа|Förlorad - ingen tid|"
        "Closed Lost - Didn't respond|Lost - couldn't reach|Lost, didnt answer|Lost: can't afford|"
        "Perdu - n'a jamais répondu|Out-Sold|Outsold|Lost to another vendor|Verloren an Wettbewerb|失注（他社）"
    ),
    "disqualified": "Test lead|Duplicate lead",
}


@pytest.mark.parametrize(
    ("meaning", "texts"),
    [
        *(("won", WON), ("won", PARTICIPLES), ("lost", LOST), ("disqualified", DISQUALIFIED), ("open", OPEN)),
        *((None, UNSAID), (None, NOUNS_OF_A_WIN)),
    ],
)
def test_a_status_means_what_its_words_say(meaning: str | None, texts: str) -> None:
    wrong = {text: found for text in texts.split("|") if (found := guess_standing(text)) != meaning}
    assert wrong == {}


@pytest.mark.parametrize(
    ("meaning", "texts"),
    [("open", STILL_OPEN), (None, TWO_THINGS), *((said, SAID_BESIDE[said]) for said in SAID_BESIDE)],
)
def test_one_word_is_no_verdict_on_what_is_still_open(meaning: str | None, texts: str) -> None:
    wrong = {text: found for text in texts.split("|") if (found := guess_standing(text)) != meaning}
    assert wrong == {}


def test_a_win_by_somebody_else_is_none_of_ours() -> None:
    assert {text: found for text in BY_OTHERS.split("|") if (found := guess_standing(text)) is not None} == {}
    assert stage_of("Purchased elsewhere") is None
    with speaking(VendorWords(load_template("dynamics")), [["Status", "Actual Close Date"]]):
        assert stage_of("Out-Sold") is Stage.LOST


def test_a_verdict_that_may_still_come_is_none() -> None:
    assert {text: found for text in NOT_YET.split("|") if (found := guess_standing(text)) is not None} == {}
    assert guess_standing("Lost - no budget yet") == "lost" and guess_standing("Won - still active") == "won"
    reasons = {"Not interested - still happy with current": "lost", "Kein Bedarf mehr (noch Vertrag)": "lost"}
    reasons |= {"Disqualified (still a student)": "disqualified", "Duplicate - still in CRM": "disqualified"}
    assert {text: guess_standing(text) for text in reasons} == reasons


def test_what_is_won_but_not_for_good_and_offers_taken_are_asked_for() -> None:
    texts = f"{NOT_FOR_GOOD}|{OFFERS_TAKEN}".split("|")
    assert {text: found for text in texts if (found := guess_standing(text)) is not None} == {}
    still = ("견적 승인 대기", "見積承認待ち", "Quote sent", "Sales accepted lead", "Preliminary meeting")
    still += ("Proposal sent, budget approved", "Sales Accepted - Proposal", "Accepted lead - proposal")
    assert {text: guess_standing(text) for text in still} == dict.fromkeys(still, "open")
    won = ("추가 계약", "단가계약 체결", "계약 체결", "수주 종료", "契約締結")
    won += ("仮想サーバー受注", "내시경 수주", "競合なし受注")
    assert {text: guess_standing(text) for text in won} == dict.fromkeys(won, "won")


def test_a_status_that_says_two_things_is_no_stage_either() -> None:
    texts = ("Lost - reopen later", "Demo won", "New customer", "open - lost contact")
    assert {text: stage_of(text) for text in texts} == dict.fromkeys(texts)


def test_a_word_of_a_win_beside_a_not_of_any_language_is_no_win() -> None:
    wins = [
        re.sub(r"\(.*?\)|\*|.\?", "", re.sub(r"\[(.).*?\]", r"\1", word))  # without the endings it may have
        for word in f"{VERDICTS['won']}|{ALONE['won']}".split("|")
    ]
    assert len(wins) > 100

    nots = [word for words in NEGATIONS.values() for word in words.split("|")]
    said = [text for win in wins for no in nots for text in (f"{no} {win}", f"{win} {no}")]
    assert [text for text in said if guess_standing(text) == "won"] == []


def test_a_not_before_a_word_of_a_win_is_read_as_people_write_it() -> None:
    texts = (
        "Ikke solgt|Inte såld|Ei myyty|Не продано|Договор не заключен|Не виграно|Nem nyert|Nu este câștigat|"
        "Satıldı değil|Δεν κερδήθηκε|Není prodáno|Nebylo vyhráno|Nie zostało sprzedane|"
        "Non vinto|Niet verkocht|Won't buy|Isn't sold|미 수주|未 成約"
    )
    assert {text: guess_standing(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"))
