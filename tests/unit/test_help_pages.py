"""Help in place: one source of words, the same in the docs, translated, and every link of it leads somewhere."""

import re
from pathlib import Path

import pytest

from models.judging.evaluation.trust import SENTENCES
from serving.pages.glossary import GLOSSARY
from serving.pages.help.role_help import ROLE_HELP
from serving.pages.home.roles import HomeRole
from serving.pages.language import page_language

ROOT = Path(__file__).parents[2]
ABBREVIATIONS = {"IQL", "MQL", "PQL", "SAL", "SQL", "AUC", "Marketing"}  # the same in every language


def rows_of_docs() -> dict[str, str]:
    lines = (ROOT / "docs" / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ", 1) for line in lines if line.startswith("| ")]
    return {word: re.sub(r" \(\[.*?\]\(.*?\)\)", "", text) for word, text in cells}


@pytest.mark.parametrize("key", GLOSSARY)
def test_docs_and_pages_say_the_same_of_a_word(key: str) -> None:
    word = GLOSSARY[key]
    assert rows_of_docs()[word.title].lower() == word.text.rstrip(".").lower()


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_words_steps_and_verdicts_are_translated(code: str) -> None:
    texts = [text for word in GLOSSARY.values() for text in (word.title, word.text)]
    for found in ROLE_HELP.values():
        texts += [found.question, *(part for step in found.steps for part in (step.title, step.text))]
    texts += [role.label for role in HomeRole] + list(SENTENCES)
    language = page_language(code)
    assert [text for text in texts if language.text(text) == text and text not in ABBREVIATIONS] == []


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_a_translation_fills_in_what_the_english_does(code: str) -> None:
    language = page_language(code)
    for text in SENTENCES:
        assert set(re.findall(r"{(\w+)}", language.text(text))) == set(re.findall(r"{(\w+)}", text))


def test_every_role_has_its_page_and_every_word_of_it_is_explained() -> None:
    assert set(ROLE_HELP) == set(HomeRole)
    assert all(word in GLOSSARY for found in ROLE_HELP.values() for word in found.words)


def test_every_word_that_a_template_explains_is_in_the_glossary() -> None:
    templates = (ROOT / "serving" / "pages" / "templates").rglob("*.html")
    used = {key for file in templates for key in re.findall(r'explain\("(\w+)"', file.read_text(encoding="utf-8"))}
    assert used and used <= set(GLOSSARY)
