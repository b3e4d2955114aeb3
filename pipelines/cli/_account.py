"""Commands about an account's contacts and about frameworks on one's own data."""

from typing import Any

from pipelines.cli.output import Options, Output


def account_command(options: Options, account_id: str, framework: str | None, as_of: str | None, output: Output) -> int:
    """Contacts by criteria."""
    context = options.context()
    from pipelines.scoring.account_evidence import account_of

    found = account_of(context, account_id, framework=framework, as_of=as_of)
    if output.as_json:
        output.record(found)
        return 0
    labels: dict[str, str] = found["framework"]["labels"]
    rows = [
        (row["lead_id"], row["rank"].replace("_", " ") or "-", *(_cell(row["criteria"][name]) for name in labels))
        for row in found["contacts"]
    ]
    account = [f"{found['account'][name]['status'].replace('_', ' ')}" for name in labels]
    rows.append(("the account", "", *account))
    output.table(f"Account {account_id} as of {found['as_of'][:16]}", ("contact", "rank", *labels.values()), rows)
    for name in found["conflicts"]:
        winner = found["account"][name]
        output.text(
            f"{labels[name]}: contacts disagree; '{winner['status'].replace('_', ' ')}' by {winner['from']} stands "
            f"({found['rule']})."
        )
    return 0


def _cell(found: dict[str, Any]) -> str:
    age = "" if found["age_days"] is None else f", {found['age_days']:.0f} d"
    return f"{found['status'].replace('_', ' ')}{age}"


def frameworks_command(options: Options | None, output: Output) -> int:
    """Frameworks, their trade-offs and, after a run, the share of leads each criterion is unknown for."""
    from models.explaining.framework import framework_names, load_framework

    found = [load_framework(name) for name in framework_names()]
    shares: dict[str, dict[str, float]] = {}
    if options is not None:
        from pipelines.scoring.account_evidence import unknown_shares

        shares = unknown_shares(options.context(), found)
    if output.as_json:
        output.record([f.model_dump(mode="json") | {"unknown": shares.get(f.name)} for f in found])
        return 0
    columns = ("name", "criteria", "trade-off")
    rows = [(f.name, ", ".join(_criteria(f, shares.get(f.name))), f.tradeoff) for f in found]
    output.table("Frameworks" + (" (share of leads unknown)" if shares else ""), columns, rows)
    return 0


def _criteria(framework: Any, shares: dict[str, float] | None) -> list[str]:
    return [
        criterion.label if shares is None else f"{criterion.label} {shares[name]:.0%}"
        for name, criterion in framework.criteria.items()
    ]
