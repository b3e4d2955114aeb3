"""How a column writes its numbers: which sign is the decimal one and which groups thousands, by all of its values."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pandas as pd
from babel import Locale

from pipelines.ingest.errors import AmbiguousNumbersError

DecimalSign = Literal[".", ","]
# what spreadsheets and databases write for "no value"; in texts and categories these stay values unless declared
NO_VALUE = frozenset({"na", "n/a", "nan", "null", "none", "-", "#n/a", "nil", r"\n"})
# Numbers with three decimals that drop a last zero show fewer than three in one of ten. Where so many values all have
# exactly three digits after the sign, beside shorter ones without it, it groups thousands: 0.9 ** 60 < 0.002.
ENOUGH_GROUPS = 60
SLIPS = 0.02  # share of values that prove nothing against the others: typing errors

_GROUPS = {",": r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}", ".": r"\d{1,3}(?:\.\d{3})+"}  # 12,34,567: India
_OTHER_GROUPS = r"[1-9]\d{0,2}(?:'\d{3})+|[1-9]\d{0,2}(?: \d{3})+|[1-9]\d?(?: \d{2})+ \d{3}"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_BLANKS = "[\u00a0\u2007\u2009\u202f]"  # text, not compiled: Arrow replaces it without a step in Python per value
_APOSTROPHES = "[\u2018\u2019\u02bc\u00b4`]"
_PLAIN = r"^[+-]?[.,]*\d[\d.,]*(?:[eE][+-]?\d+)?$"
_MONEY_WORDS = (
    "zł",
    "Kč",
    "kr.",
    "kr",
    "Ft",
    "лв",
    "руб.",
    "руб",
    "SFr.",
    "Fr.",
    "원",
    "円",
    "元",
    "R$",
    "US$",
    "A$",
    "C$",
)
# signs of the currencies that have a code, too: one column may hold both
_CODES = (
    "€=EUR $=USD US$=USD £=GBP ¥=JPY 円=JPY ₩=KRW 원=KRW 元=CNY zł=PLN Kč=CZK Ft=HUF лв=BGN руб=RUB ₽=RUB SFr=CHF "
    "Fr=CHF R$=BRL A$=AUD C$=CAD ₹=INR ₺=TRY ₴=UAH ₪=ILS ₱=PHP ₫=VND ฿=THB ₦=NGN ₸=KZT ₡=CRC ₲=PYG ₵=GHS ₭=LAK ₮=MNT "
    "₾=GEL ₼=AZN ֏=AMD ৳=BDT ៛=KHR"
)
_CODE_OF = dict(pair.split("=") for pair in _CODES.split())
# signs that several currencies share: beside one of these codes they mean that currency
_SHARED = {
    "$": "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP UYU DOP BND FJD JMD TTD BSD BBD BZD NAD",
    "元": "CNY TWD HKD",
    "¥": "JPY CNY",
    "kr": "SEK NOK DKK ISK",
    "₨": "INR PKR LKR NPR MUR",
}
_WIDE = str.maketrans("\uffe5\uffe6\uffe1\uff04", "¥₩£$")
_NO_SIGN = r"[\d.,'%()+\-\s\u2018\u2019\u02bc\u00b4`\u2212\uff0d\u2013\u2014]+"
_THOUSANDS_WORD = re.compile(r"^(?:[kK]|[tT]sd|[mM](?:io|ln)?)(?=\W)|(?<=\W)(?:[kK]|[tT]sd|[mM](?:io|ln)?)$")
OWN_SHARE = 0.05  # of the values with a currency, from which on others than the first are no slips
# what is counted, behind a number: "152名" is 152
_COUNTED = re.compile(
    r"(?<=\d) ?(명|개사|개|건|名|人|社|件|台|osób|osoby|szt\.?|people|employees|Mitarbeiter|personas|personnes)$"
)


def mean_no_value(texts: pd.Series) -> pd.Series:
    """Which texts are what spreadsheets and databases write for "no value"; missing ones are not.

    >>> mean_no_value(pd.Series(["NULL", "n/a", "Nullmeyer"], dtype="str")).tolist()
    [True, True, False]
    """
    return texts.str.lower().isin(NO_VALUE).astype(bool)


@dataclass(frozen=True)
class NumberForm:
    """Signs of a column's numbers; ``thousands`` is None where every other sign may group."""

    decimal: DecimalSign = "."
    thousands: str | None = None

    @property
    def pattern(self) -> str:
        """What a number looks like, once :func:`plain_numbers` took currencies and the like off."""
        other = "," if self.decimal == "." else "."
        if self.thousands is None:
            groups = f"{_GROUPS[other]}|{_OTHER_GROUPS}"
        elif self.thousands in _GROUPS:
            groups = _GROUPS[self.thousands]
        else:
            groups = "|".join(part for part in _OTHER_GROUPS.split("|") if self.thousands in part)
        return rf"^[+-]?(?:{groups}|\d*)(?:\{self.decimal}\d*)?{_EXPONENT}$"

    def grouping_signs(self) -> str:
        """Signs to be left out, as a character class."""
        if self.thousands is not None:
            return f"[{re.escape(self.thousands)}]"
        return "[,' ]" if self.decimal == "." else "[.' ]"


