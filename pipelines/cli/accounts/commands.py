"""Commands on accounts: one account as a whole, and anybody found by mail, domain or name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Options, Output, options

app = typer.Typer()


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(help="account id in the source")],
    framework: Annotated[str | None, typer.Option("--framework", help="qualification framework")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO timestamp; default: data cut-off")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show an account: score, open and closed leads, seats of the committee, who disagrees and who is believed."""
    return account_command(options(source, data_dir), account_id, framework, as_of, Output(json))


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="mail address, domain, name of a person or company, or id")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO timestamp; default: data cut-off")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Find anybody: open leads, closed ones, customers and companies; accents and case do not matter."""
    return find_command(options(source, data_dir), text, as_of, Output(json))


@app.command()
def expansion(
    source: Source = "demo",
    data_dir: DataDir = "data",
    product: Annotated[str | None, typer.Option("--product", help="only this product")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="rows to print")] = 20,
    out: Annotated[str | None, typer.Option("--out", help="CSV to write all of them to")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """List customers of the last run whose people show interest in a product they do not own, likeliest first."""
    return expansion_command(options(source, data_dir), product, limit, out, Output(json))


def account_command(options: Options, account_id: str, framework: str | None, as_of: str | None, output: Output) -> int:
    """One account, from its score down to its deals."""
    context = options.context()
    from pipelines.scoring.accounts.account_evidence import account_of

    found = account_of(context, account_id, framework=framework, as_of=as_of)
    if output.as_json:
        output.record(found)
        return 0

    names = {row["lead_id"]: row["name"] or row["lead_id"] for row in found["leads"]}
    output.text("\n".join(account_lines(found, names)))
    _show_leads(found, output)
    _show_seats(found, names, output)
    _show_criteria(found, output)
    _show_products(found["products"], output)
    if found["deals"]:
        rows = [
            (
                deal["closed_at"][:10],
                "won" if deal["won"] else "lost",
                deal["product"] or "-",
                deal["kind"] or "-",
                "-" if deal["amount"] is None else f"{deal['amount']:,.0f}",
                deal["reason"] or "-",
            )
            for deal in found["deals"]
        ]
        output.table("Deals", ("closed", "outcome", "product", "kind", "amount", "reason"), rows)
    return 0


def account_lines(found: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """The head of an account: who it is, its score with its way, customer or not, the next step."""
    from models.explaining.language import ENGLISH

    lines = [f"{found['company'] or 'Account'} ({found['account_id']}) as of {found['as_of'][:16]}"]
    score = found["score"]
    if score is None:
        lines.append("No lead is open.")
    else:
        lines.append(
            f"Score {score['best']} by {names[score['best_lead']]}, the best of {score['open_leads']} open; the chance "
            f"that any is won is at most {ENGLISH.chance(score['probability_any'], 0)} (as if they decided alone)."
        )
    weeks = [row["best"] for row in found["history"]]
    if len(weeks) > 1:
        lines.append(f"Best score by week: {' '.join(map(str, weeks))}")
    customer = found["customer"]
    if customer is not None:
        owned = ", ".join(customer["products"]) or "no product named"
        lines.append(f"Customer since {customer['since'][:10]}: {customer['wins']} won, {owned}.")
    step = found["next_step"]
    if step is not None:
        lines.append(f"Next: find the {step['label']}; ask {names[step['ask']]} for an introduction.")
    return lines


def _show_products(products: Sequence[Mapping[str, Any]], output: Output) -> None:
    rows = [
        (
            row["label"],
            "-" if row["owned_since"] is None else f"since {row['owned_since'][:10]}",
            row["signs"],
            row["contacts"],
            "-" if row["last_sign"] is None else row["last_sign"][:10],
            "-" if row["score"] is None else row["score"],
        )
        for row in products
    ]
    if rows:
        output.table("Products", ("product", "owned", "signs", "contacts", "last sign", "score"), rows)


def expansion_command(options: Options, product: str | None, limit: int, out: str | None, output: Output) -> int:
    """Interest of customers in products they do not own."""
    context = options.context()
    from pipelines.scoring.accounts.account_rollup import read_expansion
    from pipelines.workspace.csv_files import write_csv
    from pipelines.workspace.table_files import records_of

    found = read_expansion(context, product)
    if out is not None:
        write_csv(Path(out), found)
    if output.as_json:
        output.record(records_of(found.head(limit)))
        return 0
    rows = [
        (
            row["account_id"],
            row.get("company") or "-",
            row["label"],
            "-" if row["score"] is None else int(row["score"]),
            row["signs"],
            row["contacts"],
            row["last_sign"][:10],
            row["best_lead"] or "-",
            row["owns"],
        )
        for row in records_of(found.head(limit))
    ]
    columns = ("account", "company", "product", "score", "signs", "contacts", "last sign", "best lead", "owns")
    output.table(f"{len(found):,} times a customer shows interest in a product it does not own", columns, rows)
    return 0


def _show_leads(found: Mapping[str, Any], output: Output) -> None:
    rows = [
        (
            lead["lead_id"],
            lead["name"],
            lead["title"] or "-",
            "-" if lead["score"] is None else lead["score"],
            (lead["stage"] or "-").upper() if lead["open"] else lead["closed"].split(",")[0],
            "-" if lead["state"] is None else lead["state"].upper(),
            "do not contact" if lead["silenced"] else (lead["next_action"] or "-").replace("_", " "),
            lead["owner"] or "-",
            "yes" if lead["active"] else "no",
        )
        for lead in found["leads"]
    ]
    columns = ("contact", "name", "title", "score", "CRM stage", "our state", "next", "owner", "active")
    output.table("Contacts, open ones first", columns, rows)


def _show_seats(found: Mapping[str, Any], names: Mapping[str, str], output: Output) -> None:
    rows = []
    for seat in found["seats"]:
        who = [f"{names[h['lead_id']]} ({h['basis']}: {h['because']})" for h in seat["holders"]]
        status = _seat_words(seat)
        split = ", ".join(found["framework"]["labels"][name] for name in seat["in_conflict"])
        rows.append((seat["label"], status, "; ".join(who) or "-", split or "-"))
    output.table("Seats of the committee", ("seat", "status", "who, by what", "holders differ on"), rows)


def _seat_words(seat: Mapping[str, Any]) -> str:
    if seat["status"] == "missing":
        return "missing" if seat["wanted"] else "nobody seen"
    remark = "in conflict" if seat["in_conflict"] else "silent" if seat["silent"] else ""
    return f"{seat['status']}, {remark}" if remark else str(seat["status"])


def _show_criteria(found: Mapping[str, Any], output: Output) -> None:
    labels: dict[str, str] = found["framework"]["labels"]
    rows = [
        (row["lead_id"], row["rank"].replace("_", " ") or "-", *(_cell(row["criteria"][name]) for name in labels))
        for row in found["contacts"]
    ]
    account = [f"{found['account'][name]['status'].replace('_', ' ')}" for name in labels]
    rows.append(("the account", "", *account))
    output.table("What they say", ("contact", "rank", *labels.values()), rows)
    for name in found["conflicts"]:
        winner = found["account"][name]
        output.text(
            f"{labels[name]}: contacts disagree; '{winner['status'].replace('_', ' ')}' by {winner['from']} is used "
            f"({found['rule']})."
        )


def _cell(found: Mapping[str, Any]) -> str:
    age = "" if found["age_days"] is None else f", {found['age_days']:.0f} d"
    return f"{found['status'].replace('_', ' ')}{age}"


def find_command(options: Options, text: str, as_of: str | None, output: Output) -> int:
    """People and companies behind a mail, a domain, a name or an id."""
    context = options.context()
    from pipelines.scoring.accounts.find_people import find_people

    found = find_people(context, text, as_of=as_of)
    if output.as_json:
        output.record(found)
        return 0
    if not found["people"] and not found["companies"]:
        output.text(f"Nobody is found by '{text}'. Try part of the name, the mail's domain, or the id.")
        return 0
    output.table(f"People: {found['people_found']}", *_people_table(found["people"]))
    if found["companies"]:
        output.table(f"Companies: {found['companies_found']}", *_company_table(found["companies"]))
    return 0


def _people_table(people: Sequence[Mapping[str, Any]]) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    rows = [
        (
            row["lead_id"],
            row["name"] or "-",
            row["company"] or "-",
            "-" if row["score"] is None else row["score"],
            "open" if row["open"] else row["closed"].split(",")[0],
        )
        for row in people
    ]
    return ("lead", "name", "company", "score", "where it stands"), rows


def _company_table(companies: Sequence[Mapping[str, Any]]) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    rows = [
        (
            row["account_id"],
            row["company"] or "-",
            f"{row['open_leads']} of {row['leads']}",
            "-" if row["customer_since"] is None else f"since {row['customer_since'][:10]}",
            f"{row['wins']} won, {row['losses']} lost",
        )
        for row in companies
    ]
    return ("account", "company", "open leads", "customer", "deals"), rows
