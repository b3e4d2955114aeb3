"""The buying committee: who else of the account is engaged, which roles are covered, what it bought before."""

import re
from dataclasses import replace

from features.catalog.families.attributes import check_account_clock, is_account_ignored
from features.catalog.families.engagement import kinds_of, learned_kinds, stream_parts
from features.catalog.families.job_titles import CHAMPIONS, ECONOMIC_BUYERS
from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.conditions import Between
from features.schema.operations import (
    ActivityBreadth,
    ActivityRows,
    ContactBreadth,
    ContactCount,
    DecayedSum,
    OutcomeBreadth,
    OutcomeCount,
    Params,
)
from features.schema.source import Source, title_column
from features.schema.vocabulary import Dimension, Topic

FAMILY = "committee"


def committee_features(source: Source) -> list[Feature]:
    """Features over all leads of a lead's account; none where leads do not say their account.

    Raises
    ------
    AccountWithoutClockError
        if leads.account_id is declared without saying when it is known.
    """
    if "account_id" not in source.tables["leads"].columns or is_account_ignored(source) or source.kind == "flat":
        return []
    check_account_clock(source)
    features = [_contact_feature()]
    if title_column(source) is not None:
        features += _role_features()
    if "activities" in source.tables:
        features += _engagement_features(source)
    if "outcomes" in source.tables:
        features += _purchase_features()
        product = source.tables["outcomes"].columns.get("product")
        features += [f for value in (product.values if product else ()) for f in _product_features(value)]
    return features


def _feature(
    name: str,
    topic: Topic,
    dimension: Dimension,
    doc: str,
    params: Params,
    wording: Wording = Wording.COUNT,
    when_empty: float | None = None,
) -> Feature:
    units = {Wording.RECENCY: "days", Wording.FLAG: "flag"}
    return Feature(
        name=name,
        family=FAMILY,
        dimension=dimension,
        topic=topic,
        type=FeatureType.NUMBER,
        when_empty=when_empty,
        doc=f"{doc}; missing without an account." if when_empty is None else f"{doc}.",
        unit=units.get(wording, "count"),
        known_when="when the rows of the account's leads were known",
        wording=wording,
        label=name.replace("champion", "internal_advocate").replace("_", " "),
        params=params,
    )


def _contact_feature() -> Feature:
    doc = "Known contacts of the account"
    return _feature("account_contacts", Topic.CONTEXT, Dimension.FIT, doc, ContactCount())


def _role_features() -> list[Feature]:
    none = Between(None, 1)
    buyers, champions = tuple(map(str, ECONOMIC_BUYERS)), tuple(map(str, CHAMPIONS))
    return [
        _feature(
            "account_roles",
            Topic.DECISION_PROCESS,
            Dimension.FIT,
            "Different seniorities among the account's known contacts",
            ContactBreadth(),
        ),
        _feature(
            "economic_buyer_missing",
            Topic.AUTHORITY,
            Dimension.FIT,
            f"Whether no known contact of the account is an economic buyer ({', '.join(buyers)})",
            ContactCount(roles=buyers, condition=none),
            Wording.FLAG,
        ),
        _feature(
            "champion_missing",
            Topic.CHAMPION,
            Dimension.FIT,
            f"Whether no known contact of the account is of an internal advocate's rank ({', '.join(champions)})",
            ContactCount(roles=champions, condition=none),
            Wording.FLAG,
        ),
    ]


def _engagement_features(source: Source) -> list[Feature]:
    days = max(source.windows.counts)
    kinds = learned_kinds(source)
    if not kinds:
        return []

    rows = ActivityRows(kinds=tuple(kinds), scope="account")
    features = [
        _feature(
            f"contacts_engaged_{days}d",
            Topic.DECISION_PROCESS,
            Dimension.INTEREST,
            f"Contacts of the account that did anything in the {days} days before as_of",
            ActivityBreadth(rows=rows, window_days=days, item="lead"),
        )
    ]

    if title_column(source) is not None:
        features.append(
            _feature(
                f"roles_engaged_{days}d",
                Topic.DECISION_PROCESS,
                Dimension.INTEREST,
                f"Different seniorities among contacts of the account that did anything in {days} days",
                ActivityBreadth(rows=rows, window_days=days, item="role"),
            )
        )
        buyers = replace(rows, roles=tuple(map(str, ECONOMIC_BUYERS)))
        features.append(
            _feature(
                f"buyers_engaged_{days}d",
                Topic.AUTHORITY,
                Dimension.INTENT,
                f"Economic buyers of the account that did anything in {days} days",
                ActivityBreadth(rows=buyers, window_days=days, item="lead"),
            )
        )

    parts = stream_parts(Dimension.INTENT, kinds)
    if parts:
        named = kinds_of(parts)
        lives = {name: kinds[name].half_life_days for name in named}
        intent = DecayedSum(rows=ActivityRows(kinds=named, parts=parts, scope="account"), half_lives=lives)
        doc = "Activities of intent by all contacts of the account, each fading with its kind's half-life"
        features.append(_feature("account_intent", Topic.CONTEXT, Dimension.INTENT, doc, intent, Wording.DECAYED))

    return features


def _purchase_features() -> list[Feature]:
    won = OutcomeCount(won=("true",))
    return [
        _feature(
            "existing_customer",
            Topic.CURRENT_SOLUTION,
            Dimension.FIT,
            "Whether a win of the account was known",
            replace(won, condition=Between(1, None)),
            Wording.FLAG,
            0.0,
        ),
        _feature("account_wins", Topic.CONTEXT, Dimension.FIT, "Wins of the account known so far", won),
        _feature(
            "account_losses",
            Topic.CONTEXT,
            Dimension.FIT,
            "Lost opportunities of the account known so far",
            OutcomeCount(won=("false",)),
        ),
        _feature(
            "account_products",
            Topic.CURRENT_SOLUTION,
            Dimension.FIT,
            "Different products the account bought",
            OutcomeBreadth(won=("true",)),
        ),
    ]


def _product_features(product: str) -> list[Feature]:
    """Closed opportunities of the account for one declared product, and how many of them were won."""
    slug = re.sub(r"[^a-z0-9]+", "_", product.lower()).strip("_")
    deals = OutcomeCount(products=(product,))
    about = f"of the account for product '{product}' known so far"

    return [
        _feature(
            f"account_deals_{slug}",
            Topic.CURRENT_SOLUTION,
            Dimension.FIT,
            f"Closed opportunities {about}",
            deals,
        ),
        _feature(
            f"account_wins_{slug}",
            Topic.CURRENT_SOLUTION,
            Dimension.FIT,
            f"Wins {about}",
            replace(deals, won=("true",)),
        ),
    ]
