"""Open leads that a single answer could qualify."""

import pandas as pd

from features.errors import ContractError
from models.one_answer_short import BY_POINTS, shortlist
from models.scoring import Beside, score
from pipelines.scoring.find_lead import facts_of, find_bundle
from pipelines.scoring.next_questions import load_open_leads, require_answers
from pipelines.workspace.context import Context


def shortlist_leads(context: Context, state: str | None = None) -> pd.DataFrame:
    """:func:`models.one_answer_short.shortlist` of the open leads under its policy, of one target state or all.

    Raises
    ------
    ContractError
        if the source has no answers, points score alone, or no rule of the policy leads to the state.
    """
    require_answers(context)
    bundle = find_bundle(context)
    if bundle.by_points:
        raise ContractError(f"source '{context.source.name}': {BY_POINTS}")
    leads = load_open_leads(context, bundle)
    scored = score(
        bundle,
        leads,
        context.framework,
        source=context.source,
        policy=context.policy,
        beside=Beside(facts_of(context, leads, None, {})),
    )
    found = shortlist(scored)

    if state is None:
        return found

    known = sorted({str(rule.state) for rule in scored.policy.rules})
    if state.lower() not in known:
        raise ContractError(
            f"no rule of policy '{scored.policy.name}' leads to '{state}'; choose one of {', '.join(known)}."
        )
    return found[(found["next_state"] == state.lower()).to_numpy()].reset_index(drop=True)
