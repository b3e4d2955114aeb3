"""What a person has to say before the first run of a declaration of several tables, because the export does not."""

from pipelines.declaring.exports.deal_outcomes import Wins
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.stage_blocks import StageHistory
from pipelines.declaring.exports.table_parts import are_alike
from pipelines.declaring.words.header_words import Subject


def find_questions(plan: ExportPlan, created: str, history: StageHistory | None, wins: Wins | None) -> list[str]:
    """Sentences for the top of the declaration, most important first; each is one line."""
    found = []
    leads = plan.leads
    if wins is None:
        found.append(
            "no table says which deals were won and lost, and when; without outcomes nothing can be learned. Add the "
            "table or columns that say so, or declare tables.outcomes."
        )
    deals = plan.roles.get(Subject.DEALS, "")
    if wins is not None and leads is not None and not wins.leads.notna().any():
        found.append(
            f"no column of '{deals}' refers to the leads of '{leads.name}': no win can be traced to one. Export the "
            "id of the lead or of its account with each deal."
        )
    if leads is not None and leads.name not in plan.keys:
        found.append(f"no column tells the rows of '{leads.name}' apart: name their id under lead_id.")
    if leads is not None and not created:
        found.append(f"no column says when the rows of '{leads.name}' came in: name it under created_at.")
    if history is not None and history.unknown:
        rows = int(history.table.frame[history.stage].isin(history.unknown).sum())
        found.append(
            f"{rows:,} rows of '{history.table.name}' enter stages that are not understood "
            f"({', '.join(history.unknown[:5])}): map them under tables.stages, or they go to quarantine."
        )
    found += _left_out_alike(plan)
    return found + [f"{table.name}: {table.question}" for table in plan.tables.values() if table.question]


def _left_out_alike(plan: ExportPlan) -> list[str]:
    """Tables of the same columns as one that is declared: most likely its other months, or an older export."""
    found = []
    for name in plan.guesses:
        table = plan.tables[name]
        alike = [
            other
            for other, _ in plan.left_over
            if other in plan.tables
            and are_alike([name, other], [list(map(str, one.frame.columns)) for one in (table, plan.tables[other])])
        ]
        rows = sum(len(plan.tables[other].frame) for other in alike)
        if alike:
            shown = ", ".join(alike[:3]) + (f" and {len(alike) - 3} more" if len(alike) > 3 else "")
            found.append(
                f"only '{name}' is declared, though {shown} ({rows:,} rows) hold the same columns. If they are parts "
                "of one table, put them into one file, or into files of one folder."
            )
    return found
