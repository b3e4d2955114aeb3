"""Units of money by what a header says, in the signs and words of several countries; hours are no hundredths."""

import pytest

from pipelines.declaring.words.money_words import money_scale


@pytest.mark.parametrize(
    ("scale", "headers"),
    [
        (0.01, "amount_cents|Belopp (öre)|Beløb i øre|Betrag (ct)|Kwota w groszach (grosze)"),
        (
            1e3,
            "Betrag T€|Betrag (k€)|Betrag kEUR|Umsatz TEUR|Valor (R$ mil)|Revenue ($000)|USD '000|"
            "Wartość (tys. zł)|金額（千円）|금액(천원)",
        ),
        (1e4, "금액(만원)|金額（万円）|金额（万元）"),
        (1e6, "CA (M€)|Amount ($M)|Umsatz Mio. €|Valor (R$ mi)|금액(백만원)|金額(百万円)|Hodnota (mil. Kč)"),
        (1e7, "예상금액(천만원)"),
        (1e8, "금액(억원)|金額（億円）"),
        (1e9, "Umsatz in Mrd. €|매출(십억원)"),
        (None, "Amount|Betrag €|금액(원)|제조원가|Ore|Ore lavorate|Discount per cent|Size (m)|CRM $|Team|Valor mil"),
    ],
)
def test_a_header_says_the_unit_of_its_money(scale: float | None, headers: str) -> None:
    told = {header: money_scale(header) for header in headers.split("|")}
    assert {header: found and found[0] for header, found in told.items()} == dict.fromkeys(told, scale)
