"""What runs, monitor and gate say in English is said in the reader's language, sentence by sentence."""

import ast
import builtins
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy.exc import OperationalError

from features.catalog.build_catalog import build_catalog
from features.errors import DataError
from models.judging.cluster_bootstrap import Interval
from models.judging.drift.distribution_drift import Drift
from models.judging.drift.monitor_findings import (
    Finding,
    Level,
    headline,
    judge_ages,
    judge_base_rate,
    judge_calibration,
    judge_features,
    judge_scores,
    judge_segments,
    judge_values,
    judge_volume,
)
from models.judging.drift.observed_vs_predicted import ObservedVsPredicted
from models.judging.drift.prior_shift import PriorShift
from models.judging.drift.promise_due import judge_promise
from models.judging.drift.retrain_advice import advise
from models.judging.evaluation.caution_text import (
    CalibrationOnTest,
    LearnedRate,
    write_calibration_warning,
    write_test_warning,
)
from models.judging.handoff.population import NOUNS
from models.judging.promotion import gate
from models.judging.promotion.paired_checks import Check
from models.judging.promotion.unseen_rows import UnseenRows
from models.settings import GateSettings, MonitorSettings
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.workspace.atomic_files import closed_error, read_json
from serving.pages.language import COOKIE, page_language
from serving.pages.told_sentences import find_language, tell
from serving.state.loading.load_problems import describe_problem
from tests.reference.serving import client_for, still_page
from tests.reference.weeks import weekly_matrix

ENGLISH_WORDS = re.compile(r"\b(?:the|of|and|is|are|were|was|than|with|from|which)\b")


def findings_of_every_kind() -> list[Finding]:
    """Each check of the monitor, quiet and not."""
    drift = Drift(
        name="f",
        label="downloads in 90 days",
        psi=0.3,
        noise=0.1,
        standing="moved a lot",
        weight=0.2,
        missing_before=0.1,
        missing=0.4,
        unseen=0.2,
        before="median 1",
        after="median 3",
    )
    little = replace(drift, standing="moved", weight=0.001)
    still = replace(drift, standing="within noise", psi=0.01, missing=0.1, unseen=None)
    settings = MonitorSettings()
    kept = ObservedVsPredicted(rows=1200, won=40, expected=0.1, observed=0.11, ratio=1.1, low=0.8, high=1.3)
    shift = PriorShift(period="2026-03", rows=1146, won=90, rate=0.09, low=0.06, high=0.12, before=0.1)
    found = [judge_features(some, settings) for some in ([drift, still], [replace(drift, standing="moved")], [little])]
    found += [judge_features([still], settings), judge_scores(drift), judge_scores(still)]
    found += [judge_values([drift], 1000, settings), judge_values([still], 1000, settings)]
    found += [judge_ages(0.3, 0, 180, settings), judge_ages(0.3, 0, 180, settings, 0.3)]
    found += [judge_base_rate(None, settings), judge_base_rate(shift, settings)]
    found += [judge_base_rate(replace(shift, before=0.2, in_blocks=how), settings) for how in (True, False)]
    found += [judge_calibration(one, 3, settings) for one in (None, kept, replace(kept, ratio=0.5, low=0.3, high=0.7))]
    found += [judge_calibration(replace(kept, ratio=1.5, low=1.2, high=1.7), 40, settings)]
    found += [judge_segments(one, settings) for one in ({}, {"DE": kept})]
    found += [judge_segments({"DE": replace(kept, ratio=3.0, low=2.9, high=3.1)}, settings)]
    promised = weekly_matrix(400, 12)
    for noun in NOUNS.values():
        found += [judge_promise(promised, np.zeros(len(promised)), at, 0.9, settings, noun=noun) for at in (-1.0, 1.0)]
    return [
        *found,
        judge_volume(0, None),
        judge_volume(9, None),
        judge_volume(9, (9, 9, 9)),
        judge_volume(99, (9, 9, 9)),
    ]


