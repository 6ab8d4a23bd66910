"""Promises of what is said where there is no compiled model."""

from __future__ import annotations

from _engine.training.extras import reason


def test_the_reason_is_one_line_of_whole_sentences() -> None:
    told = "Unable to find column name 'age' among names ['input']. Make sure of " + "the names " * 30
    assert reason(ValueError(told)) == "Unable to find column name 'age' among names ['input']"
    assert reason(ValueError("It is short. It has two sentences.\nAnd more")) == "It is short. It has two sentences."
    assert reason(ValueError("x" * 300)) == "x" * 200
    assert reason(KeyError()) == "KeyError"
