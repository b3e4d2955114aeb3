"""docs/sources.md says of every key what the schema says."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipelines.declaring.schema_reference import render_reference, schema_models

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


def test_the_page_is_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference(), "run: python -m pipelines.declaring.schema_reference"


def test_what_a_part_is_for_is_said_to_the_end() -> None:
    said = re.findall(r"^### \w+\n\n(.*)\n\n\| key", render_reference(), re.M)
    assert len(said) == len(schema_models())
    assert [text for text in said if not text.endswith(".")] == []


@pytest.mark.parametrize("model", schema_models(), ids=lambda model: model.__name__)
def test_every_key_says_what_it_means(model: type[BaseModel]) -> None:
    silent = [name for name, field in model.model_fields.items() if not field.description]
    assert silent == [] and model.__doc__
