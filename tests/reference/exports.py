"""A small CRM export as files: relational, with one row of every kind of trouble where asked for."""

from pathlib import Path

from features.schema.load_source import load_source
from features.schema.source import Source

DECLARATION = """\
name: shop
kind: relational
title: A small shop
timezone: Europe/Berlin
data_cutoff: 2025-07-01T00:00:00Z
tables:
  accounts:
    location: {file: accounts.csv}
    columns:
      account_id: {from: Id}
      employees: {type: number, minimum: 0}
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Lead ID}
      created_at: {from: Created}
      account_id: {from: Account, when_known: at_creation}
      email: {role: personal}
      age: {type: number, role: sensitive, minimum: 0, maximum: 120}
      size: {values: [small, large]}
      revenue: {type: number}
      converted: {role: ignore, excluded_because: filled after the win}
  activities:
    location: {file: activities.csv}
    columns:
      activity_id: {from: id}
      lead_id: {}
      kind: {map: {open: email_open}}
      happened_at: {from: at}
      known_at: {}
  outcomes:
    location: {file: outcomes.csv}
    columns:
      opportunity_id: {from: deal}
      lead_id: {}
      closed_at: {}
      won: {map: {Closed Won: "true", Closed Lost: "false"}}
      amount: {}
activity_kinds:
  email_open: {dimension: interest}
  visit: {dimension: intent}
"""

ACCOUNTS = "Id,employees\nA1,10\nA2,250\n"
LEADS = """\
Lead ID;Created;Account;email;age;size;revenue;converted;note
L1;2025-01-06 09:00;A1;ann@example.org;34;small;1.200,50;no;x
L2;2025-01-07T10:00:00Z;A2;bob@example.org;;large;7,5;yes;x
L3;2025-01-08 11:00;;cid@example.org;61;Small;;no;x
"""
ACTIVITIES = """\
id,lead_id,kind,at,known_at
1,L1,open,2025-02-01 10:00,2025-02-01
2,L1,visit,2025-02-02 10:00,2025-02-03 10:00
3,L2,visit,2025-02-02,
,L3,visit,2025-02-04 10:00,
,L3,visit,2025-02-04 10:05,
"""
OUTCOMES = """\
deal,lead_id,closed_at,won,amount
D1,L1,2025-03-01 10:00,Closed Won,100
D2,L2,2025-03-02 10:00,Closed Lost,
"""


def write_export(folder: Path, **changed: str | bytes) -> Source:
    """The export's files and declaration in a folder; ``changed`` replaces files (``leads=...``) or ``declaration``."""
    texts: dict[str, str | bytes] = {
        "accounts": ACCOUNTS,
        "leads": LEADS,
        "activities": ACTIVITIES,
        "outcomes": OUTCOMES,
        **changed,
    }
    declaration = texts.pop("declaration", DECLARATION)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(raw)
    assert isinstance(declaration, str)
    path = folder / "shop.yaml"
    path.write_text(declaration, encoding="utf-8")
    return load_source(path)


FLAT = """\
name: calls
kind: flat
flat:
  target: {column: y, won: ["yes"], lost: ["no"]}
  order: row
tables:
  leads:
    location: {file: calls.csv}
    columns:
      job: {missing: [unknown]}
      age: {type: number, minimum: 0}
      y: {role: display}
"""
CALLS = "job;age;y\nclerk;30;no\nbaker;41;yes\nunknown;;no\n"


def write_flat(folder: Path, calls: str | bytes = CALLS, declaration: str = FLAT) -> Source:
    """A flat source of three calls."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "calls.csv").write_bytes(calls.encode() if isinstance(calls, str) else calls)
    path = folder / "calls.yaml"
    path.write_text(declaration, encoding="utf-8")
    return load_source(path)
