"""Features of a user's own: handed what is known at a moment and no more, the same in batches and alone, or refused."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import build_matrix
from features.assembly.request_rows import RowMaker
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import BundleError, ContractError, SourceError
from features.own_features.registered import function_of, offer
from features.own_features.seen_rows import SeenLead, SeenRows
from features.schema.load_source import parse_source
from features.schema.source import Source
from models.bundle import load_bundle, save_bundle
from pipelines.own_code.own_functions import check_functions, code_of, offer_functions, require_code_built
from pipelines.registry.champion import catalog_for
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.promotion_gate import fits
from pipelines.retraining.fingerprints import features_fingerprint, fingerprint_of
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.paths import Paths
from serving.settings import ServeSettings

DECLARED = """
name: mine
kind: relational
tables:
  leads: {columns: {lead_id: {}, created_at: {}, size: {type: number}, phone: {role: personal}, mood: {role: ignore}}}
  activities: {columns: {lead_id: {}, kind: {}, happened_at: {}, known_at: {}, value: {}}}
  outcomes: {columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}}
activity_kinds: {visit: {dimension: interest}}
features:
  - {name: visits_worth, oracle: "own:slow", function: "own:fast", doc: Worth of all visits., unit: EUR}
  - {name: newest_kind, oracle: "own:newest", type: category, doc: Kind of the newest activity., when_empty: none}
