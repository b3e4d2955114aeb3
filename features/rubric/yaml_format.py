"""A rubric as YAML text that reads back as the same rubric."""

import re

import yaml

from features.rubric.schema import Rubric

_BREAKS = re.compile("[\x85\u2028\u2029]")  # line breaks that YAML folds into a blank outside double quotes


def rubric_yaml(rubric: Rubric) -> str:
    """The rubric as YAML: keys in the schema's order, defaults left out, every text kept to the letter."""
    record = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return str(yaml.dump(record, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with texts in double quotes where other quotes would fold a rare line break into a blank."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
