"""Whoever may write to the store forges entries that speak of others: a check tells, and a noted head tells more."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import delete, insert, select, text, update

from serving.store.audit_trail import AuditEntry, append_entries, entry_record, prune_trail, read_entries, to_line
from serving.store.engine import Store, open_store
from serving.store.redact_trail import redact_entries
from serving.store.tables import AuditRow
from serving.store.trail_check import TrailCheck, verify_file, verify_trail
from serving.store.trail_links import START, digest_content, link_dated, link_plain, seal_entry, seal_plain
from serving.store.wall_clock import wall_now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with ten entries."""
    found = open_store(None, tmp_path)
    write(found, range(10))
    yield found
    found.close()


def write(store: Store, leads: Any, at: datetime | None = None) -> None:
    entries = [
        AuditEntry(actor="ann", action="saw", subject=f"L{k}", detail={"k": k}, at=at or wall_now()) for k in leads
    ]
    with store.writing() as session:
        append_entries(session, entries)


def head_of(store: Store, **options: Any) -> str:
    check = verify_trail(store, **options)
    assert check.intact, check.problem
    return f"{check.last_id}:{check.head}"


def numbers_of(store: Store) -> list[int]:
    with store.reading() as session:
        return [entry["id"] for entry in read_entries(session)]


def change(store: Store, statement: Any) -> None:
    with store.writing() as session:
        session.execute(statement)


