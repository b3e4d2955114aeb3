"""What an address says of a company without naming a person; today's values only with a reason."""

from pathlib import Path

import pandas as pd
import pytest

from features.catalog.build_catalog import build_catalog
from features.catalog.families.attributes import OverwrittenColumnError
from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from serving.problems import InvalidError
from serving.request_records import read_records
from serving.schemas import LeadRows

FLAT = """\
name: f
kind: flat
flat: {target: {column: s, won: [Won], lost: [Lost], open: [New]}, lead_id: key, order: row}
tables:
  leads:
    location: {file: f.csv}
    columns:
      key: {type: id, role: display}
      mail: {role: personal}
      mail_domain: {from: mail, derive: domain, role: display}
      mail_free: {from: mail, derive: free_mail}
      views: {type: number, when_known: overwritten, role: ignore}
      title: {title: true}
      s: {}
"""
ROWS = """\
key,mail,views,title,s
A,Ann <ann@Example.com>,1,CEO,Won
B,bob@gmail.com,2,Head of IT,Lost
C,not given,3,Intern,New
"""


def source(folder: Path, text: str = FLAT) -> Source:
    (folder / "f.csv").write_text(ROWS)
    return parse_source(text, path=folder / "f.yaml")


def test_an_address_gives_its_domain_and_whether_its_host_is_free(tmp_path: Path) -> None:
    declared = source(tmp_path)
    ingest(declared, Paths(tmp_path / "data", "f"))
    leads = pd.read_parquet(tmp_path / "data" / "f" / "ingest" / "leads.parquet")
    assert leads["mail_domain"].fillna("-").tolist() == ["example.com", "-", "-"]
    assert leads["mail_free"].astype("object").where(leads["mail_free"].notna(), None).tolist() == [False, True, None]
    names = build_catalog(declared).names
    assert set(names) == {"mail_free", "title_seniority", "title_function"}


@pytest.mark.parametrize(("mail", "free"), [("x@gmail.com", "true"), ("x@firm.example", "false"), ("none", None)])
def test_a_posted_address_gives_what_ingest_would_have(tmp_path: Path, mail: str, free: str | None) -> None:
    records, ignored = read_records(LeadRows(lead={"mail": mail}), source(tmp_path), "Z")
    assert records["leads"][0].get("mail_free") == free and ignored == []
    sent = LeadRows(lead={"mail": mail, "mail_free": True})
    assert read_records(sent, source(tmp_path), "Z")[0]["leads"][0]["mail_free"] is True


def test_todays_value_is_a_feature_only_with_a_reason(tmp_path: Path) -> None:
    without = source(tmp_path, FLAT.replace("when_known: overwritten, role: ignore", "when_known: overwritten"))
    with pytest.raises(OverwrittenColumnError, match=r"accepted_because.*caution"):
        build_catalog(without)
    reason = "when_known: overwritten, accepted_because: reset when a deal opens"
    assert (
        "views" in build_catalog(source(tmp_path, FLAT.replace("when_known: overwritten, role: ignore", reason))).names
    )


def test_a_yes_or_no_that_is_neither_is_refused_and_the_declared_words_are_read(tmp_path: Path) -> None:
    words = "      vip: {type: boolean, true_values: [Ja], false_values: [Nein]}\n      s: {}\n"
    declared = source(tmp_path, FLAT.replace("      s: {}\n", words))

    def read(vip: object) -> object:
        return read_records(LeadRows(lead={"vip": vip}), declared, "A")[0]["leads"][0]["vip"]

    assert [read(vip) for vip in ("ja", "NEIN", "yes", True, "n/a", " ")] == [True, False, "yes", True, None, None]
    with pytest.raises(InvalidError, match=r"leads\.vip is declared as yes or no") as told:
        read("maybe")
    assert "maybe" not in str(told.value)
