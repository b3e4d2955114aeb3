"""Texts as cells that no spreadsheet takes for a formula, and back: one guard and one inverse for every CSV.

After OWASP's "CSV injection": a cell that begins with ``= + - @``, a tab or a line end may run as a formula, as may one
that begins with their full-width forms, and what follows a semicolon, a bar or a line end inside a cell, where a
spreadsheet of another country divides the file differently. An apostrophe before the sign makes text of it; reading
takes one apostrophe away again, so every text comes back as it was. A minus sign before digits is a number.
"""

import re

import pandas as pd

_BLANKS = r"[ \u00a0\u200b-\u200d\u2060\u3000\ufeff]*"
_SIGNS = r"[=+\-@\t\r\n＝＋－＠]"
_BREAKS = r"[;|\t\r\n]"
_PLAIN_NUMBER = re.compile(r"-\d+(?:\.\d+)?")
_OPEN = re.compile(rf"(^|{_BREAKS})('*)(?={_BLANKS}{_SIGNS})")
_GUARDED = re.compile(rf"(^|{_BREAKS})'('*)(?={_BLANKS}{_SIGNS})")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a cell, or a part of it, for a formula.

    >>> is_formula("=SUM(A1)"), is_formula("-5.5"), is_formula("-5+3"), is_formula("a; @b"), is_formula("plain")
    (True, False, True, True, False)
    """
    return _OPEN.search(text) is not None and not _PLAIN_NUMBER.fullmatch(text)


def guard_text(text: str) -> str:
    """A text as a cell that no spreadsheet runs; :func:`unguard_text` gives the text back.

    >>> guard_text("=1+1"), guard_text("'=1"), guard_text("+49 30"), guard_text("-0.5"), guard_text("it's")
    ("'=1+1", "''=1", "'+49 30", '-0.5', "it's")
    """
    return _OPEN.sub(r"\1'\2", text) if is_formula(text) else text


def unguard_text(cell: str) -> str:
    """The text of a guarded cell; any other cell stays as it is.

    >>> unguard_text("'=1+1"), unguard_text("''=1"), unguard_text("'quoted'"), unguard_text("'-0.5")
    ('=1+1', "'=1", "'quoted'", '-0.5')
    """
    return _GUARDED.sub(r"\1\2", cell)


def unguard_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of texts, each as it was before it was guarded."""
    found = {}
    for position in range(frame.shape[1]):
        texts = frame.iloc[:, position]
        hit = texts.str.contains("'", regex=False).fillna(False).to_numpy(dtype=bool)
        if hit.any():
            changed = texts.astype("object")
            changed[hit] = [unguard_text(text) for text in texts[hit]]
            found[position] = changed.astype(texts.dtype)
    if not found:
        return frame
    columns = [found.get(position, frame.iloc[:, position]) for position in range(frame.shape[1])]
    return pd.concat(columns, axis=1)
