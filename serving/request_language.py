"""The language a request asks for."""

from models.explaining.language import ENGLISH, Language, language_codes, load_language
from serving.problems import InvalidError


def find_language(code: str | None) -> Language:
    """A language of cards by its code, English without one; InvalidError names those there are."""
    if code is not None and code not in language_codes():
        raise InvalidError(f"there is no such language; known: {', '.join(language_codes())}.")
    return ENGLISH if code is None else load_language(code)