@dataclass(frozen=True, kw_only=True)
class SignEvidence:
    """How many different values prove which decimal sign; those that prove neither, by the sign they hold.

    ``grouped`` names the sign that by the rule of :data:`ENOUGH_GROUPS` groups thousands, empty if none does.
    """

    point: int = 0
    comma: int = 0
    open_point: int = 0
    open_comma: int = 0
    example: str = ""
    grouped: str = ""

    @property
    def decimal(self) -> DecimalSign | None:
        """The sign that more values prove; None if it is a tie, or so few that they may be typing errors."""
        most, unproven = max(self.point, self.comma), self.open_point + self.open_comma
        if self.point == self.comma or most < SLIPS * unproven:
            return None
        return "." if self.point > self.comma else ","

    @property
    def is_open(self) -> bool:
        """Whether some value can be read in two ways."""
        return self.open_point + self.open_comma > 0

    def __add__(self, other: "SignEvidence") -> "SignEvidence":
        return SignEvidence(point=self.point + other.point, comma=self.comma + other.comma)


def plain_numbers(texts: pd.Series) -> pd.Series:
    """Texts without currency, per cent and blanks around; minus signs in front; other texts as they are.

    >>> plain_numbers(pd.Series(["(1,234.50)", "1'200.–", "12,5 %", "USD 7-", "5 km"])).tolist()
    ['-1,234.50', "1'200", '12,5', '-7', '5 km']
    """
    odd = texts.notna() & ~texts.str.match(_PLAIN).fillna(True).astype(bool)
    if not odd.any():
        return texts
    some = texts[odd].str.replace(_BLANKS, " ", regex=True).str.replace(_APOSTROPHES, "'", regex=True)
    found = texts.copy()
    found[odd] = some.map({text: _plain_number(text) for text in some.unique()}).astype("str")
    return found


@cache
def _currency_codes() -> frozenset[str]:
    return frozenset(Locale.parse("en").currencies)


def _plain_number(text: str) -> str:
    rest, minus = text.strip(), False
    if rest.startswith("(") and rest.endswith(")"):
        rest, minus = rest[1:-1].strip(), True
    rest = _COUNTED.sub("", rest.replace("\u2212", "-").replace("\uff0d", "-"))

    for _ in range(3):  # sign, currency and per cent in any order
        before = rest
        rest = rest.removesuffix("%").strip()
        if rest[:1] == "-" and not rest[1:2].isdigit():
            rest, minus = rest[1:].strip(), True
        if re.search(r"\d\s*-$", rest) and not re.search(r"[.,]-$", rest):
            rest, minus = rest[:-1].strip(), True
        rest = _without_currency(rest)
        if rest == before:
            break
    rest = _without_thousands_word(rest, money=rest != text.strip())
    rest = re.sub(r"(?<=\d)[.,][-\u2013\u2014]{1,2}$", "", rest)  # 1'200.– and 5,-: no hundredths

    if not re.fullmatch(r"[+-]?[.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d+)?", rest):
        return text
    if minus:
        return f"-{rest}" if rest[0] not in "+-" else text
    return rest


