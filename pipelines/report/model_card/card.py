"""A model card as sections of sentences and tables, and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.report.page_templates import open_template


@dataclass(frozen=True, kw_only=True)
class CardTable:
    """A table of a section; every row has as many cells as the head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class CardSection:
    """Sentences, then tables."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[CardTable, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The card of one bundle, by its hash."""

    title: str
    bundle: str
    synthetic: bool
    sections: tuple[CardSection, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "title": self.title,
            "bundle": self.bundle,
            "synthetic": self.synthetic,
            "sections": [
                {
                    "title": section.title,
                    "sentences": list(section.sentences),
                    "tables": [
                        {"caption": table.caption, "head": list(table.head), "rows": [list(row) for row in table.rows]}
                        for table in section.tables
                    ],
                }
                for section in self.sections
            ],
        }


def to_markdown(card: ModelCard) -> str:
    """The card as GitHub-flavoured Markdown."""
    lines = [f"# {_plain(card.title)}", ""]
    for section in card.sections:
        lines += [f"## {section.title}", ""]
        lines += [f"- {_plain(sentence)}" for sentence in section.sentences]
        lines += [""] if section.sentences else []
        for table in section.tables:
            lines += [_plain(table.caption), "", *_table_lines(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table_lines(table: CardTable) -> Sequence[str]:
    rows = (table.head, ("---",) * len(table.head), *table.rows)
    return ["| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]


def _plain(text: str) -> str:
    """Text of data as text: no markup of its own, no line breaks."""
    found = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    for sign in "*_`[]":
        found = found.replace(sign, "\\" + sign)
    return found


def to_html(card: ModelCard) -> str:
    """The card as one offline page, to read and to print."""
    return str(open_template("pipelines.report", "model_card.html.j2").render(card=card))
