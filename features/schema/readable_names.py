"""Names of any script as identifiers that can be typed: transliterated, lower case, with underscores."""

import re

from anyascii import anyascii


def readable_name(text: str, otherwise: str = "column", before_digit: str = "c") -> str:
    """A name of letters, digits and underscores that begins with a letter.

    >>> readable_name("Größe (EUR)"), readable_name("산업"), readable_name("Źródło leada"), readable_name("2nd call")
    ('grosse_eur', 'saneob', 'zrodlo_leada', 'c_2nd_call')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", anyascii(text).lower()).strip("_") or otherwise
    return (plain if plain[0].isalpha() else f"{before_digit}_{plain}")[:60].rstrip("_")


def distinct_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken; it is taken from then on."""
    found, count = name, 2
    while found in taken:
        found, count = f"{name[:56]}_{count}", count + 1
    taken.add(found)
    return found
