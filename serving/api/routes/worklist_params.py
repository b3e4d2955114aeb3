"""What a request asks of the worklist: filters, order and page, with what each of them means."""

from typing import Annotated, Literal

from fastapi import Depends, Query

from features.schema.vocabulary import LeadList
from serving.state.worklist.worklist_query import PAGE_LIMIT, Sort, WorklistQuery

Show = Literal["open", "new", "snoozed", "all"]


def parse_worklist_query(
    owner: Annotated[str, Query(max_length=200, description="only leads of this owner")] = "",
    state: Annotated[str, Query(max_length=40, description="only leads in this state: lead, iql, mql, sql, pql")] = "",
    lead_list: Annotated[
        LeadList | Literal[""],
        Query(
            alias="list",
            description="to_hand_off (marketing), to_work (sales), watching, resting (recycled), customers, closed; "
            "the last three have no score",
        ),
    ] = "",
    stage: Annotated[str, Query(max_length=40, description="only leads in this stage of the CRM")] = "",
    grade: Annotated[
        str, Query(pattern=r"^([A-D][1-4]?)?$", description="only this fit letter, or letter and number")
    ] = "",
    segment: Annotated[
        str, Query(max_length=300, description="only this part: 'industry:retail', or a value of the declared segment")
    ] = "",
    unknown: Annotated[
        str, Query(max_length=40, description="only leads of whom nothing is known about this criterion")
    ] = "",
    minimum: Annotated[int, Query(ge=0, le=100, description="lowest score")] = 0,
    search: Annotated[
        str, Query(max_length=200, description="words to find in ids and display columns; accents and case aside")
    ] = "",
    sort: Annotated[
        Sort,
        Query(description="score, points (of the rubric), change, newest, value, waiting (in its stage), name or lead"),
    ] = "score",
    reverse: Annotated[bool | Literal[""], Query(description="the order turned round")] = "",
    disagree: Annotated[
        bool | Literal[""], Query(description="only leads that only one of rubric and model would hand off")
    ] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
) -> WorklistQuery:
    """The query of a request; an empty text, as forms send it, is not a filter."""
    return WorklistQuery(
        owner=owner or None, state=state, lead_list=str(lead_list), stage=stage, grade=grade,
        segment=segment, unknown=unknown, minimum=minimum, search=search, sort=sort, reverse=bool(reverse),
        disagree=bool(disagree), page=page, size=size,
    )  # fmt: skip


Asked = Annotated[WorklistQuery, Depends(parse_worklist_query)]