"""
LEADS, DAYS = 12, 30


def slow(lead: SeenLead) -> float | None:
    worth = [row["value"] for row in lead.rows("activities") if row["kind"] == "visit" and row["value"] is not None]
    return sum(worth) if worth else None


def fast(seen: SeenRows) -> Any:
    visits = seen.table("activities").query("kind == 'visit'")
    return visits.groupby("moment")["value"].sum(min_count=1)


def newest(lead: SeenLead) -> str | None:
    rows = lead.rows("activities")
    return rows[-1]["kind"] if rows else None


def shuffled(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    return {name: frame.sample(frac=1, random_state=seed).reset_index(drop=True) for name, frame in tables.items()}


@pytest.fixture
def source() -> Source:
    offer("own:slow", lambda: slow)
    offer("own:fast", lambda: fast)
    offer("own:newest", lambda: newest)
    return parse_source(DECLARED)


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    draw, start = np.random.default_rng(3), np.datetime64("2024-01-01", "us")
    names = [f"L{k:02d}" for k in range(LEADS)]
    happened = start + draw.integers(0, DAYS, 150).astype("timedelta64[D]")  # whole days: many at the same moment
    acts = pd.DataFrame(
        {
            "lead_id": draw.choice(names[:-1], 150),  # the last one does nothing
            "kind": draw.choice(["visit", "mail", "call"], 150),
            "happened_at": happened,
            "known_at": happened + draw.integers(0, 3, 150).astype("timedelta64[D]"),
            "value": np.where(draw.random(150) < 0.2, np.nan, draw.integers(1, 9, 150)),
        }
    )
    leads = pd.DataFrame({"lead_id": names, "created_at": start, "size": 5.0, "phone": "1", "mood": "gone"})
    none = pd.DataFrame({"opportunity_id": [], "lead_id": [], "closed_at": [], "won": []})
    return {"leads": leads, "activities": acts, "outcomes": none}


@pytest.fixture
def cohort() -> pd.DataFrame:
    moments = pd.date_range("2024-01-03", periods=8, freq="3D").as_unit("us")
    return pd.DataFrame([(f"L{k:02d}", at) for k in range(LEADS) for at in moments], columns=["lead_id", "as_of"])


def own(source: Source) -> Catalog:
    return Catalog(build_catalog(source).of_family("own"))


def test_values_are_what_plain_pandas_says_of_rows_known_strictly_before(
    source: Source, tables: dict[str, pd.DataFrame], cohort: pd.DataFrame
) -> None:
    made, acts = build_matrix(tables, cohort, own(source), source), tables["activities"]
    for place, (lead, as_of) in enumerate(cohort.itertuples(index=False)):
        seen = acts[(acts["lead_id"] == lead) & (acts["known_at"] < as_of)]
        worth = seen.loc[seen["kind"] == "visit", "value"].sum(min_count=1)
        np.testing.assert_equal(made["visits_worth"][place], worth)
        if seen.empty:
            assert made["newest_kind"][place] == "none"
    assert made["visits_worth"].notna().sum() > 20


def test_one_request_gives_what_the_batch_gives_and_file_order_decides_nothing(
    source: Source, tables: dict[str, pd.DataFrame], cohort: pd.DataFrame
) -> None:
    catalog = own(source)
    batch = build_matrix(tables, cohort, catalog, source)
    pd.testing.assert_frame_equal(batch, build_matrix(shuffled(tables, 1), cohort, catalog, source))
    records = {name: frame.astype(object).to_dict("records") for name, frame in shuffled(tables, 2).items()}
    maker = RowMaker(catalog, source)
    for place in range(0, len(cohort), 7):
        worth, kind = maker.values(records, cohort["lead_id"][place], cohort["as_of"][place])
        np.testing.assert_equal((worth, kind), (batch["visits_worth"][place], batch["newest_kind"][place]))


def test_only_columns_of_features_are_handed_over(source: Source, tables: Any, cohort: pd.DataFrame) -> None:
    seen: list[SeenLead] = []
    offer("own:newest", lambda: lambda lead: seen.append(lead))
    build_matrix(tables, cohort.head(3), own(source), source)
    assert set(seen[0].lead) == {"created_at", "size"}
    with pytest.raises(ContractError, match="'outcomes'; handed over are leads, activities"):
        seen[0].rows("outcomes")


def test_a_sound_function_passes_the_check(source: Source, tables: Any, cohort: pd.DataFrame) -> None:
    found = check_functions(tables, source, build_catalog(source), cohort)
    assert found["feature"].tolist() == ["visits_worth", "newest_kind"] and (found["moments"] == 40).all()


def of_the_batch(seen: SeenRows) -> Any:
    return fast(seen) - seen.table("activities")["value"].mean()


def other_than_its_oracle(seen: SeenRows) -> Any:
    return seen.table("activities").groupby("moment")["value"].sum(min_count=1)


@pytest.mark.parametrize(
    ("function", "said"),
    [(of_the_batch, "together with others, but .* alone"), (other_than_its_oracle, "by its oracle")],
)
def test_what_depends_on_others_or_differs_from_its_oracle_is_refused(
    function: Any, said: str, source: Source, tables: Any, cohort: pd.DataFrame
) -> None:
    offer("own:fast", lambda: function)
    with pytest.raises(ContractError, match=f"'visits_worth'.*{said}"):
        check_functions(tables, source, build_catalog(source), cohort)


def test_a_function_that_reads_rows_known_later_from_elsewhere_is_refused(
    source: Source, tables: Any, cohort: pd.DataFrame
) -> None:
    def peeks(lead: SeenLead) -> float:  # what a notebook's global would give
        return float((tables["activities"]["known_at"] < lead.as_of + pd.Timedelta(days=9)).sum())

    calls = iter(range(10**6))
    offer("own:slow", lambda: peeks)
    with pytest.raises(ContractError, match="by its oracle"):
        check_functions(tables, source, build_catalog(source), cohort)
    offer("own:newest", lambda: lambda lead: f"call {next(calls)}")
    offer("own:slow", lambda: slow)
    with pytest.raises(ContractError, match="'newest_kind'"):
        check_functions(tables, source, build_catalog(source), cohort)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda seen: 1 / 0, "failed with ZeroDivisionError"),
        (lambda seen: [1.0], "gave list of length 1 for 96 moments"),
        (lambda seen: None, "gave NoneType of length 0"),
        (lambda seen: ["a"] * len(seen), "gave 'a', no finite number"),
        (lambda seen: [float("inf")] * len(seen), "gave inf, no finite number"),
        (lambda seen: [10**400] * len(seen), "gave 1000000.*, no finite number"),
        (lambda seen: [1 + 2j] * len(seen), "gave .*, no finite number"),
        (lambda seen: seen.moments["as_of"].to_numpy(), "gave .*2024-01-03.*, no finite number"),
        (lambda seen: seen.table("activities").set_index("moment")["value"], "gave more than one value for moment"),
    ],
)
def test_values_of_another_kind_are_told(
    function: Callable[[Any], Any], said: str, source: Source, tables: Any, cohort: pd.DataFrame
) -> None:
    offer("own:fast", lambda: function)
    with pytest.raises(ContractError, match=f"feature 'visits_worth': own:fast {said}"):
        build_matrix(tables, cohort, own(source), source)


def test_gaps_of_single_precision_are_gaps_and_no_moments_have_no_values(
    source: Source, tables: Any, cohort: pd.DataFrame
) -> None:
    offer("own:fast", lambda: lambda seen: np.where(np.arange(len(seen)) % 2, np.nan, 0.5).astype(np.float32))
    made = build_matrix(tables, cohort, own(source), source)["visits_worth"]
    np.testing.assert_equal(made.head(4).to_numpy(), [0.5, np.nan, 0.5, np.nan])
    assert build_matrix(tables, cohort.head(0), own(source), source).shape == (0, 2)


def test_nothing_is_imported_before_a_value_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "own_noisy.py").write_text("raise RuntimeError('imported')\n")
    found = parse_source(DECLARED.replace("own:slow", "own_noisy:slow"))
    offer_functions(found, tmp_path)
    assert "visits_worth" in build_catalog(found).names
    with pytest.raises(SourceError, match=r"line 10: 'own_noisy:slow' cannot be imported \(RuntimeError: imported"):
        function_of("own_noisy:slow", "visits_worth")
    with pytest.raises(ContractError, match="not loaded here"):
        function_of("never_offered:f", "visits_worth")


def test_the_digest_is_of_the_file_that_was_imported_and_of_what_is_wrapped(tmp_path: Path) -> None:
    text = "from functools import partial\ndef g(of, lead):\n    return of\nslow = partial(g, 1)\n"
    declared = DECLARED.replace("own:newest", "{0}:slow").replace('"own:slow", function: "own:fast"', '"{0}:slow"')

    def digest(name: str, written: str) -> str:
        (tmp_path / f"{name}.py").write_text(written)
        found = parse_source(declared.replace("{0}", name))
        offer_functions(found, tmp_path)
        return code_of(build_catalog(found))["visits_worth"]

    first = digest("own_wrapped", text)
    assert digest("own_wrapped_too", text.replace("1", "2")) != first, "not of functools"
    assert digest("own_wrapped", text.replace("1", "3")) == first, "this process still runs what it imported"


def test_the_digest_is_of_helpers_beside_the_function_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "own_main.py": "import numpy\nimport own_helper\nfrom own_pack import deep\ndef slow(lead):\n    return 1\n",
        "own_helper.py": "X = 1\ndef later():\n    import own_late\n",
        "own_late.py": "Z = 1\n",
        "own_pack/__init__.py": "from . import near\n",
        "own_pack/near.py": "N = 1\n",
        "own_pack/deep.py": "from .deepest import D\n",
        "own_pack/deepest.py": "D = 1\n",
        "own_unused.py": "A = 1  # nobody imports it\n",
        "numpy.py": "B = 1  # what is installed comes first\n",
    }
    (tmp_path / "own_pack").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = parse_source(DECLARED.replace("own:", "own_main:").replace(":fast", ":slow").replace(":newest", ":slow"))

    def digest() -> str:
        for name in [name for name in sys.modules if name.startswith("own_") and name.split(".")[0] in ours]:
            monkeypatch.delitem(sys.modules, name)  # as in a process begun now
        importlib.invalidate_caches()
        offer_functions(found, tmp_path)
        return code_of(build_catalog(found))["visits_worth"]

    ours = {name.split("/")[0].removesuffix(".py") for name in files}
    before, changed = digest(), set()
    assert digest() == before
    for name, text in files.items():
        (tmp_path / name).write_text(text + "# edited\n")
        changed |= {name} if digest() != before else set()
        (tmp_path / name).write_text(text)
    assert changed == files.keys() - {"own_unused.py", "numpy.py"}
    (tmp_path / "own_helper.py").write_text("X = 2\n")
    assert code_of(build_catalog(found))["visits_worth"] == before, "this process still runs what it imported"


def test_a_matrix_of_other_code_is_not_learned_from(source: Source) -> None:
    catalog = own(source)
    built = code_of(catalog)
    assert require_code_built(built, catalog) == built
    offer("own:fast", lambda: function_of)  # of another module
    with pytest.raises(ContractError, match=r"other code of 'visits_worth' than .* leadscore matrix"):
        require_code_built(built, catalog)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: EUR", "when_empty: no", "no value of a number"),
        ("when_empty: none", "direction: 1", "a category has no order"),
        ("doc: Worth of all visits.,", "", "doc: Field required"),
        ('oracle: "own:slow", ', "", "oracle: Field required"),
        ("oracle:", "orakle:", "did you mean 'oracle'"),
    ],
)
def test_a_wrong_declaration_is_told(old: str, new: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        parse_source(DECLARED.replace(old, new, 1))


def test_a_name_that_is_taken_and_a_source_without_clocks_are_refused() -> None:
    with pytest.raises(ContractError, match=r"'size' .* is declared twice"):
        build_catalog(parse_source(DECLARED.replace("visits_worth", "size")))
    flat = """
