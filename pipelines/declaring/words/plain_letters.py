"""Letters as headings and statuses are compared by."""

import unicodedata

# letters of their own that are also written without their stroke or dot, and that Unicode takes nothing off
_PLAIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "æ": "ae"})


def plain_letters(text: str) -> str:
    """The text in lower case and without accents; sounds of Korean and Japanese letters stay.

    >>> plain_letters("Clôturé"), plain_letters("ZAMKNIĘTY Łódź"), plain_letters("수주"), plain_letters("ステージ")
    ('cloture', 'zamkniety lodz', '수주', 'ステージ')
    """
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", plain).casefold().translate(_PLAIN)