def add_forged(store: Store, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Add an entry with a hash as leadscore would write it."""
    with store.writing() as session:
        before = session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(1)).one()
        row = {
            "at": wall_now(),
            "actor": "forget",
            "action": action,
            "subject": subject,
            "detail": detail,
            "salt": "5a",
        }
        session.execute(insert(AuditRow).values(**row, chain=link_dated(before.chain, row, digest_content(row))))


def forget(store: Store, lead: str, mark: str = "0123456789abcdef") -> None:
    with store.writing() as session:
        assert redact_entries(session, lambda entry: entry["subject"] == lead, mark) == 1


def make_plain(store: Store) -> None:
    """Make the entries as they were written before hashes had a day, in a store of that time."""
    with store.engine.begin() as connection:
        chain = START
        for row in connection.execute(select(AuditRow.__table__).order_by(AuditRow.id)).mappings().all():
            chain = link_plain(chain, row)
            connection.execute(update(AuditRow).where(AuditRow.id == row["id"]).values(chain=chain))
        with Operations.context(MigrationContext.configure(connection)):
            import_module("serving.store.migrations.versions.r0012_audit_salts").downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))


FORGED = [
    ({"actor": "bob"}, "forgotten:0"),
    ({"actor": "bob", "subject": "L4"}, "L4"),
    ({"action": "promoted", "subject": "forgotten:0", "detail": {}}, "forgotten:0"),
    ({"at": datetime(2020, 1, 1), "subject": "forgotten:0", "detail": {}}, "forgotten:0"),
    ({"actor": "bob", "subject": "forgotten:0", "detail": {}, "salt": ""}, "forgotten:0"),
    ({"subject": "forgotten:0", "detail": {"k": 99}}, "forgotten:0"),
]


@pytest.mark.parametrize(("to", "said"), FORGED)
@pytest.mark.parametrize("seal", ["of what is left", "of the entry"])
def test_a_forged_entry_about_somebody_forgotten_hides_no_change(
    store: Store, to: dict[str, Any], said: str, seal: str
) -> None:
    noted = head_of(store)
    with store.reading() as session:
        kept = session.get_one(AuditRow, 5)
        entry = {name: getattr(kept, name) for name in ("at", "actor", "action", "subject", "detail", "salt")}
    left = entry | to
    change(store, update(AuditRow).where(AuditRow.id == 5).values(**to))
    told = seal_plain(left) if seal == "of what is left" else digest_content(entry)
    add_forged(store, "trail.redacted", said, {"entries": {"5": told}})
    for expected in (None, noted):
        assert "entry 5 " in verify_trail(store, expected).problem


def test_an_entry_about_somebody_forgotten_is_covered_all_the_same(store: Store) -> None:
    noted = head_of(store)
    forget(store, "L4")
    check = verify_trail(store, noted)
    assert (check.problem, check.blanked, check.record()["blanked"]) == ("", 1, 1)
    with store.reading() as session:
        left = session.get_one(AuditRow, 5)
        assert (left.actor, left.subject, left.detail, left.salt) == ("ann", "forgotten:0123456789abcdef", {}, "")
        assert digest_content({"salt": "", "subject": "L4", "detail": {"k": 4}}) not in str(list(read_entries(session)))
    for to in ({"actor": "bob"}, {"at": datetime(2020, 1, 1)}, {"action": "x"}, {"subject": "forgotten:0"}):
        with store.writing() as session:
            row = session.get_one(AuditRow, 5)
            before = {name: getattr(row, name) for name in to}
            session.execute(update(AuditRow).where(AuditRow.id == 5).values(**to))
        assert not verify_trail(store).intact
        change(store, update(AuditRow).where(AuditRow.id == 5).values(**before))
    assert verify_trail(store).intact


@pytest.mark.parametrize("through", [5, 10])
def test_a_forged_removal_by_rule_is_too_early(store: Store, through: int) -> None:
    noted = head_of(store)
    with store.reading() as session:
        chain = session.get_one(AuditRow, through).chain
    add_forged(store, "trail.pruned", "", {"through": through, "chain": chain, "entries": through})
    change(store, delete(AuditRow).where(AuditRow.id <= through))
    for expected in (None, noted):
        assert f"entry {through} of {chain[:4]}-" in verify_trail(store, expected).problem
    assert verify_trail(store, kept_days=0.0).problem, "where entries stay for good none is removed"


def test_an_older_day_in_a_forged_removal_does_not_fit_the_noted_head(store: Store) -> None:
    noted = head_of(store)
    with store.writing() as session:
        session.execute(delete(AuditRow))
        row = {"at": wall_now(), "actor": "retention", "action": "trail.pruned", "subject": "", "salt": "5a"}
        row["detail"] = {"through": 10, "chain": "20200101-" + "f" * 55, "entries": 10}
        chain = link_dated(row["detail"]["chain"], row, digest_content(row))
        session.execute(insert(AuditRow).values(**row, id=11, chain=chain))
    assert "entry 10 of" in verify_trail(store, noted).problem


def test_what_was_removed_by_rule_is_no_fault_with_a_noted_head(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    write(store, range(6), wall_now() - timedelta(days=800))
    noted = head_of(store)
    write(store, range(4))
    assert prune_trail(store, wall_now() - timedelta(days=730)) == 6
    assert verify_trail(store, noted).intact
    assert "too young" in verify_trail(store, noted, kept_days=900).problem
    store.close()


def test_an_older_trail_verifies_and_is_covered_from_now_on(store: Store) -> None:
    make_plain(store)
    with store.engine.connect() as connection:
        noted = f"10:{connection.scalar(text('SELECT chain FROM audit WHERE id = 10'))}"
    store.migrate()
    check = verify_trail(store, noted)
    assert (check.problem, check.entries) == ("", 11)
    write(store, ["x"])
    forget(store, "L4")
    forget(store, "Lx")
    now = head_of(store, expected=noted)

    with store.reading() as session:
        left = session.get_one(AuditRow, 5)
        entry = {name: getattr(left, name) for name in ("at", "action", "subject", "detail")} | {"actor": "bob"}
    change(store, update(AuditRow).where(AuditRow.id == 5).values(actor="bob"))
    assert not verify_trail(store).intact
    add_forged(store, "trail.redacted", left.subject, {"entries": {"5": seal_plain(entry)}})
    for expected in (None, noted, now):
        assert "entry 5 " in verify_trail(store, expected).problem


def test_entries_of_an_older_trail_cannot_be_taken_away_by_another_number(store: Store) -> None:
    make_plain(store)
    store.migrate()
    assert verify_trail(store).intact
    change(store, update(AuditRow).where(AuditRow.id == 1).values(id=-1))
    assert not verify_trail(store).intact


def export(store: Store, file: Path, after: int = 0) -> TrailCheck:
    with store.reading() as session:
        file.write_text("".join(map(to_line, read_entries(session, after))))
    return verify_file(file)


def test_an_exported_file_is_checked_without_the_store(store: Store, tmp_path: Path) -> None:
    file, noted = tmp_path / "trail.jsonl", head_of(store)
    assert export(store, file).record() == verify_trail(store).record()
    whole = file.read_text()
    assert verify_file(file, noted).intact
    file.write_text(whole.replace('"actor": "ann"', '"actor": "bob"', 1))
    assert "entry 1 " in verify_file(file).problem
    file.write_text("".join(whole.splitlines(keepends=True)[:7]))
    assert verify_file(file).intact and "entry 10 is not" in verify_file(file, noted).problem

    forget(store, "L4")
    assert export(store, file).record() == verify_trail(store).record()
    assert verify_file(file, noted).intact


def test_a_file_that_continues_another_says_so_or_is_held_against_its_end(store: Store, tmp_path: Path) -> None:
    first, later, noted = tmp_path / "a.jsonl", tmp_path / "b.jsonl", head_of(store)
    export(store, first)
    write(store, range(3))
    check = export(store, later, after=10)
    assert check.intact and check.note.startswith("the file begins at entry 11")
    held = verify_file(later, noted)
    assert held.intact and not held.note
    other = noted[:-1] + ("0" if noted[-1] != "0" else "1")
    assert "entry 10 is not" in verify_file(later, other).problem


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"id": 1}', "[" * 100_000, '"x"', ""])
def test_a_file_of_another_kind_is_named(store: Store, tmp_path: Path, line: str) -> None:
    file = tmp_path / "trail.jsonl"
    export(store, file)
    file.write_text(file.read_text() + line + "\n")
    assert verify_file(file).problem == "line 11 is no entry of a trail."


def test_an_entry_about_others_of_another_kind_is_no_error(store: Store, tmp_path: Path) -> None:
    add_forged(store, "trail.pruned", "", {"through": "x"})
    assert not verify_trail(store).intact
    assert not export(store, tmp_path / "trail.jsonl").intact
    with store.reading() as session:
        assert set(entry_record(session.get_one(AuditRow, 11))) >= {"salt", "chain"}


def blank_by_hand(store: Store, number: int, to: dict[str, Any]) -> dict[str, Any]:
    """Change an entry so that it looks like one about somebody forgotten, and let an added entry say so."""
    change(store, update(AuditRow).where(AuditRow.id == number).values(subject="forgotten:0", detail={}, **to))
    with store.reading() as session:
        row = session.get_one(AuditRow, number)
        left = {name: getattr(row, name) for name in ("at", "actor", "action", "subject", "detail", "chain")}
    add_forged(store, "trail.redacted", "forgotten:0", {"entries": {str(number): seal_plain(left)}})
    return left


@pytest.mark.parametrize("behind", ["the seals", "other entries"])
def test_an_added_seal_hides_no_change_of_an_older_entry(store: Store, behind: str) -> None:
    make_plain(store)
    store.migrate()
    if behind == "other entries":
        write(store, range(2))
    noted = head_of(store)
    with store.reading() as session:
        before = session.get_one(AuditRow, 2).chain
        left = {name: getattr(session.get_one(AuditRow, 3), name) for name in ("at", "action", "chain")}
    add_forged(store, "trail.sealed", "", {"entries": {"3": seal_entry(before, left | {"actor": "bob"})}})
    if behind == "other entries":
        assert "entry 14 seals others" in verify_trail(store, noted).problem
    blank_by_hand(store, 3, {"actor": "bob"})
    for expected in (None, noted):
        assert not verify_trail(store, expected).intact


def test_what_is_left_of_an_older_trail_after_a_removal_stays_sealed(store: Store) -> None:
    change(store, delete(AuditRow))
    write(store, range(4), wall_now() - timedelta(days=800))
    write(store, range(6))
    first = numbers_of(store)[0]
    make_plain(store)
    store.migrate()
    assert prune_trail(store, wall_now() - timedelta(days=730)) == 4
    forget(store, "L2")
    noted = head_of(store)
    blank_by_hand(store, first + 4, {"actor": "bob"})
    assert f"entry {first + 4} " in verify_trail(store, noted).problem


@pytest.mark.parametrize("said", ["its number", "a number of before", "the first one's hash"])
def test_older_entries_cannot_be_removed_before_their_time(store: Store, said: str) -> None:
    make_plain(store)
    store.migrate()
    write(store, range(2))
    noted = head_of(store)
    with store.reading() as session:
        chains = {number: session.get_one(AuditRow, number).chain for number in (1, 4)}
    through, chain = {"its number": (4, chains[4]), "a number of before": (0, chains[4])}.get(said, (4, chains[1]))
    add_forged(store, "trail.pruned", "", {"through": through, "chain": chain, "entries": 4})
    change(store, delete(AuditRow).where(AuditRow.id <= 4))
    assert not verify_trail(store, noted).intact


def test_a_file_behind_the_update_fits_the_head_of_before(store: Store, tmp_path: Path) -> None:
    make_plain(store)
    with store.engine.connect() as connection:
        noted = f"10:{connection.scalar(text('SELECT chain FROM audit WHERE id = 10'))}"
    store.migrate()
    write(store, range(3))
    file = tmp_path / "trail.jsonl"
    assert export(store, file, after=10).intact and verify_file(file, noted).record()["intact"]
    assert not verify_file(file, noted).note
    with store.reading() as session:
        middle = f"5:{session.get_one(AuditRow, 5).chain}"
    export(store, file, after=5)
    assert verify_file(file, middle).intact


def test_a_file_may_hold_what_was_removed_since_or_lack_what_was_removed_before(store: Store, tmp_path: Path) -> None:
    change(store, delete(AuditRow))
    file = tmp_path / "trail.jsonl"
    write(store, range(4), wall_now() - timedelta(days=900))
    export(store, file)
    held, last = file.read_text(), numbers_of(store)[-1]
    write(store, range(3), wall_now() - timedelta(days=800))
    write(store, range(3))
    export(store, file, after=last)
    archive = held + file.read_text()
    assert prune_trail(store, wall_now() - timedelta(days=850)) == 4
    assert prune_trail(store, wall_now() - timedelta(days=730)) == 3
    noted = head_of(store)

    export(store, file, after=last + 6)
    file.write_text(archive + file.read_text())
    check = verify_file(file, noted)
    assert (check.intact, check.note, check.entries) == (True, "", 12)

    export(store, file, after=last)
    later = file.read_text()
    file.write_text(held + later)
    check, gap = verify_file(file, noted), f"entries {last + 1} to {last + 3} were removed by rule"
    assert check.intact and check.note.startswith(gap) and "does not cover those before" in check.note
    assert "too young" in verify_file(file, noted, kept_days=850).problem

    rewritten, chain = [], START
    for line in held.splitlines():
        row = json.loads(line) | {"actor": "bob"}
        chain = row["chain"] = link_dated(chain, row | {"at": datetime.fromisoformat(row["at"])}, digest_content(row))
        rewritten.append(to_line(row))
    file.write_text("".join(rewritten) + later)
    assert f"entry {last} " in verify_file(file, noted).problem


def test_what_an_earlier_version_still_wrote_beside_the_update_is_sealed_by_the_next_entry(store: Store) -> None:
    make_plain(store)
    store.migrate()
    with store.writing() as session:
        before = session.scalars(select(AuditRow.chain).order_by(AuditRow.id.desc()).limit(1)).one()
        row = {"at": wall_now(), "actor": "ann", "action": "saw", "subject": "Lold", "detail": {}}
        session.execute(insert(AuditRow).values(**row, chain=link_plain(before, row)))
    write(store, range(20, 22))
    noted = head_of(store)
    forget(store, "Lold")
    assert verify_trail(store, noted).record()["blanked"] == 1
    change(store, update(AuditRow).where(AuditRow.id == 12).values(actor="bob"))
    assert "entry 12 " in verify_trail(store, noted).problem


def test_a_blanked_entry_cannot_be_given_to_somebody_else(store: Store) -> None:
    forget(store, "L4")
    noted = head_of(store)
    with store.reading() as session:
        said = session.get_one(AuditRow, 11).detail
    add_forged(store, "trail.redacted", "forgotten:fedcba9876543210", said)
    change(store, update(AuditRow).where(AuditRow.id == 5).values(subject="forgotten:fedcba9876543210"))
    assert "entry 5 " in verify_trail(store, noted).problem


@pytest.mark.parametrize("number", [0, -1])
def test_an_entry_with_a_number_before_the_first_is_told(store: Store, tmp_path: Path, number: int) -> None:
    with store.engine.begin() as connection:
        copied = "at, actor, action, subject, detail, salt, chain"
        connection.execute(text(f"INSERT INTO audit (id, {copied}) SELECT {number}, {copied} FROM audit WHERE id = 3"))
    problem = verify_trail(store).problem
    assert problem.startswith(f"entry {number} ") and "stands where there can be none" in problem
    assert numbers_of(store) == [number, *range(1, 11)], "an export holds what the server shows"
    export(store, tmp_path / "trail.jsonl")
    assert verify_file(tmp_path / "trail.jsonl").problem == problem


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit SET actor = CAST(x'fffe' AS TEXT) WHERE id = 4", "entry 4 holds what leadscore never writes"),
        ("UPDATE audit SET action = CAST(x'fffe' AS TEXT) WHERE id = 4", "entry 4 holds what leadscore never writes"),
        ("UPDATE audit SET detail = CAST(x'fffe' AS TEXT) WHERE id = 4", "entry 4 holds what leadscore never writes"),
        ("DROP TABLE audit", "the store has no table audit"),
        ("ALTER TABLE audit DROP COLUMN salt", "table audit has no column 'salt'"),
    ],
)
def test_a_trail_that_the_database_cannot_read_is_told_as_changed(store: Store, sql: str, said: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(text(sql))
    check = verify_trail(store)
    assert not check.intact and said in check.problem