def gate_answers_of_every_kind() -> list[gate.Answer]:
    """Each answer of the gate."""
    day = pd.Timestamp("2026-07-01")
    later = UnseenRows(rows=np.arange(3), through=day, next_at=day)
    nobody = UnseenRows(rows=np.arange(0), through=day, next_at=day)
    worse = Check(name="log loss", champion=0.3, challenger=0.4, difference=0.1, low=0.05, high=0.2, margin=0.01)
    wins = Check(name="wins at capacity", champion=30, challenger=29, difference=1, low=-3, high=5, margin=1.5)
    lost = Check(name="calibration error", champion=0, challenger=0, difference=0, low=np.nan, high=np.nan, margin=0)
    settings, months = GateSettings(), ["2026-01", "2026-02"]
    held = ["it was trained with verdict 'no_signal'; only ok or weak_signal may score leads."]
    return [
        gate.answer_not_clean("a" * 12, "b" * 12, [*held, "no audit is on record; run 'leadscore audit'."]),
        gate.answer_champion_already("b" * 12),
        gate.answer_first("a" * 12),
        gate.answer_unfit_champion("a" * 12, "b" * 12),
        gate.answer_from_points("a" * 12, "b" * 12, []),
        gate.answer_to_points("a" * 12, "b" * 12, ""),
        gate.answer_mode_points("a" * 12, "b" * 12, []),
        gate.answer_no_clocks("a" * 12, "b" * 12),
        gate.answer_too_few("a" * 12, "b" * 12, later, 4, months, settings),
        gate.answer_too_few("a" * 12, "b" * 12, later, 0, [], settings),
        gate.answer_too_few("a" * 12, "b" * 12, nobody, 0, months, settings, day),
        gate.answer_too_slow("a" * 12, "b" * 12, 12.5, 5),
        gate.answer_paired_checks("a" * 12, "b" * 12, (worse,), 1200, 40, months),
        gate.answer_paired_checks("a" * 12, "b" * 12, (wins, lost), 1200, 40, months, day),
        gate.answer_paired_checks("a" * 12, "b" * 12, (replace(worse, low=-0.2, high=-0.1),), 1200, 40, months),
    ]


def texts_of_the_run(demo: Any) -> list[str]:
    """What the records of a run say on pages."""
    paths = demo.context.paths
    backtest, comparison = BacktestRecord.read(paths), ComparisonRecord.read(paths)
    found = [backtest.verdict_text, backtest.why or "", *backtest.notes, *comparison.sentences, *comparison.notes]
    found += [comparison.population.sentence if comparison.population else "", *EvaluationRecord.read(paths).notes]
    found += [one.message for one in AuditRecord.read(paths).findings]
    found += [feature.doc for feature in build_catalog(demo.context.source, demo.context.rubric).features]
    return [text for text in found if text]


def cautions() -> list[str]:
    """What the test block may say against a model."""
    figures = {"blend": {"n": 1200, "auc": 0.4, "auc_ci": (0.35, 0.45)}, "rate": {}}
    bad = {"rate": {"log_loss": {"difference": 0.02, "ci": (0.01, 0.03)}}}
    good = {"blend": {"n": 1200, "auc": 0.6, "auc_ci": (0.55, 0.65)}}
    unsure = {"blend": {"n": 1200, "auc": 0.5, "auc_ci": (0.45, 0.55)}}
    off = CalibrationOnTest(
        n=1200,
        error=0.05,
        bound=0.02,
        base_rate=0.1,
        base_rate_span=Interval(0.09, 0.11),
        base_rate_before=LearnedRate(0.1, Interval(0.09, 0.11)),
    )
    moved = replace(off, base_rate_before=LearnedRate(0.3, Interval(0.28, 0.32)))
    told = [write_test_warning(figures, {}, "blend", in_time=when) for when in (True, False)]
    told += [write_test_warning(good, bad, "blend"), write_test_warning(unsure, bad, "blend")]
    told += [write_calibration_warning(replace(off, in_time=when)) for when in (True, False)]
    told += [write_calibration_warning(moved), moved.sentence, replace(moved, in_time=False).sentence]
    return [*told, off.sentence, replace(off, error=0.01).sentence]


