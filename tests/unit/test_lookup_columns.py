"""What may be looked up, and where it is filled: only what tells nothing of when it was filled."""

from typing import Any

import pandas as pd

from features.catalog.build_catalog import build_catalog
from features.schema.source import Source
from models.explaining.missing_fields import IN_CRM, IN_FILE, STORED, lookup_columns, name_missing_field
from models.field_effects import field_features

CLOCKED: dict[str, Any] = {
    "name": "s",
    "kind": "relational",
    "tables": {
        "leads": {
            "columns": {
                "account_id": {"when_known": "at_creation"},
                "source": {},
                "website": {"enrich": True},
                "budget": {"type": "number", "when_known": "history"},
            }
        },
        "accounts": {"columns": {"known_at": {}, "size": {"type": "number", "when_known": "known_at"}, "branch": {}}},
        "answers": {},
        "outcomes": {},
    },
}
FLAT: dict[str, Any] = {
    "name": "f",
    "kind": "flat",
    "flat": {"target": {"column": "won", "won": ["yes"], "lost": ["no"], "open": [""]}},
    "tables": {"leads": {"columns": {"industry": {"enrich": True}, "channel": {}}}},
}


def test_what_is_filled_later_must_have_a_clock_or_be_a_lasting_fact() -> None:
    source = Source.model_validate(CLOCKED)
    found = {name: (one.table, one.where) for name, one in lookup_columns(source).items()}
    assert found == {"size": ("accounts", STORED), "website": ("leads", IN_CRM), "budget": ("leads", IN_CRM)}
    assert field_features(build_catalog(source), source).keys() == found.keys()


def test_a_flat_source_names_what_it_declares_and_the_file_is_where_it_is_filled() -> None:
    source = Source.model_validate(FLAT)
    assert {name: one.where for name, one in lookup_columns(source).items()} == {"industry": IN_FILE}
    fields = field_features(build_catalog(source), source)
    values = pd.DataFrame({fields["industry"].name: pd.Series(["software", None], dtype="str")})
    facts = {fields["industry"].name: {"levels": {"software": (0.4, 50.0), "retail": (0.1, 50.0)}}}
    assert name_missing_field(values, fields, facts).tolist() == ["", "industry"]
