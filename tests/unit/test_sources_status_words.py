"""What a status says, in the words of the CRMs and of many languages; what it does not say is left to a person."""

import pytest

from pipelines.declaring.words.status_words import guess_standing

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
UNSAID = "Closed|Abgeschlossen|Terminé|완료|Other|Stage 3|Won/Lost|미수주|未成約|Not sold|Kunde verloren|x|"


@pytest.mark.parametrize(
    ("meaning", "texts"), [("won", WON), ("lost", LOST), ("disqualified", DISQUALIFIED), ("open", OPEN), (None, UNSAID)]
)
def test_a_status_means_what_its_words_say(meaning: str | None, texts: str) -> None:
    wrong = {text: found for text in texts.split("|") if (found := guess_standing(text)) != meaning}
    assert wrong == {}
