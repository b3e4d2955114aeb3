"""The ideal customer is declared, checked, said on the card, and judged by outcomes."""

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog, Feature, FeatureType
from features.errors import PolicyError
from features.matrix import Matrix
from features.schema.operations import ColumnValue
from features.schema.vocabulary import Dimension, Topic
from models.explaining.profile import Profile, Trait
from models.explaining.qualification import qualify
from models.explaining.qualification_policy import parse_qualification
from models.judging.cluster_bootstrap import Resampling
from models.judging.rubrics.customer_profiles import judge_profiles
from pipelines.report.qualification_section import flow, list_clearest, profile_line
from tests.unit.test_qualification_policy import GOOD, policy_inputs

PROFILE = """
profile:
  ideal:
    - {attribute: industry, values: [Software, finance]}
    - {attribute: employees, minimum: 50, maximum: 500}
  exclusions:
    - {attribute: industry, values: [gambling], reason: no_gambling}
  personas:
    - {name: buyer, seniority: [owner, vp]}
    - {name: user, function: [it]}
"""


def feature(name: str, family: str, params: ColumnValue) -> Feature:
    return Feature(
        name=name,
        family=family,
        dimension=Dimension.FIT,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER if name == "employees" else FeatureType.CATEGORY,
        when_empty=None,
        doc=f"{name}.",
        unit="",
        known_when="",
        params=params,
        label="staff" if name == "employees" else "",
    )


CATALOG = Catalog(
    (
        feature("industry", "attributes", ColumnValue(table="accounts", column="industry")),
        feature("employees", "attributes", ColumnValue(table="accounts", column="employees")),
        feature("title_seniority", "titles", ColumnValue(table="leads", column="title", derive="seniority")),
        feature("title_function", "titles", ColumnValue(table="leads", column="title", derive="function")),
    )
)


def declared() -> Profile:
    return parse_qualification(GOOD + PROFILE).profile


