"""Words for yes and no, true and false, in the languages that spreadsheets and CRMs write them in."""

TRUE_WORDS = frozenset(
    (
        *("ja", "oui", "sí", "si", "sim", "sì", "tak", "jo", "kyllä", "igen", "ano", "áno", "da", "evet"),
        *("wahr", "vrai", "verdadero", "verdadeiro", "vero", "prawda", "waar", "sant", "sand", "sann", "tosi"),
        *("igaz", "pravda", "adevărat", "doğru", "да", "так", "истина", "ναι", "예", "네", "참", "はい", "真", "是"),
        *("ya", "benar", "taip", "jā", "jah", "istina", "cert", "có", "đúng", "ใช่", "จริง", "نعم", "כן", "हाँ"),
    )
)
FALSE_WORDS = frozenset(
    (
        *("nein", "no", "non", "não", "nao", "nie", "nej", "nee", "nei", "ei", "nem", "ne", "nu", "hayır"),
        *("falsch", "faux", "falso", "fałsz", "onwaar", "falskt", "falsk", "usann", "epätosi", "hamis", "nepravda"),
        *("fals", "yanlış", "нет", "ні", "ложь", "όχι", "아니요", "아니오", "거짓", "いいえ", "偽", "否"),
        *("tidak", "salah", "nē", "neistina", "không", "sai", "ไม่", "ไม่ใช่", "เท็จ", "لا", "לא", "नहीं"),
    )
)