def _without_thousands_word(text: str, *, money: bool) -> str:
    """12.5k as 12.5e3, beside a currency only: 10k may be a run, 5M five months."""
    match = re.fullmatch(r"([+-]?[\d.,' ]*\d) ?(k|tsd\.?|mio\.?|mln\.?|m)", text, re.IGNORECASE)
    if match is None or not money:
        return text
    return f"{match[1]}e{3 if match[2].lower()[0] in 'kt' else 6}"


def _without_currency(text: str) -> str:
    for sign in _MONEY_WORDS:
        if text.startswith(sign) or text.endswith(sign):
            return text.removeprefix(sign).removesuffix(sign).strip()
    if text and unicodedata.category(text[0]) == "Sc":
        return text[1:].strip()
    if text and unicodedata.category(text[-1]) == "Sc":
        return text[:-1].strip()
    first, last = text[:3], text[-3:]
    if first in _currency_codes() and not text[3:4].isalpha():
        return text[3:].strip()
    if last in _currency_codes() and not text[-4:-3].isalpha():
        return text[:-3].strip()
    return text


def count_currencies(texts: pd.Series) -> dict[str, int]:
    """Currencies of the numbers of a column with their values, the most frequent first; slips left out.

    A sign that several share is the one whose code stands in the column, too.

    >>> count_currencies(pd.Series(["1,234.50 €", "EUR 7", "$ 12", "12", "5 km"]))
    {'EUR': 2, 'USD': 1}
    """
    odd = texts[texts.notna() & ~texts.str.match(_PLAIN).fillna(True).astype(bool)]
    signs: dict[str, int] = {}
    for text, rows in odd.str.replace(_NO_SIGN, "", regex=True).value_counts().items():
        sign = _THOUSANDS_WORD.sub("", str(text)).translate(_WIDE)
        if _is_currency(sign):
            signs[sign] = signs.get(sign, 0) + int(rows)
    found = join_signs(signs)
    slips = max(found.values(), default=0) > (1 - OWN_SHARE) * sum(found.values())  # all others together
    return dict(list(found.items())[:1]) if slips else found


def join_signs(signs: Mapping[str, int]) -> dict[str, int]:
    """Currencies with their values, the most frequent first, by how often each sign or code stands in a column.

    >>> join_signs({"kr": 2, "SEK": 1, "€": 1})
    {'SEK': 3, 'EUR': 1}
    """
    least = OWN_SHARE * sum(signs.values())
    found: dict[str, int] = {}
    prefixed = {_CODE_OF[sign] for sign in signs if sign in _CODE_OF and sign[1:].endswith("$")}  # A$: told from $
    for sign in sorted(signs, key=lambda one: [*_SHARED].index(one) if one in _SHARED else -1):
        shared = [code for code, rows in found.items() if code in _SHARED.get(sign, "").split() and rows >= least]
        usual = _CODE_OF.get(sign, sign)
        meant = [code for code in shared if code not in prefixed]
        code = usual if usual in shared or not meant else max(meant, key=found.__getitem__)
        found[code] = found.get(code, 0) + signs[sign]
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _is_currency(sign: str) -> bool:
    known = sign in _CODE_OF or sign in _MONEY_WORDS or sign in _currency_codes()
    return known or (len(sign) == 1 and unicodedata.category(sign) == "Sc")