def values(rows: int = 4) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "industry": pd.Series(["software", "retail", "gambling", None], dtype="str"),
            "employees": [60.0, 9.0, np.nan, 500.0],
            "title_seniority": pd.Series(["vp", None, "staff", "owner"], dtype="str"),
            "title_function": pd.Series(["it", "it", None, None], dtype="str"),
        }
    )
    return pd.concat([frame] * (rows // 4), ignore_index=True)


def test_a_mismatch_is_said_in_words_and_what_is_unknown_is_no_mismatch() -> None:
    rows = values()
    said = [declared().mismatches(rows.iloc[k], CATALOG) for k in range(4)]
    assert said[0] == ([], []), "case does not matter"
    assert said[1][0] == [
        "industry is retail; the ideal customer has Software or finance",
        "staff is 9; the ideal customer has 50 to 500",
    ]
    assert said[2] == (["industry is gambling; the ideal customer has Software or finance"], ["staff"])
    assert said[3] == ([], ["industry"]), "ends of a range belong to it"


def test_an_exclusion_is_a_proposal_with_its_reason_and_nothing_else_changes() -> None:
    profile = declared()
    assert profile.exclusion_reasons(values()).tolist() == ["", "", "no_gambling", ""]
    assert profile.persona(values(), CATALOG).tolist() == ["buyer", "user", "", "buyer"], "the first that fits"
    now = policy_inputs([70] * 4, statuses={"authority": ["not_met"] * 4}, excluded=profile.exclusion_reasons(values()))
    found = qualify(now, parse_qualification(GOOD + PROFILE))
    assert found.next_action.tolist() == ["ask", "ask", "disqualify", "ask"]
    assert found.reason.tolist() == ["no_authority", "no_authority", "no_gambling", "no_authority"]
    assert set(found.state) == {"mql"}, "the state stays: a person decides"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("values: [gambling]", "values: [finance]", "line 16: 'industry' of finance is both ideal and excluded"),
        ("minimum: 50", "minimum: 900", "minimum 900 is above maximum 500"),
        ("values: [Software, finance]", "values: [], maximum: 3, minimum: 9", "minimum 9 is above maximum 3"),
        ("{attribute: employees, minimum: 50, maximum: 500}", "{attribute: employees}", "either values or a range"),
        ("{name: user, function: [it]}", "{name: buyer, function: [it]}", "line 19: persona 'buyer' appears twice"),
        ("seniority: [owner, vp]", "seniority: [boss]", "line 18"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    assert old in PROFILE
    with pytest.raises(PolicyError) as error:
        parse_qualification(GOOD + PROFILE.replace(old, new, 1))
    assert said in str(error.value)


def test_an_attribute_nobody_declared_is_refused_with_those_there_are() -> None:
    wrong = Profile(ideal=(Trait(attribute="size", minimum=1),))
    with pytest.raises(
        PolicyError, match=r"'size', which is not a feature of this source\. Known: industry, employees"
    ):
        wrong.check(CATALOG)
    several = Profile(ideal=(Trait(attribute="size", minimum=1), Trait(attribute="town", values=("x",))))
    with pytest.raises(
        PolicyError, match=r"'size', 'town', which are no features .* Take those traits out of the policy"
    ):
        several.check(CATALOG)


def judged_matrix() -> Matrix:
    """400 leads with two rows each; software wins four times as often; the second row knows nothing new."""
    rng = np.random.default_rng(0)
    lead = np.repeat(np.arange(400), 2)
    frame = values(400).iloc[lead].reset_index(drop=True)
    won = rng.random(400) < np.where(values(400)["industry"] == "software", 0.4, 0.1)
    label = np.where(np.arange(800) % 2 == 0, 0.0, won[lead].astype(float))
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series(lead.astype(str), dtype="str"),
            "as_of": pd.NaT,
            "account_id": pd.Series(lead.astype(str), dtype="str"),
            "group": pd.Series(lead.astype(str), dtype="str"),
            "episode": 0,
            "order": np.arange(800),
            "age_days": np.nan,
            "segment": pd.Series([pd.NA] * 800, dtype="str"),
        }
    )
    matured = np.ones(800, dtype=np.bool_)
    matured[-80:] = False
    label[-80:] = np.nan
    known = pd.Series(pd.NaT, index=range(800), dtype="datetime64[us]")
    return Matrix(
        catalog=CATALOG,
        values=frame,
        keys=keys,
        label=label,
        matured=matured,
        label_known_at=known,
        weight=np.full(800, 0.5),
        ordered=True,
        amount=np.full(800, np.nan),
    )


def test_each_lead_counts_once_won_if_any_row_was_and_unmatured_leads_not_at_all() -> None:
    found = judge_profiles(judged_matrix(), np.repeat(np.arange(400), 2).astype(np.int64), declared(), Resampling(300))
    assert found.leads == 360
    rows = found.attributes.set_index(["attribute", "value"])
    assert rows.loc[("industry", "software"), "leads"] == rows.loc[("industry", "(unknown)"), "leads"] == 90
    assert rows.loc[("industry", "software"), "verdict"] == "more often won"
    assert "more often won" not in set(rows.loc["industry"].drop("software")["verdict"])
    assert rows.loc[("industry", "software"), "low"] < rows.loc[("industry", "software"), "rate"]
    whole = rows.loc["industry"]
    assert whole["won"].sum() == found.won and whole["share_of_won"].sum() == pytest.approx(1)
    ideal = found.declared.set_index(["attribute", "value"])
    assert ideal.loc[("ideal customer", "all of it"), "leads"] == 90
    assert ideal.loc[("ideal staff", "anything else"), "leads"] == 90, "unknown is neither"
    assert ideal.loc[("excluded: no gambling", "gambling"), "leads"] == 90
    assert found.record()["declared"][0]["attribute"] == "ideal industry"


def test_what_outcomes_bear_out_is_said_and_what_they_do_not() -> None:
    rows = [
        {"attribute": "ideal industry", "value": "software", "verdict": "more often won"},
        {"attribute": "ideal industry", "value": "anything else", "verdict": "less often won"},
        {"attribute": "ideal staff", "value": "50 to 500", "verdict": ""},
        {"attribute": "excluded: no gambling", "value": "gambling", "verdict": ""},
    ]
    assert profile_line(rows) == (
        "Of 2 parts of the declared ideal customer, 1 win more often than the rest (ideal industry). "
        "Not borne out by outcomes: the exclusion of no gambling."
    )
    assert "write a 'profile'" in profile_line([])
    clear = [{"attribute": "a", "value": "b_c", "verdict": "x", "rate": 0.5, "leads": 1200}]
    assert (
        list_clearest([row | {"share_of_won": 0.2, "share_of_rest": 0.1} for row in clear], "x")
        == "a b c (50% of 1,200)"
    )


def test_the_drawn_policy_asks_in_order_and_ends_with_what_is_left() -> None:
    steps = flow(parse_qualification(GOOD))
    assert [step["state"] for step in steps] == ["SQL", "MQL", "IQL", "LEAD"]
    assert steps[0]["asks"] == "score >= 60 and budget met and need met and nothing refused"
    assert steps[1]["then"] == "ask, sales" and steps[-1]["asks"] == ""


MORE = """
profile:
  personas:
    - name: busy evaluator
      function: [it]
      traits: [{attribute: industry, values: [software]}]
      behaviour: [{attribute: employees, minimum: 50}]
    - {name: user, function: [it]}
"""


def test_a_persona_asks_for_title_company_and_behaviour_together() -> None:
    profile = parse_qualification(GOOD + MORE).profile
    rows = pd.DataFrame(
        {
            "industry": ["software", "software", "finance", None, "software"],
            "employees": [80.0, 10.0, 80.0, 80.0, np.nan],
            "title_seniority": ["head"] * 5,
            "title_function": ["it", "it", "it", "it", "it"],
        }
    )
    expected = ["busy evaluator", "user", "user", "user", "user"]
    assert profile.persona(rows, CATALOG).tolist() == expected
    assert [profile.persona_of(row, CATALOG) for row in rows.to_dict(orient="records")] == expected
    profile.check(CATALOG)
    unknown = parse_qualification(GOOD + MORE.replace("attribute: employees", "attribute: staff")).profile
    with pytest.raises(PolicyError, match="'staff'"):
        unknown.check(CATALOG)
    with pytest.raises(PolicyError, match="needs a seniority, a function, traits or a behaviour"):
        parse_qualification(GOOD + "profile:\n  personas:\n    - {name: nobody}\n")