def test_every_sentence_is_told_in_every_language(tiny_demo: Any) -> None:
    findings = findings_of_every_kind()
    grave = Finding("features", Level.ACT, "x")
    texts = texts_of_the_run(tiny_demo) + cautions()
    texts += [text for one in findings for text in (one.sentence, one.next) if text]
    texts += [headline(level, [replace(grave, level=level)]) for level in Level]
    texts += [advise(some, won, 50, 90.0, 60).sentence for some in ([], [grave]) for won in (3, 60)]
    texts += [advise([replace(grave, level=Level.WATCH)], 3, 50, None, None).sentence]
    for answer in gate_answers_of_every_kind():
        texts += [answer.sentence, answer.needed, *(check.sentence for check in answer.checks)]
    assert len(texts) > 230
    for code in ("ko", "pl"):
        language = page_language(code)
        for text in filter(None, texts):
            told = tell(language, text)
            assert find_language(language, text) == code, (code, text)
            if code == "pl":
                found = ENGLISH_WORDS.search(re.sub(r"['„\"].*?['”\"]|\(.*?\)", "", told))
                assert found is None or found[0] in text.split("'")[1::2], (found, told)


def test_what_stands_in_a_sentence_is_said_too() -> None:
    polish = page_language("pl")
    assert tell(polish, "1,146 leads; without clocks there is no usual number.").startswith("Leady: 1\xa0146;")
    moved = "downloads in 90 days (PSI 0.52): median 1, up to 1 55% → median 2, up to 1 25%"
    told = tell(polish, f"5 of 173 features moved, none of which the model relies on: {moved}.")
    assert "pobrania w ciągu 90 dni (PSI 0,52): mediana 1, do 1 55\xa0% → mediana 2, do 1 25\xa0%." in told
    assert tell(polish, "The first such row matures on 2026-07-01.") == "Pierwszy taki wiersz dojrzewa 1 lipca 2026."
    months = "Passed: not worse on 1,200 rows, 40 won leads of 2026-01 to 2026-02, later than both models were trained."
    assert "od 2026-01 do 2026-02" in tell(polish, months)
    unknown = "A sentence that nobody foresaw. No column carries the outcome."
    assert tell(polish, unknown) == "A sentence that nobody foresaw. Żadna kolumna nie zdradza wyniku."
    assert (find_language(polish, unknown), tell(page_language("en"), unknown)) == ("en", unknown)


def test_what_has_to_be_found_again_stays_letter_by_letter() -> None:
    polish = page_language("pl")
    for name in ("budget", "utm-30_v1.5", "<b>", "open or closed, and 1,000"):
        told = tell(polish, f"'{name}' gives the outcome away: its 2 values predict 99% of rows.")
        assert told.startswith(f"„{name}” zdradza wynik"), told
    told = tell(polish, "rubric Need and Co adopted by kim: hot or not, 2026-01-05")
    assert told == "punktacja Need and Co przyjęta przez: kim; hot or not, 2026-01-05"
    asked = "What is your budget and need?"
    assert asked in tell(polish, f'Answer in force to "{asked}"; missing where never answered or withdrawn.')
    assert tell(polish, "DE-50: 12 won, 3 predicted (4 won of 1,200 rows)").startswith("DE-50: ")


def steps_of(text: str) -> int:
    """How many calls it takes to tell a text that was never told before."""
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        tell(page_language("pl"), text)
    finally:
        sys.setprofile(None)
    return count