name: mine
kind: flat
flat: {target: {column: won, won: ["1"], lost: ["0"]}}
tables: {leads: {location: {file: a.csv}, columns: {won: {type: category}}}}
features: [{name: a, oracle: "own:slow", doc: A.}]
"""
    with pytest.raises(SourceError, match="a flat source has no clocks"):
        parse_source(flat)


def test_a_server_imports_it_only_where_the_operator_says_so_and_only_the_code_trained_with(
    tiny_demo: Any, tmp_path: Path
) -> None:
    (tmp_path / "own_served.py").write_text("def f(lead):\n    return None\n")
    source = parse_source(
        DECLARED.replace('"own:slow", function: "own:fast"', '"own_served:f"').replace("own:newest", "own_served:f")
    )
    offer_functions(source, tmp_path)
    context, catalog = replace(tiny_demo.context, source=source, rubric=None), build_catalog(source)
    bundle = load_bundle(tiny_demo.context.paths.train / "bundle")
    trained = replace(bundle, catalog=catalog, rubric=None, meta={**bundle.meta, "own_code": code_of(catalog)})
    assert not ServeSettings().own_code
    assert catalog_for(context, trained).hash == catalog.hash
    with pytest.raises(BundleError, match="LEADSCORE_SERVE_OWN_CODE"):
        catalog_for(replace(context, own_code=False), trained)
    stale = replace(trained, meta={**trained.meta, "own_code": {"newest_kind": "0" * 64}})
    with pytest.raises(BundleError, match="other code of feature 'newest_kind'"):
        catalog_for(context, stale)
    matrix: Any = SimpleNamespace(catalog=catalog)
    assert matrix_for(context, trained, matrix) is matrix
    with pytest.raises(BundleError, match="other code"):
        matrix_for(context, stale, matrix)


def test_a_bundle_of_other_code_fits_no_matrix_and_scores_nobody(tiny_demo: Any, tmp_path: Path) -> None:
    (tmp_path / "own_lasting.py").write_text("def f(lead):\n    return None\n")
    source = parse_source(
        DECLARED.replace('"own:slow", function: "own:fast"', '"own_lasting:f"').replace("own:newest", "own_lasting:f")
    )
    offer_functions(source, tmp_path)
    context = replace(tiny_demo.context, source=source, paths=Paths(tmp_path, "mine"))
    bundle = load_bundle(tiny_demo.context.paths.train / "bundle")
    catalog = Catalog((*bundle.catalog, *own(source)))
    write_json(context.paths.matrix / "matrix.json", {"catalog": catalog.records()})
    for name, digests in (("sound", code_of(catalog)), ("stale", {"visits_worth": "0" * 64})):
        save_bundle(replace(bundle, catalog=catalog, meta={**bundle.meta, "own_code": digests}), tmp_path / name)
    assert fits(context, tmp_path / "sound")
    assert not fits(context, tmp_path / "stale"), "so what is trained next takes its place"
    with pytest.raises(BundleError, match=r"other code of feature 'visits_worth'.*leadscore run"):
        find_bundle(context, str(tmp_path / "stale"))


def test_other_code_behind_features_or_candidates_is_something_new(tiny_demo: Any, tmp_path: Path) -> None:
    declared = DECLARED + "candidates: [{name: mine, estimator: 'own_estimator:Mine', reads: numbers}]\n"
    text = "class Mine:\n    pass\n"
    source = parse_source(declared)
    here = {"source_path": tmp_path / "mine.yaml", "paths": Paths(tmp_path, "mine"), "own_code": True}
    context = replace(tiny_demo.context, source=source, **here)
    matrix = context.paths.matrix

    def fingerprints(
        mine: str = text, feature: str = "1", names: tuple[str, ...] = ("visits_worth",)
    ) -> tuple[str, ...]:
        sys.modules.pop("own_estimator", None)  # as in a process begun now
        (tmp_path / "own_estimator.py").write_text(mine)
        importlib.invalidate_caches()
        catalog = Catalog(tuple(one for one in own(source) if one.name in names))
        write_json(matrix / "matrix.json", {"catalog": catalog.records()})
        write_json(matrix / "own_code.json", {"visits_worth": feature})
        return features_fingerprint(context), fingerprint_of(context)

    before = fingerprints()
    assert fingerprints() == before
    for changed in (fingerprints(text + "# edited\n"), fingerprints(feature="2"), fingerprints(names=())):
        assert changed[0] != before[0] and changed[1] != before[1]
