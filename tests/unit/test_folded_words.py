"""Words that are looked for in folded text are folded themselves: an й or an å among them would never be found."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import features
import pipelines.declaring
from pipelines.declaring.words.plain_letters import plain_letters
from pipelines.declaring.words.todays_words import todays_words

DECLARING = Path(pipelines.declaring.__file__).parent
TITLES = Path(features.__file__).parent / "catalog/families/job_titles.py"
_FOLDS = re.compile(r"words_of\(|fold_\w+\(|plain_letters\(")
# what is looked for in texts as they are written, or told in words
AS_WRITTEN = {
    "money_words.py": {"_SIGNED", "_SIGN"},
    "plain_letters.py": {"_PLAIN"},
    "key_overlap.py": {"_FORMED"},
    "record_id.py": {"_CODE"},
    "column_lines.py": {"TO_USE_TODAYS"},
}


def lists_of(module: Path) -> Iterator[tuple[str, int, str]]:
    """Name, line and text of everything that a module's own constants hold, keys of mappings aside."""
    for statement in ast.parse(module.read_text()).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            name = ast.unparse(statement.targets[0] if isinstance(statement, ast.Assign) else statement.target)
            keys = {key for node in ast.walk(statement.value) if isinstance(node, ast.Dict) for key in node.keys}
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in keys:
                    yield name, node.lineno, node.value


def searching_modules() -> list[Path]:
    """Modules that compare folded texts, and all that hold words for them."""
    return [
        *sorted(file for file in DECLARING.rglob("*.py") if _FOLDS.search(file.read_text())),
        DECLARING / "words/status_vocabulary.py",
        TITLES,
    ]


def test_words_looked_for_in_folded_texts_are_folded() -> None:
    found, seen = [], 0
    for module in searching_modules():
        for name, line, text in lists_of(module):
            seen += 1
            plain = re.sub(r"\\(?:u\w{4}|x\w\w|.)", " ", text)  # a class of letters, \W, is no letter
            if plain_letters(plain) != plain and name not in AS_WRITTEN.get(module.name, set()):
                words = [word for word in re.findall(r"\w+", plain) if plain_letters(word) != word]
                found.append(f"{module.name}:{line}: {name}: {', '.join(words)}")
    assert found == []
    assert seen > 300


def test_what_is_said_to_be_written_as_it_is_is_there() -> None:
    names = {module.name: {name for name, *_ in lists_of(module)} for module in searching_modules()}
    assert all(exempt <= names[module] for module, exempt in AS_WRITTEN.items())


def test_a_chance_of_winning_is_todays_in_ukrainian_and_russian() -> None:
    headers = ("Ймовірність (виграшу)", "Ймовірність", "Вірогідність", "Вероятность")
    assert [header for header in headers if not todays_words(header)] == []