def count_steps(texts: list[str]) -> list[int]:
    """As above, in a process of their own: profiling beside threads that other tests left can catch the interpreter."""
    counted = (
        "import json, sys; from tests.behaviour.test_told_sentences import steps_of; "
        "steps_of('The templates are read.'); print(json.dumps([steps_of(text) for text in json.load(sys.stdin)]))"
    )
    asked = [sys.executable, "-c", counted]
    done = subprocess.run(
        asked, input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    return list(json.loads(done.stdout))


def templates() -> list[list[str]]:
    """Every English template with places: what stands around and what stands in them, by turns."""
    from babel.messages.pofile import read_po

    with (Path(__file__).parents[2] / "serving/pages/messages/told/pl.po").open("rb") as file:
        split = [re.split(r"{(\w+)}", str(message.id)) for message in read_po(file, locale="pl") if message.id]
    return [parts for parts in split if len(parts) > 1]


def test_no_text_takes_long_however_it_repeats_a_sentence() -> None:
    polish, longest, tried = page_language("pl"), 4_000, list[str]()
    for parts in templates():
        around = parts[::2]
        tricky = "".join(f"{one}{(one or '1') * 300}" for one in around)[:longest]
        within = around[0] + "1"
        while len(within) < longest - sum(map(len, around)):  # a sentence in each place that follows it
            within = "1".join([*around[:-1], ""]) + within + around[-1]
        tried += [tricky, within[:longest], " ".join("".join(around).split()) * (longest // len("".join(parts)))]
        beyond = (tricky * (20_000 // len(tricky) + 1))[:20_000]
        assert (tell(polish, beyond), find_language(polish, beyond)) == (beyond, "en"), "no record says as much"
    for text, steps in zip(tried, count_steps(tried), strict=True):
        assert 0 < steps < 100_000, text[:80]


def test_a_long_number_is_said_as_it_is_written() -> None:
    for number in ("12345678901234567890", "1" * 400, "0." + "3" * 40):
        told = tell(page_language("pl"), f"{number} leads; without clocks there is no usual number.")
        assert told.startswith(f"Leady: {number};"), told


def test_a_polish_model_page_holds_no_english(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        client.cookies.set(COOKIE, "pl")
        html = still_page(lambda: client.get("/model", headers={"accept": "text/html"}).text)
    assert {text.rsplit(">", 1)[1] for text in re.findall(r'lang="en"[^<]*', html)} == {"English"}
    text = re.sub(r"<[^>]+>", " ", html.split("<main", 1)[1])
    assert re.findall(rf".{{40}}{ENGLISH_WORDS.pattern}.{{40}}", text) == []
    assert "Cecha" in text and "pobrania w ciągu 90 dni" in text


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_templates_keep_their_places(code: str) -> None:
    from babel.messages.pofile import read_po

    with (Path(__file__).parents[2] / f"serving/pages/messages/told/{code}.po").open("rb") as file:
        messages = [message for message in read_po(file, locale=code) if message.id]
    assert len(messages) > 280
    for message in messages:
        places = [sorted(re.findall(r"{\w+}", text)) for text in (message.id, message.string)]
        assert places[0] == places[1], message.id


REFUSING = (
    "serving/accounts/*.py",
    "serving/first_run/first_run.py",
    "serving/leads/[cfvlw]*.py",
    "serving/leads/contact_log/*.py",
    "serving/lists/*.py",
    "serving/pages/**/*.py",
    "serving/results/*.py",
    "serving/state/loaded_state.py",
)
BESIDE_PAGES = ("lookup.py", "score_change.py")  # what only programs ask for


def refusals() -> dict[str, str]:
    """Every sentence with which a page refuses something, as it would read with a word in each place."""
    found = {}
    for pattern in REFUSING:
        for path in Path().glob(pattern):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(call, ast.Raise) or not isinstance(call.exc, ast.Call) or not call.exc.args:
                    continue
                if hasattr(builtins, ast.unparse(call.exc.func)):  # a fault of the code, not a refusal
                    continue
                text = call.exc.args[0]
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                said = [part.value if isinstance(part, ast.Constant) else "17" for part in parts]
                if isinstance(text, ast.Constant | ast.JoinedStr) and path.name not in BESIDE_PAGES:
                    found[f"{path}:{call.lineno}"] = "".join(map(str, said))
    return found


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_every_refusal_of_a_page_is_said_in_the_readers_language(code: str) -> None:
    found = refusals()
    assert len(found) > 60
    language = page_language(code)
    untold = {where: text for where, text in found.items() if find_language(language, text) != code}
    assert untold == {}


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_why_a_load_failed_is_said_in_the_readers_language(code: str, tmp_path: Path) -> None:
    (damaged := tmp_path / "run.json").write_text("{")
    problems: list[Exception] = [
        OperationalError("SELECT", {}, Exception("locked")),
        PermissionError(13, "Permission denied", str(damaged)),
        KeyError("x"),
        closed_error(damaged),
    ]
    for path in (damaged, tmp_path / "gone.json"):
        with pytest.raises(DataError) as raised:
            read_json(path)
        problems.append(raised.value)
    texts = [describe_problem(problem) for problem in problems]
    texts.append(f"{texts[-1]} Bundle 0123456789ab, the last good one, serves instead.")
    texts.append("the champion pointer is missing; the last champion still serves")
    assert [text for text in texts if find_language(page_language(code), text) != code] == []


def test_a_refused_page_says_why_in_the_readers_language(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        client.cookies.set(COOKIE, "pl")
        asked = client.get("/leads/nobody-of-this-name", headers={"accept": "text/html"})
    assert asked.status_code == 404
    assert "tego leada nie ma w danych (albo nie jest twój); sprawdź id na liście do pracy." in asked.text
    assert "this lead is not in the data" not in asked.text
