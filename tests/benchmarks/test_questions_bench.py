"""On the demo, where the truth is known, the question ranked first brings more than a random one."""

from tests.benchmarks.bench_questions import HELD, MODEL, measure
from tests.reference.tiny_run import TinyRun


def test_the_top_question_brings_the_estimate_nearer_to_the_truth_than_a_random_one(tiny_demo: TinyRun) -> None:
    found = measure(tiny_demo.context)
    assert found["leads"] > 100
    assert found[HELD]["top_less_random"]["mean"] < 0.0
    assert found[HELD]["top_less_unasked"]["ci"][1] < 0.0
    assert set(found[MODEL]) == set(found[HELD])