def weigh_signs(texts: pd.Series) -> SignEvidence:
    """What the values of a column prove about its decimal sign."""
    values = texts.dropna().drop_duplicates()
    if not values.str.contains(r"[.,]", regex=True).any():  # no sign, no evidence
        return SignEvidence()
    clean = plain_numbers(values[~values.str.lower().isin(NO_VALUE)])
    clean = clean.str.replace(r"^[+-]", "", regex=True)
    clean = clean[clean.str.match(r"^[.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d+)?$").fillna(False).astype(bool)]
    signed = clean[clean.str.contains(r"[.,]", regex=True).fillna(False).astype(bool)]
    if not len(signed):
        return SignEvidence()

    point = _hits(signed, rf"^[^.]*\.(?:\d{{0,2}}|\d{{4,}}){_EXPONENT}$") | _hits(signed, r"^0\.|^\.|,\d{3}\.\d*$")
    point |= _hits(signed, r"^\d{4,}\.\d+$|^[\d,' ]*\.\d+[eE]") | _hits(signed, r"[' ]\d{3}\.\d*$")
    comma = _hits(signed, rf"^[^,]*,(?:\d{{0,2}}|\d{{4,}}){_EXPONENT}$") | _hits(signed, r"^0,|^,|\.\d{3},\d*$")
    comma |= _hits(signed, r"^\d{4,},\d+$|^[\d.' ]*,\d+[eE]") | _hits(signed, r"[' ]\d{3},\d*$")
    twice_comma, twice_point = _hits(signed, rf"^(?:{_GROUPS[',']})$"), _hits(signed, rf"^(?:{_GROUPS['.']})$")
    point |= twice_comma & _hits(signed, r",.*,")
    comma |= twice_point & _hits(signed, r"\..*\.")
    both = point & comma  # 1.234,5.6: no number
    point, comma = point & ~both, comma & ~both

    left = signed[~point & ~comma]
    open_point, open_comma = (left[_hits(left, rf"^[1-9]\d{{0,2}}\{sign}\d{{3}}$")] for sign in ".,")
    unsigned = clean[~clean.index.isin(signed.index)]
    one = open_point if len(open_point) >= len(open_comma) else open_comma
    return SignEvidence(
        point=int(point.sum()),
        comma=int(comma.sum()),
        open_point=len(open_point),
        open_comma=len(open_comma),
        example=str(one.iloc[0]) if len(one) else "",
        grouped=_grouping_sign(one, signed, unsigned),
    )


def _hits(texts: pd.Series, pattern: str) -> pd.Series:
    return texts.str.contains(pattern, regex=True).fillna(False).astype(bool)


def _grouping_sign(one: pd.Series, signed: pd.Series, unsigned: pd.Series) -> str:
    """The sign in front of exactly three digits, where so many values have it and shorter ones stand beside them."""
    alone = len(one) >= max(ENOUGH_GROUPS, (1 - SLIPS) * len(signed))
    short = _hits(unsigned, r"^[1-9]\d{1,2}$").any() and not _hits(unsigned, r"^\d{4,}$").any()
    return re.sub(r"\d", "", str(one.iloc[0])) if alone and short else ""


def find_number_form(
    evidence: SignEvidence,
    siblings: Sequence[SignEvidence] = (),
    *,
    delimiter: str | None = None,
    known: NumberForm | None = None,
    where: str = "",
) -> tuple[NumberForm, str]:
    """The form of a column's numbers, and a sentence where it was not the values alone that told.

    In this order: what the values prove; how the training file wrote the column; what the file's other columns prove;
    for a file with commas between its values, that its decimal sign is the point.

    Parameters
    ----------
    siblings : evidence of the other number columns of the file
    known : how the column was written in the file the source was trained on

    Raises
    ------
    AmbiguousNumbersError
        if 2.872 may be 2872 or 2 and a bit, and nothing tells.
    """
    decimal = evidence.decimal
    if decimal is not None:
        against = min(evidence.point, evidence.comma)
        note = f"{against} values have the other decimal sign than the rest ('{decimal}')." if against else ""
        if known is not None and known.decimal != decimal:
            note = f"the decimal sign is '{decimal}', in the file trained on it was '{known.decimal}'."
        return NumberForm(decimal), note
    if not evidence.is_open:
        return known or NumberForm(), ""
    if known is not None:
        return known, ""

    file = sum(siblings, SignEvidence())
    usual: DecimalSign | None = file.decimal or ("." if delimiter == "," else None)
    if evidence.grouped:
        groups: DecimalSign = "," if evidence.grouped == "." else "."
        if file.decimal is None or file.decimal == groups:
            return NumberForm(groups), (
                f"'{evidence.grouped}' is read as the sign of thousands ('{evidence.example}'): it always stands "
                "before three digits, and shorter numbers have none."
            )
        usual = None  # the column says one thing, the rest of the file another
    if usual is None or (evidence.open_point and evidence.open_comma):
        raise AmbiguousNumbersError(where, evidence.example)
    return NumberForm(usual), ""
