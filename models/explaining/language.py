"""The language of labels and sentences: English templates as message ids, other languages as catalogs (.po)."""

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from features.errors import PolicyError

SOURCE_LANGUAGE = "en"
_PER_CENT: Mapping[str, str] = MappingProxyType({"pl": "\xa0%"})  # where it is not the plain sign
_FOLDER = files("models.explaining") / "messages"
_NAMES: Mapping[str, str] = MappingProxyType({"en": "English", "ko": "한국어", "pl": "Polski"})


@dataclass(frozen=True)
class Language:
    """Texts and numbers of one language; a text without a translation stays English.

    Parameters
    ----------
    code : ISO 639-1
    catalog : translations, empty for English
    """

    code: str
    catalog: gettext.NullTranslations

    @property
    def name(self) -> str:
        """The language's own name."""
        return _NAMES.get(self.code, self.code)

    def text(self, message: str, **values: Any) -> str:
        """A template in this language, filled."""
        return self._translate(message).format(**values) if values else self._translate(message)

    def plural(self, one: str, many: str, number: int, **values: Any) -> str:
        """The form of a template that goes with ``number``."""
        return self.catalog.ngettext(one, many, number).format(**values)

    def share(self, value: float, digits: int = 0) -> str:
        r"""A share as per cent.

        >>> load_language("en").share(0.125, 1), load_language("pl").share(0.125, 1)
        ('12.5%', '12,5\xa0%')
        """
        return self._localise_separators(f"{value * 100:.{digits}f}") + _PER_CENT.get(self.code, "%")

    def chance(self, value: float, digits: int = 1) -> str:
        r"""A probability as per cent; one that is not exactly 0 or 1 never reads as if it were.

        >>> [load_language("en").chance(p) for p in (0.125, 0.99997, 0.00002)]
        ['12.5%', '>99.9%', '<0.1%']
        >>> load_language("pl").chance(0.99997)
        '>99,9\xa0%'
        """
        least, shown = 10.0 ** -(digits + 2), float(f"{value * 100:.{digits}f}")
        if value > 0 and shown == 0:
            return f"<{self.share(least, digits)}"
        if value < 1 and shown == 100:
            return f">{self.share(1 - least, digits)}"
        return self.share(value, digits)

    @staticmethod
    def percentile(value: float) -> str:
        """A percentile (0 to 100), never rounded up: above 98.7% of leads is not above 99%, and nobody above all.

        >>> Language.percentile(98.7), Language.percentile(100.0)
        ('98', '99')
        """
        return str(min(int(value), 99))

    def number(self, value: float) -> str:
        """A number as people write it: whole ones grouped, others with three figures."""
        if float(value).is_integer() and abs(value) < 1e15:
            return self._localise_separators(f"{int(value):,}")
        return self._localise_separators(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")

    def decimal(self, value: float, digits: int) -> str:
        """A number with so many digits after the point."""
        return self._localise_separators(f"{value:,.{digits}f}")

    def _translate(self, message: str) -> str:
        return self.catalog.gettext(message) if message else ""

    def _localise_separators(self, text: str) -> str:
        group, point = _separators(self.code)
        if (group, point) == (",", "."):
            return text
        return text.replace(",", "\0").replace(".", point).replace("\0", group)


@cache
def _separators(code: str) -> tuple[str, str]:
    if code == SOURCE_LANGUAGE:
        return ",", "."
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return get_group_symbol(code), get_decimal_symbol(code)


@cache
def language_codes() -> tuple[str, ...]:
    """Languages that ship, English first."""
    found = sorted(entry.name.removesuffix(".po") for entry in _FOLDER.iterdir() if entry.name.endswith(".po"))
    return (SOURCE_LANGUAGE, *found)


@cache
def load_language(code: str) -> Language:
    """A language by its code.

    Raises
    ------
    PolicyError : no such catalog; the message lists those that ship
    """
    if code == SOURCE_LANGUAGE:
        return Language(code, gettext.NullTranslations())
    if code not in language_codes():
        raise PolicyError(f"language '{code}' was not found. Known: {', '.join(language_codes())}.")
    return Language(code, read_catalog((_FOLDER / f"{code}.po").read_bytes(), code))


def read_catalog(content: bytes, code: str) -> gettext.GNUTranslations:
    """Translations of a ``.po`` file."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(content), locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


ENGLISH = load_language(SOURCE_LANGUAGE)
