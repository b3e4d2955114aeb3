"""Who is who: addresses in one spelling, duplicates merged, leads matched to accounts, all undoable."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.assembly.bot_effect import measure_bot_effect
from features.assembly.half_lives import HalfLife, adopt_half_lives, estimate_half_lives, restore_half_lives
from features.catalog.build_catalog import build_catalog
from features.catalog.reference import feature_page, feature_records
from features.cohort.cohort import keys_of, open_cohort
from features.cohort.email_addresses import domain_of, normal_email
from features.cohort.identity_resolution import resolve
from features.cohort.labels import label
from features.errors import ContractError
from features.point_in_time.microseconds import micros
from features.schema.source import Identity, Source
from pipelines.artifacts.counts_record import IdentityCounts
from pipelines.ingest.identity_files import identity_counts, identity_in_words
from tests.reference.worlds import DAY, SECOND, SOURCE, T0, World, did, empty_world, frames, lead, moment


def source_with(**rules: str) -> Source:
    return SOURCE.model_copy(update={"identity": Identity.model_validate({"email": "email", **rules})})


@pytest.fixture
def world() -> World:
    made = empty_world()
    lead(made, "a", T0 - 9 * DAY, email="Ann@Acme.com", account_id="A")
    lead(made, "b", T0 - 3 * DAY, email="ann+demo@acme.COM")
    lead(made, "c", T0 - 2 * DAY, email="bob@acme.com")
    lead(made, "d", T0 - 2 * DAY, email=None)
    did(made, "b", "demo", T0 - 8 * DAY)
    return made


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Ann.Lee@Example.com", "ann.lee@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("Ann <ann+news@example.com>", "ann@example.com"),
        ("ann@localhost", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_has_one_spelling(text: str | None, same: str | None) -> None:
    assert normal_email(text) == same


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("http://WWW.Acme.com:8080/x?y", "acme.com"),
        ("acme.co.uk", "acme.co.uk"),
        ("ann@gmail.com", None),
        ("acme", None),
        (None, None),
    ],
)
def test_a_domain_is_a_company_or_nothing(text: str | None, domain: str | None) -> None:
    assert domain_of(text) == domain


def test_duplicates_become_the_first_lead_and_their_rows_pass_over(world: World) -> None:
    found = resolve(frames(world), source_with())
    assert found.merged[["lead_id", "became"]].to_numpy().tolist() == [["b", "a"]]
    assert found.tables["leads"]["lead_id"].tolist() == ["a", "c", "d"]
    passed = found.tables["activities"].iloc[0]
    assert passed["lead_id"] == "a"
    assert passed["happened_at"] == moment(T0 - 8 * DAY)
    assert passed["known_at"] == moment(T0 - 3 * DAY)  # before, nobody knew that b is a


def test_a_rule_may_ask_for_the_same_account_too(world: World) -> None:
    assert resolve(frames(world), source_with(merge="same_email_and_account")).merged.empty
    assert resolve(frames(world), source_with(merge="never")).merged.empty
    assert resolve(frames(world), SOURCE).merged.empty


def closed(world: World, name: str, day: int, *, won: bool = False) -> None:
    at = T0 + day * DAY
    row = {"opportunity_id": f"of {name}", "lead_id": name, "closed_at": at, "known_at": at, "won": won}
    world["outcomes"].append(row)


def test_who_comes_back_after_the_close_is_a_lead_again_whom_later_ones_join(world: World) -> None:
    world["leads"] = [row for row in world["leads"] if row["lead_id"] != "b"]
    closed(world, "a", -1)
    for name, day in (("b2", 28), ("b3", 40), ("b4", 45), ("b5", 200)):
        lead(world, name, T0 + day * DAY, email="ann@acme.com")
    closed(world, "b3", 60, won=True)
    tables, source = frames(world), source_with()
    found = resolve(tables, source)
    joined = {"b2": "a", "b4": "b3"}
    assert dict(zip(found.merged["lead_id"], found.merged["became"], strict=True)) == joined, "within 30 days: the same"
    assert (found.apart.counts, found.apart.examples) == ({"returned": 2}, {"returned": "...@acme.com"})

    now = moment(T0 + 230 * DAY)
    assert open_cohort(found.tables, source, now)["lead_id"].tolist() == ["b5", "c", "d"]
    assert label_of(found.tables, source, "b3", 50) == 1
    assert "2 leads begin after the lead of the same address ended (e.g. ...@acme.com) and are not merged" in (
        identity_in_words(IdentityCounts.of(identity_counts(found, "same_email")))
    )


def test_duplicates_may_all_be_people_who_came_back(world: World) -> None:
    world["leads"] = [row for row in world["leads"] if row["lead_id"] != "b"]
    closed(world, "a", -1)
    lead(world, "back", T0 + 100 * DAY, email="ann@acme.com")
    found = resolve(frames(world), source_with())
    assert found.merged.empty and found.apart.counts == {"returned": 1}


def test_closes_before_the_creation_of_both_keep_no_duplicates_apart(world: World) -> None:
    world["leads"] = [row for row in world["leads"] if row["lead_id"] != "b"]
    closed(world, "a", -150)  # imported when it was over
    lead(world, "same import", T0 - 9 * DAY, email="ann@acme.com")
    lead(world, "returned", T0 + 100 * DAY, email="ann@acme.com")
    lead(world, "won before", T0 + 1 * DAY, email="bob@acme.com")  # c is open
    closed(world, "won before", -150, won=True)
    source = source_with()
    source = source.model_copy(update={"label": source.label.model_copy(update={"recycle_cool_down_days": 0})})
    found = resolve(frames(world), source)
    joined = dict(zip(found.merged["lead_id"], found.merged["became"], strict=True))
    assert joined == {"same import": "a", "won before": "c"} and found.apart.counts == {"returned": 1}
    assert open_cohort(found.tables, source, moment(T0 + 230 * DAY))["lead_id"].tolist() == ["d", "returned"]


def label_of(tables: dict[str, pd.DataFrame], source: Source, name: str, day: int) -> float:
    keys = keys_of(tables, source, [name], moment(T0 + day * DAY))
    return float(label(keys, tables, source, moment(T0 + 2_000 * DAY))["label"].iloc[0])


def test_who_is_worked_again_goes_on_as_the_lead_there_was(world: World) -> None:
    closed(world, "a", -1)
    lead(world, "back", T0 + 100 * DAY, email="ann@acme.com")
    at = T0 + 110 * DAY
    world["stages"].append({"lead_id": "back", "stage": "mql", "entered_at": at, "known_at": at})
    found = resolve(frames(world), source_with())
    assert dict(zip(found.merged["lead_id"], found.merged["became"], strict=True)) == {"b": "a", "back": "a"}
    assert "a" in open_cohort(found.tables, SOURCE, moment(T0 + 120 * DAY))["lead_id"].tolist()


def test_merging_can_be_undone(world: World) -> None:
    tables = frames(world)
    back = resolve(tables, source_with()).undone()
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(back[name], frame)


def test_leads_are_matched_to_the_one_account_of_their_domain(world: World) -> None:
    tables = frames(world)
    domains = ["https://www.acme.com", "beta.io", "beta.io"]
    tables["accounts"] = pd.DataFrame(
        {"account_id": ["A", "B", "C"], "domain": domains, "known_at": pd.Series([pd.NaT] * 3, dtype="datetime64[us]")}
    )
    found = resolve(tables, source_with(merge="never", account_domain="domain"))
    assert found.matched[["lead_id", "became", "rule"]].to_numpy().tolist() == [
        ["b", "A", "email_domain"],
        ["c", "A", "email_domain"],
    ]
    assert found.tables["leads"]["account_id"].tolist()[:3] == ["A", "A", "A"]
    assert pd.isna(found.tables["leads"]["account_id"].iloc[3])


def test_a_domain_of_several_accounts_matches_none_and_is_counted(world: World) -> None:
    tables = frames(world)
    tables["accounts"] = pd.DataFrame(
        {
            "account_id": ["A", "B"],
            "domain": ["acme.com"] * 2,
            "known_at": pd.Series([pd.NaT] * 2, dtype="datetime64[us]"),
        }
    )
    found = resolve(tables, source_with(merge="never", account_domain="domain"))
    assert found.matched.empty
    assert found.ambiguous == 2  # b and c


def test_leads_a_person_keeps_apart_are_not_merged(world: World) -> None:
    rules = Identity.model_validate({"email": "email", "keep_apart": ["b"]})
    assert resolve(frames(world), SOURCE.model_copy(update={"identity": rules})).merged.empty


def test_a_missing_column_is_named(world: World) -> None:
    tables = frames(world)
    with pytest.raises(ContractError, match="identity rules name column 'email'"):
        resolve({**tables, "leads": tables["leads"].drop(columns="email")}, source_with())


def test_the_bot_filter_says_what_it_removes() -> None:
    world = empty_world()
    for name in ("a", "b"):
        lead(world, name, T0 - 90 * DAY)
        did(world, name, "email_click", T0 - 5 * DAY)
    did(world, "a", "email_send", T0 - 20 * DAY)
    for second in (2, 9):
        did(world, "a", "email_click", T0 - 20 * DAY + second * SECOND)
    effect = measure_bot_effect(frames(world), SOURCE, moment(T0))
    assert effect.kinds.to_dict(orient="records") == [{"kind": "email_click", "rows": 4, "removed": 2, "share": 0.5}]
    assert effect.leads.to_dict(orient="records") == [{"lead_id": "a", "rows": 3, "removed": 2}]
    assert "2 of 4 bot-prone activities (50.0%)" in effect.sentence()
    assert measure_bot_effect(frames(world), SOURCE, moment(T0 - 50 * DAY)).removed_clicks == 0
    assert "nothing was removed" in measure_bot_effect(frames(empty_world()), SOURCE, moment(T0)).sentence()


def test_a_planted_half_life_is_found() -> None:
    rng = np.random.default_rng(5)
    world = empty_world()
    for i in range(900):
        lead(world, f"L{i}", T0 - 200 * DAY)
        for _ in range(rng.integers(0, 4)):
            did(world, f"L{i}", "demo", T0 - int(rng.uniform(0, 120) * DAY) - 1)
    tables = frames(world)
    lead_id = tables["leads"]["lead_id"]
    keys = pd.DataFrame(
        {"lead_id": lead_id, "as_of": pd.Series([moment(T0)] * 900).astype("datetime64[us]"), "group": lead_id}
    )
    age = (T0 - micros(tables["activities"]["happened_at"])) / DAY
    weight = pd.Series(2.0 ** (-age / 14)).groupby(tables["activities"]["lead_id"]).sum()
    z = -2 + 4 * np.log1p(lead_id.map(weight).fillna(0.0).to_numpy())
    label = (rng.random(900) < 1 / (1 + np.exp(-z))).astype(float)
    found = {h.kind: h for h in estimate_half_lives(tables, SOURCE, keys, label)}
    assert set(found) == {"demo"}
    assert found["demo"].low <= 14 <= found["demo"].high
    assert 7 <= found["demo"].days <= 28
    assert not found["demo"].flat
    noise = estimate_half_lives(tables, SOURCE, keys, rng.permutation(label), kinds=["demo"])[0]
    assert noise.high / noise.low > found["demo"].high / found["demo"].low


def test_every_feature_is_documented_from_the_catalog() -> None:
    catalog = build_catalog(SOURCE)
    records = feature_records(catalog)
    assert [record["name"] for record in records] == list(catalog.names)
    assert all(record["meaning"] and record["known"] and record["empty"] and record["unit"] for record in records)
    page = feature_page(catalog)
    assert all(f"| {name} |" in page for name in catalog.names)
    assert "missing: nothing is on record" in page
    assert "## Account and buying committee" in page


def test_kinds_that_ask_for_it_take_the_learned_half_life() -> None:
    kinds = dict(SOURCE.activity_kinds)
    asking = kinds["demo"].model_copy(update={"estimate_half_life": True})
    source = SOURCE.model_copy(update={"activity_kinds": {**kinds, "demo": asking}})
    told = HalfLife(kind="demo", days=56.0, low=28.0, high=56.0, leads=100, flat=False)
    learned = adopt_half_lives(
        source, [told, HalfLife(kind="email_click", days=1.0, low=1.0, high=2.0, leads=9, flat=False)]
    )
    assert learned.activity_kinds["demo"].half_life_days == 56.0
    assert learned.activity_kinds["email_click"] == kinds["email_click"]  # it did not ask
    assert adopt_half_lives(source, [replace(told, flat=True)]) is source
    catalog = build_catalog(learned)
    assert catalog.hash != build_catalog(source).hash
    assert build_catalog(restore_half_lives(source, catalog)).hash == catalog.hash


@pytest.mark.parametrize(
    "address",
    [
        *("none@none.com", "noemail@example.com", "no-email@x.org", "n.a@firm.de", "test@test.com", "test1@firm.de"),
        *("NULL@null.com", "brak.maila@firma.pl", "keine@firma.de", "sin.email@empresa.es", "noreply@firm.com"),
    ],
)
def test_leads_with_a_placeholder_for_an_address_are_not_one_person(address: str) -> None:
    world = empty_world()
    for name in "abc":
        lead(world, name, T0 - 5 * DAY, email=address)
    lead(world, "d", T0 - 5 * DAY, email="tess@firm.com")
    lead(world, "e", T0 - 4 * DAY, email="tess@firm.com")
    found = resolve(frames(world), source_with())
    assert found.merged["lead_id"].tolist() == ["e"]
    assert found.apart.counts == {"placeholder": 3} and found.apart.examples == {"placeholder": address.lower()}


@pytest.mark.parametrize(("leads", "merged"), [(5, 4), (6, 0), (40, 0)])
def test_an_address_on_more_leads_than_one_person_makes_is_no_person(leads: int, merged: int) -> None:
    world = empty_world()
    for i in range(leads):
        lead(world, f"l{i}", T0 - 5 * DAY, email="sales@partner.com")
    found = resolve(frames(world), source_with())
    assert len(found.merged) == merged
    assert found.apart.counts == ({} if merged else {"shared": leads})
    assert found.apart.examples == ({} if merged else {"shared": "...@partner.com"})


def test_an_agency_that_tags_its_clients_is_not_one_lead() -> None:
    world = empty_world()
    for name, address in {"a": "ads+acme@agency.com", "b": "ads+bolt@agency.com", "c": "Ads+Acme@agency.com"}.items():
        lead(world, name, T0 - 5 * DAY, email=address)
    lead(world, "d", T0 - 5 * DAY, email="ann+demo@firm.com")
    lead(world, "e", T0 - 4 * DAY, email="ann@firm.com")
    found = resolve(frames(world), source_with())
    assert dict(zip(found.merged["lead_id"], found.merged["became"], strict=True)) == {"c": "a", "e": "d"}
    assert found.apart.counts == {"tagged": 3}
