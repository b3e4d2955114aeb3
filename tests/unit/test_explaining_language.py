"""Cards in several languages: every template of ours is translated, with the same places to fill."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from features.catalog.build_catalog import build_catalog
from features.errors import PolicyError
from features.schema.load_source import load_source
from models.explaining.framework import framework_names, load_framework, question_bank
from models.explaining.language import ENGLISH, Language, language_codes, load_language
from models.explaining.reasons import ReasonWriter
from models.explaining.wording.labels import translate_label
from tests.unit.test_explaining_reasons import CATALOG, FACTS

OTHERS = [code for code in language_codes() if code != "en"]
ROOT = Path(__file__).parents[2]
# words that Polish shares, and names of the demo's products and pages, which stay as declared
BORROWED = {"ROI", "demo", "start", "trend", "core", "plus", "enterprise", "customers", "product", "roi", "study"}


def places(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def templates() -> set[str]:
    """Every text with a place to fill that the modules that speak hold."""
    found: set[str] = set()
    for file in (ROOT / "models/explaining/reasons.py", ROOT / "pipelines/cli/results.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                found |= {c.value for arg in node.args for c in ast.walk(arg) if isinstance(c, ast.Constant)}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").startswith("_"):
                found |= {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant) and "{" in str(c.value)}
    return {text for text in found if isinstance(text, str) and re.search(r"{\w+}", text)}


@pytest.mark.parametrize("code", OTHERS)
def test_every_template_is_translated_with_the_same_places(code: str) -> None:
    language = load_language(code)
    texts = {text for text in templates() if not text.startswith(("(90%", "{probability} likely"))}
    assert len(texts) > 15
    for text in texts:
        assert language.text(text) != text or text in ("{label}: {value}",), text
        assert places(language.text(text)) == places(text), text


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("name", framework_names())
def test_criteria_of_every_framework_are_translated(name: str, code: str) -> None:
    language = load_language(code)
    labels = [criterion.label for criterion in load_framework(name).criteria.values()]
    english = [label for label in labels if language.text(label) == label]
    assert english == [], f"models/explaining/messages/{code}.po: add these labels of the framework {name}"


@pytest.mark.parametrize("code", OTHERS)
def test_statuses_and_every_question_are_translated(code: str) -> None:
    language = load_language(code)
    questions = [question.text for rows in question_bank().values() for question in rows]
    for text in (*questions, "met", "not met", "indicated", "unknown", "hand off", "disqualify"):
        assert language.text(text) != text, text


@pytest.mark.parametrize("code", OTHERS)
def test_no_label_of_a_feature_keeps_english_words(code: str) -> None:
    """Also half translated ones, which a pattern of labels.py took for another kind of label."""
    language, demo = load_language(code), load_source(ROOT / "data/sources/demo.yaml")
    told = {feature.label: translate_label(language, feature.label) for feature in build_catalog(demo)}
    kept = {label: text for label, text in told.items() if english_words(label) & english_words(text)}
    assert kept == {}, f"models/explaining/messages/{code}.po: add these labels, or their parts"


def english_words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}", text)) - BORROWED


def test_the_field_s_own_terms() -> None:
    assert load_language("ko").text("Authority") == "권한"
    assert load_language("pl").text("Authority") == "Decyzyjność"


def test_numbers_and_plurals_follow_the_language() -> None:
    polish = load_language("pl")
    assert [polish.plural("{n} day", "{n} days", n, n=n) for n in (1, 2, 5)] == ["1 dzień", "2 dni", "5 dni"]
    assert polish.decimal(1.5, 1) == "1,5" and ENGLISH.number(12345) == "12,345"


@pytest.mark.parametrize("code", language_codes())
def test_sentences_carry_the_same_numbers_in_every_language(code: str) -> None:
    words = ReasonWriter(CATALOG, FACTS, load_language(code))
    plain = ReasonWriter(CATALOG, FACTS)
    for name, value, part in (("visits", 5.0, 0.4), ("title", "boss", 0.5), ("budget", np.nan, -0.2)):
        digits = [re.sub(r"\D", "", text) for text in (words.text(name, value, part), plain.text(name, value, part))]
        assert sorted(digits[0]) == sorted(digits[1])


def test_an_unknown_language_is_refused_and_an_untranslated_text_stays_english() -> None:
    with pytest.raises(PolicyError, match="Known: en, ko, pl"):
        load_language("xx")
    polish: Language = load_language("pl")
    assert polish.text("a label of the source") == "a label of the source"
