"""A stored rubric's values and patterns in the order they were written in: JSON keeps them sorted by name.

Features of a rule are numbered in the order of its conditions: in another order each would be given the points of
another one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from features.catalog.feature import Catalog
from features.schema.conditions import Condition, Matches, OneOf


def order_rubrics(document: Any, catalog: Catalog) -> Any:
    """The document, or a part of it, with the rules of every rubric in the order that the catalog's features show."""
    if isinstance(document, list):
        return [order_rubrics(part, catalog) for part in document]
    if not isinstance(document, Mapping):
        return document
    if isinstance(document.get("catalog"), list):  # the state of another source's model, whose features are its own
        catalog = Catalog.from_records(document["catalog"])
    ordered = {name: order_rubrics(part, catalog) for name, part in document.items()}
    rubric = ordered.get("rubric")
    if isinstance(rubric, Mapping) and isinstance(rubric.get("rules"), list):
        ordered["rubric"] = {**rubric, "rules": [_order_rule(rule, catalog) for rule in rubric["rules"]]}
    return ordered


def _order_rule(rule: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    conditions = list(_conditions_of(str(rule.get("id")), catalog))
    texts = {
        "values": [text for one in conditions if isinstance(one, OneOf) for text in one.values],
        "patterns": [one.pattern for one in conditions if isinstance(one, Matches)],
    }
    ordered = dict(rule)
    for name, order in texts.items():
        given = rule.get(name)
        if isinstance(given, Mapping):
            ordered[name] = {text: given[text] for text in [*order, *given] if text in given}
    return ordered


def _conditions_of(rule: str, catalog: Catalog) -> Iterator[Condition]:
    """What the rule's features ask for, in their order; :func:`features.rubric.terms.plan_rules` names them."""
    known, name, place = catalog.by_name, f"rule_{rule}", 1
    while name in known or f"rule_{rule}__{place}" in known:
        feature = known.get(name) or known[f"rule_{rule}__{place}"]
        condition = getattr(feature.params, "condition", None)
        if condition is not None:
            yield condition
        if name in known:
            return
        place += 1
