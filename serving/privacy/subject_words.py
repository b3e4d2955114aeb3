"""Sentences of the answer to a person who asks what is held of them, by language."""

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "title": "What we hold about you, and how you were scored",
    "made": "Made on {date} for {ids}.",
    "scored": "Your score",
    "score": "Score {score} of 100 (50 stands for the reference odds of the scale), a chance of {chance} of a purchase "
    "within {days} days, as of {date}.",
    "no_score": "You have no score: {why}",
    "for": "Speaks for it",
    "against": "Speaks against it",
    "stage": "Where you stand: {stage}. By score and evidence: {state}.",
    "automated": "Is this an automated decision?",
    "statement": "The score is worked out by a statistical model from {features} facts about you, your company and what "
    "you did with our offers; it was learned from {rows} earlier cases and is checked on later ones. It orders lists "
    "that people work through and by itself decides nothing: nobody is refused anything by leadscore. Whether "
    "anybody acts on it without a person in between is for whoever sent you this to say.",
    "rights": "You may object to being scored, ask for a person to look at it, have mistakes corrected, and have your "
    "data erased. Write to whoever sent you this.",
    "history": "Earlier scores",
    "data": "Data",
    "seen": "Who saw and changed it",
    "retention": "How long it is kept",
    "kept_days": "{table}: {days} days",
    "kept": "No limit is declared; rows are kept as long as the source has them.",
    "given": "What we passed on",
    "nothing": "Nothing.",
    "exports": "{count} exports of lists to the customer system",
    "messages": "{count} messages to other systems",
    "consent": "Consent and objection",
    "objects": "You object to being scored: {answer}",
    "agrees": "You agree to be reached by {channel}: {answer}",
    "yes": "yes",
    "no": "no",
}  # fmt: skip
KOREAN: Mapping[str, str] = {
    "title": "보유 중인 귀하의 정보와 점수 산정 내역",
    "made": "{date} 작성, 대상: {ids}.",
    "scored": "귀하의 점수",
    "score": "점수 {score} / 100 (50은 척도의 기준 승산), {days}일 이내 구매 가능성 {chance}, {date} 기준.",
    "no_score": "점수가 없습니다: {why}",
    "for": "점수를 높인 요인",
    "against": "점수를 낮춘 요인",
    "stage": "현재 단계: {stage}. 점수와 근거에 따른 상태: {state}.",
    "automated": "자동화된 결정입니까?",
    "statement": "점수는 귀하와 귀하의 회사, 당사 제안에 대한 활동에 관한 {features}개 항목을 바탕으로 통계 모델이 계산합니다. 모델은 이전 "
    "사례 {rows}건에서 학습했고 이후 사례로 검증됩니다. 점수는 담당자가 처리하는 목록의 순서를 정할 뿐 그 자체로는 아무것도 결정하지 않습니다. "
    "사람의 개입 없이 점수에 따라 조치하는지는 이 문서를 보낸 곳에서 알려 드립니다.",
    "rights": "귀하는 점수 산정을 거부하고, 사람의 검토와 설명을 요구하고, 잘못된 정보의 정정과 삭제를 요청할 수 있습니다. 이 문서를 보낸 곳으로 연락해 주십시오.",
    "history": "이전 점수",
    "data": "정보",
    "seen": "열람 및 변경 기록",
    "retention": "보유 기간",
    "kept_days": "{table}: {days}일",
    "kept": "정해진 기한이 없으며 원본에 있는 동안 보유합니다.",
    "given": "제공 내역",
    "nothing": "없음.",
    "exports": "고객 관리 시스템으로 목록 내보내기 {count}회",
    "messages": "다른 시스템으로 메시지 {count}건",
    "consent": "동의 및 거부",
    "objects": "점수 산정 거부: {answer}",
    "agrees": "{channel} 연락 동의: {answer}",
    "yes": "예",
    "no": "아니요",
}  # fmt: skip
POLISH: Mapping[str, str] = {
    "title": "Jakie dane przechowujemy i jak powstała ocena",
    "made": "Sporządzono {date}, dotyczy: {ids}.",
    "scored": "Ocena",
    "score": "Ocena {score} na 100 (50 to szansa odniesienia skali), szansa zakupu w ciągu {days} dni: {chance}, stan na "
    "{date}.",
    "no_score": "Brak oceny: {why}",
    "for": "Przemawia za",
    "against": "Przemawia przeciw",
    "stage": "Etap: {stage}. Według oceny i dowodów: {state}.",
    "automated": "Czy to zautomatyzowana decyzja?",
    "statement": "Ocenę oblicza model statystyczny na podstawie {features} informacji o osobie, jej firmie i korzystaniu z "
    "naszej oferty; model nauczono na {rows} wcześniejszych przypadkach i sprawdza się go na późniejszych. Ocena porządkuje "
    "listy, nad którymi pracują ludzie, i sama o niczym nie rozstrzyga. O tym, czy ktoś działa na jej podstawie bez "
    "udziału człowieka, informuje nadawca tego dokumentu.",
    "rights": "Przysługuje prawo sprzeciwu wobec oceniania, prawo do sprawdzenia i wyjaśnienia przez człowieka, do "
    "sprostowania i do usunięcia danych. Prosimy zwrócić się do nadawcy tego dokumentu.",
    "history": "Wcześniejsze oceny",
    "data": "Dane",
    "seen": "Kto je widział i zmieniał",
    "retention": "Jak długo są przechowywane",
    "kept_days": "{table}: {days} dni",
    "kept": "Nie określono terminu; dane są przechowywane tak długo, jak ma je źródło.",
    "given": "Co przekazaliśmy dalej",
    "nothing": "Nic.",
    "exports": "eksporty list do systemu klientów: {count}",
    "messages": "wiadomości do innych systemów: {count}",
    "consent": "Zgoda i sprzeciw",
    "objects": "Sprzeciw wobec oceniania: {answer}",
    "agrees": "Zgoda na kontakt ({channel}): {answer}",
    "yes": "tak",
    "no": "nie",
}  # fmt: skip
WORDS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ko": KOREAN, "pl": POLISH}
