"""Histories of the audit trail drawn at random: every honest one verifies, and no forgery of one fits a noted head."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from serving.store.audit_trail import AuditEntry, append_entries, prune_trail, read_entries, to_line
from serving.store.engine import Store, open_store
from serving.store.redact_trail import redact_entries
from serving.store.tables import AuditRow
from serving.store.trail_check import TrailCheck, verify_file, verify_trail
from serving.store.trail_links import START, day_of, digest_content, link_dated, link_plain, seal_entry, seal_plain

DAYS = 730
MARK = "0123456789abcdef"
Row = dict[str, Any]


class Site:
    """A site that only does what sites do, from a version without days in its hashes on; it keeps what it exported."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.store, self.folder, self.dice = open_store(None, folder), folder, dice
        self.now = datetime(2024, 1, 1, 12)
        self.updated = False
        self.noted: list[str] = []
        self.archive: list[Row] = []
        self.people = 0

    def rows(self) -> list[Row]:
        with self.store.reading() as session:
            return list(read_entries(session))

    def write_file(self, rows: list[Row]) -> Path:
        file = self.folder / "trail.jsonl"
        file.write_text("".join(map(to_line, rows)), encoding="utf-8")
        return file

    def append(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            self.people += 1
            self.write("ann", "saw", f"L{self.people}", {"k": self.people})

    def write(self, actor: str, action: str, subject: str, detail: Row) -> None:
        self.now += timedelta(seconds=1)
        entry = AuditEntry(actor=actor, action=action, subject=subject, detail=detail, at=self.now)
        with self.store.writing() as session:
            if self.updated:
                append_entries(session, [entry])
                return
            newest = session.scalar(select(AuditRow.chain).order_by(AuditRow.id.desc()).limit(1))
            row = {"at": self.now, "actor": actor, "action": action, "subject": subject, "detail": detail}
            session.execute(insert(AuditRow).values(**row, chain=link_plain(newest or START, row)))

    def forget(self) -> None:
        known = [row for row in self.rows() if row["subject"].startswith("L")]
        whom = {row["subject"] for row in self.dice.sample(known, min(len(known), self.dice.randint(1, 3)))}
        if self.updated:
            with self.store.writing() as session:
                redact_entries(session, lambda entry: entry["subject"] in whom, MARK)
            return
        left = {}
        for row in [row for row in known if row["subject"] in whom]:
            kept = row | {"at": datetime.fromisoformat(row["at"]), "subject": f"forgotten:{MARK}", "detail": {}}
            left[str(row["id"])] = seal_plain(kept)
            with self.store.writing() as session:
                blank = {"subject": kept["subject"], "detail": {}}
                session.execute(update(AuditRow).where(AuditRow.id == row["id"]).values(blank))
        if left:
            self.write("forget", "trail.redacted", f"forgotten:{MARK}", {"entries": left})

    def prune(self) -> None:
        self.now += timedelta(days=self.dice.choice([0, 200, 500]))
        before = self.now - timedelta(days=DAYS)
        if self.updated:
            prune_trail(self.store, before)
            return
        old = [row for row in self.rows() if datetime.fromisoformat(row["at"]) < before]
        if old:
            told = {"through": old[-1]["id"], "chain": old[-1]["chain"], "entries": len(old)}
            self.write("retention", "trail.pruned", "", told)
            with self.store.writing() as session:
                session.execute(delete(AuditRow).where(AuditRow.id <= old[-1]["id"]))

    def bring_up_to_date(self) -> None:
        if self.updated:
            return
        with self.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit DROP COLUMN salt"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))
        self.store.migrate()
        self.updated = True

    def export(self) -> None:
        """Anew as a whole, or what came since behind what there is; that alone fits the end of what there is, too."""
        whole = not self.archive or self.dice.random() < 0.3
        with self.store.reading_one_moment() as session:
            found = list(read_entries(session, 0 if whole else self.archive[-1]["id"]))
        if self.archive and found and not whole:
            end = self.archive[-1]
            check = verify_file(self.write_file(found), f"{end['id']}:{end['chain']}", DAYS)
            assert not check.problem, "what continues a file fits its end"
        self.archive = found if whole else self.archive + found

    def check(self) -> TrailCheck:
        """What there is verifies, alone and against every head that was ever noted."""
        check = verify_trail(self.store, None, DAYS)
        if self.rows() and (self.updated or not any(row["subject"].startswith("forg") for row in self.rows())):
            # what an earlier version blanked is covered once the update has sealed it
            assert not check.problem
            self.noted.append(f"{check.last_id}:{check.head}")
            for noted in self.noted:
                assert not verify_trail(self.store, noted, DAYS).problem
        if self.archive:
            file, numbers = self.write_file(self.archive), {row["id"] for row in self.archive}
            for expected in [None, *(noted for noted in self.noted if int(noted.partition(":")[0]) in numbers)]:
                assert not verify_file(file, expected, DAYS).problem
        return check


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with a history drawn from a seed."""
    dice = random.Random(request.param)
    found = Site(tmp_path, dice)
    for module in ("audit_trail", "trail_check"):
        monkeypatch.setattr(f"serving.store.{module}.wall_now", lambda: found.now)
    found.append()
    steps = [found.append] * 4 + [found.forget] * 3 + [found.prune] * 2 + [found.bring_up_to_date] + [found.export] * 3
    for step in dice.choices(steps, k=12):
        step()
        found.check()
    found.append()
    found.bring_up_to_date()
    found.append()
    found.export()
    yield found
    found.store.close()


def forge(rows: list[Row], young: list[int], dice: random.Random) -> list[Row]:
    """Change, remove, put in or move an entry, work some hashes out anew, and add what seems to allow it."""
    forged = [dict(row) for row in rows]
    place = dice.choice(young)
    number, was = forged[place]["id"], forged[place]
    kind = dice.choice(["change", "change", "change", "remove", "remove before", "put in", "swap"])
    if kind == "change":
        to: Row = {"actor": "eve", "action": "trail.seen", "at": "2020-01-01T00:00:00.000000"}
        forged[place] = was | {name: to[name] for name in dice.sample(sorted(to), dice.randint(1, 3))}
    elif kind == "remove":
        del forged[place : place + dice.randint(1, 2)]
    elif kind == "remove before":
        del forged[: place + 1]
    elif kind == "put in":
        forged.insert(place, was | {"actor": "eve", "subject": "L0"})
        forged[place + 1 :] = [row | {"id": row["id"] + 1} for row in forged[place + 1 :]]
    else:
        other = dice.choice([k for k in range(len(forged)) if k != place])
        here, there = forged[place], forged[other]
        forged[place], forged[other] = there | {"id": here["id"]}, here | {"id": there["id"]}

    blank = {"subject": f"forgotten:{MARK}", "detail": {}, "salt": ""}
    for near in (place, place + 1):
        if near < len(forged) and dice.random() < 0.6:
            forged[near] |= blank
    for near in range(place, min(len(forged), place + dice.choice([0, 0, 1, 2]))):
        before = forged[near - 1]["chain"] if near else START
        forged[near]["chain"] = link(before, forged[near], plain=day_of(forged[near]["chain"]) is None)

    around = [row for row in forged if abs(row["id"] - number) < 3]
    for _ in range(dice.randint(0, 4)):
        add(forged, *excuse(around, rows, was, dice), plain=dice.random() < 0.2)
    return forged


def excuse(around: list[Row], rows: list[Row], was: Row, dice: random.Random) -> tuple[str, str, Row]:
    """An entry that speaks of others as if all were right."""
    said = dice.choice(["trail.redacted", "trail.sealed", "trail.pruned"])
    if said == "trail.redacted":
        seals = [lambda row: seal_plain(moment(row)), lambda row: digest_content(was), digest_content]
        seal = dice.choice(seals)
        return said, f"forgotten:{MARK}", {"entries": {str(row["id"]): seal(row) for row in around}}
    if said == "trail.sealed":
        chains = [START, *(row["chain"] for row in rows)]
        sealed = {str(row["id"]): seal_entry(dice.choice(chains[-40:]), moment(row)) for row in around}
        for before, row in pairwise(around):
            sealed[str(row["id"])] = seal_entry(before["chain"], moment(row))
        return said, "", {"entries": sealed}
    through = dice.choice([0, was["id"], was["id"] - 1, rows[0]["id"] - 1, rows[-1]["id"]])
    chain = dice.choice([was["chain"], was["chain"], dice.choice(rows)["chain"], "20200101-" + "f" * 55])
    return said, "", {"through": through, "chain": chain, "entries": through}


def moment(row: Row) -> Row:
    return row | {"at": datetime.fromisoformat(row["at"])}


def link(before: str, row: Row, *, plain: bool) -> str:
    return link_plain(before, moment(row)) if plain else link_dated(before, moment(row), digest_content(row))


def add(rows: list[Row], action: str, subject: str, detail: Row, *, plain: bool) -> None:
    last = rows[-1] if rows else {"id": 0, "at": "2024-01-01T00:00:00.000000", "chain": START}
    row = {"id": last["id"] + 1, "at": last["at"], "actor": "leadscore", "action": action, "subject": subject}
    row |= {"detail": json.loads(json.dumps(detail)), "salt": "" if plain else "5a"}
    rows.append(row | {"chain": link(last["chain"], row, plain=plain)})


def put(store: Store, rows: list[Row]) -> None:
    with store.writing() as session:
        session.execute(delete(AuditRow))
        session.execute(insert(AuditRow), [moment(row) for row in rows])


SEEDS = range(16)


@pytest.mark.parametrize("site", SEEDS, indirect=True)
def test_every_honest_history_verifies_and_no_forgery_of_it_fits_the_noted_head(site: Site) -> None:
    head = site.check()
    noted, first_day = f"{head.last_id}:{head.head}", (site.now - timedelta(days=DAYS)).date()
    dice, honest, blanked = site.dice, site.rows(), head.blanked
    for rows in (honest, site.archive):
        young = [k for k, row in enumerate(rows) if datetime.fromisoformat(row["at"]).date() > first_day]
        for _ in range(60):
            forged = forge(rows, young, dice)
            if [row["id"] for row in forged] == [row["id"] for row in rows] and same(forged, rows):
                continue
            check = verify_file(site.write_file(forged), noted, DAYS)
            assert check.problem or "the file begins at entry" in check.note, forged
            if rows is honest and forged and dice.random() < 0.3:
                put(site.store, forged)
                assert verify_trail(site.store, noted, DAYS).problem, forged
    put(site.store, honest)
    assert site.check().blanked == blanked


def same(forged: list[Row], rows: list[Row]) -> bool:
    """Whether nothing is other than it was, or only whom entries were about is gone: that shows in their number."""
    stay = ("id", "at", "actor", "action", "chain")
    return all(all(a[name] == b[name] for name in stay) for a, b in zip(forged, rows, strict=True))
