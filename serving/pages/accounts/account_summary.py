"""What the account page shows, put into sentences and tiles from the account's record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.accounts.account_view import can_be_worked
from models.explaining.language import Language
from pipelines.scoring.shown_columns import MAILS, PHONES
from serving.pages.worklist.worklist_record import shade_of
from serving.state.app_state import AppState

KINDS = ("all", "open", "closed", "customer", "company")


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """``names`` are of the leads the caller may see; ``ask`` is whom the next step goes through, ``work`` the best lead
    that sales may work now, empty where none is.
    """

    names: Mapping[str, str]
    seats: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    known: int
    ask: dict[str, str] | None
    work: str
    active: int
    owners: tuple[str, ...]


def summarise_account(app_state: AppState, found: Mapping[str, Any], language: Language) -> AccountPage:
    """The page's record.

    Parameters
    ----------
    found : as :func:`serving.accounts.account_record.build_account` tells it
    """
    leads = {lead["lead_id"]: lead for lead in found["leads"]}
    names = {lead_id: lead["name"] or lead_id for lead_id, lead in leads.items()}
    step = found["next_step"]
    mine = (found["score"] or {}).get("best_lead")
    seats = tuple(_seat(seat, leads, names, mine, language) for seat in found["seats"])
    wanted = [seat for seat in found["seats"] if seat["wanted"]]
    return AccountPage(
        names=names,
        seats=seats,
        missing=tuple(language.text(seat["label"]) for seat in found["seats"] if seat["id"] in found["missing"]),
        known=sum(seat["status"] != "missing" for seat in wanted),
        ask=None if step is None else _contact(app_state, step["ask"], names),
        work=next((lead["lead_id"] for lead in found["leads"] if can_be_worked(lead)), ""),
        active=sum(bool(lead["active"]) for lead in found["leads"]),
        owners=tuple(dict.fromkeys(lead["owner"] for lead in found["leads"] if lead["owner"])),
    )


def _seat(
    seat: Mapping[str, Any],
    leads: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    mine: str | None,
    language: Language,
) -> dict[str, Any]:
    basis = {"answer": "by answer", "title": "by title", "activity": "by activity"}
    return {
        "id": seat["id"],
        "label": language.text(seat["label"]),
        "status": seat["status"],
        "wanted": seat["wanted"],
        "mine": any(holder["lead_id"] == mine for holder in seat["holders"]),
        "conflict": bool(seat["in_conflict"]),
        "silent": seat["silent"],
        "holders": [
            {
                "lead_id": holder["lead_id"],
                "name": names.get(holder["lead_id"], holder["lead_id"]),
                "title": f"{language.text(basis[holder['basis']])}: {holder['because']}",
                "score": leads.get(holder["lead_id"], {}).get("score"),
            }
            for holder in seat["holders"]
        ],
        "others": seat.get("held_by_others", 0),
        "meaning": language.text(seat["meaning"]) if seat["meaning"] else "",
    }


def _contact(app_state: AppState, lead_id: str, names: Mapping[str, str]) -> dict[str, str]:
    data = app_state.loaded.data
    display = data.display(data.code(lead_id))
    return {
        "lead_id": lead_id,
        "name": names.get(lead_id, lead_id),
        "phone": str(next((display[one] for one in PHONES if display.get(one)), "")),
        "mail": str(next((display[one] for one in MAILS if display.get(one)), "")),
    }


def sort_by_kind(found: Mapping[str, Any]) -> dict[str, Sequence[dict[str, Any]]]:
    """What a search found, by kind; open leads carry the shade of their score."""
    people = [person | {"shade": shade_of(person["score"], closed=not person["open"])} for person in found["people"]]
    companies = found["companies"]
    return {
        "open": [person for person in people if person["open"]],
        "closed": [person for person in people if not person["open"]],
        "customer": [company for company in companies if company["customer_since"]],
        "company": [company for company in companies if not company["customer_since"]],
    }
