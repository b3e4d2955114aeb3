"""Docstrings of this repository for mkdocstrings: ``name : what it is`` on a line becomes numpydoc's two lines."""

import re
from typing import Any

import griffe

import leadscore

_BODY = r"\n-+\n(.*?)(?=\n\n\S[^\n]*\n-+\n|\Z)"
SECTION = re.compile(rf"^(Parameters|Attributes|Raises){_BODY}", re.M | re.S)
RETURNS = re.compile(rf"\n\nReturns{_BODY}", re.S)
ENTRY = re.compile(r"^(\w[\w, ]*?) ?: (?=\S)", re.M)
ROLE = re.compile(r":(?:func|class|meth|attr|mod):`~?([\w.]+)`")


class PlainParameters(griffe.Extension):
    """Rewrites docstrings before they are read; types come from the signature."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite the docstring of whatever is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(_reference, SECTION.sub(_section, _returns_first(obj.docstring.value)))


def _returns_first(text: str) -> str:
    """What is returned as a paragraph before the sections: its type stands in the signature."""
    found = RETURNS.search(text)
    if found is None:
        return text
    head, rest = (text[: found.start()] + text[found.end() :]).partition("\n\n")[::2]
    return f"{head}\n\n**Returns** {found.group(1)}\n\n{rest}"


def _section(match: re.Match[str]) -> str:
    """A section with names on lines of their own."""
    title, body = match.group(1), match.group(2)
    separator = " | " if title == "Raises" else ", "
    entries = ENTRY.sub(lambda entry: f"{entry.group(1).replace(', ', separator)}\n    ", body)
    return f"{title}\n{'-' * len(title)}\n{entries}"


def _reference(match: re.Match[str]) -> str:
    """A role of Sphinx as a link, where the site has what it names."""
    name = match.group(1).rpartition(".")[2]
    return f"[`{name}`][leadscore.{name}]" if name in leadscore.__all__ else f"`{name}`"
