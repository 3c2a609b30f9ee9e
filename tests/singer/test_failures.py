from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError, LakeError, LeaseError, TidemarkError, TunnelError
from tidemark_singer.failures import Bookmarks, Failures, of_table


@pytest.mark.fault(122)
def test_a_failure_is_shown_once_with_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    error = LakeError("it is odd", column="c", hint="mend it")
    failures.add("s-a", "s.a", error)
    failures.add("s-a", "s.a", LakeError("again"))
    assert capsys.readouterr().err == "error: it is odd [table s.a, column c]\n  Next: mend it\n"
    assert "s-a" in failures
    with pytest.raises(LakeError, match="it is odd") as caught:
        failures.raise_any()
    assert caught.value.shown, "the end of the process must not show it again"


@pytest.mark.fault(122)
@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([LeaseError("x"), LeaseError("y")], 4),
        ([ConfigError("x"), ConfigError("y")], 2),
        ([ConfigError("x"), LeaseError("y")], 1),
        ([KeyError("x"), LakeError("y")], 1),
    ],
)
def test_several_failures_end_with_the_code_that_they_share(
    errors: list[Exception], code: int
) -> None:
    failures = Failures()
    for number, error in enumerate(errors):
        failures.add(f"s-{number}", f"s.{number}", error)
    with pytest.raises(TidemarkError, match=r"2 tables failed.*s\.0, s\.1") as caught:
        failures.raise_any()
    assert caught.value.exit_code == code


@pytest.mark.fault(123)
def test_what_meets_every_table_is_no_failure_of_one() -> None:
    failures = Failures()
    with pytest.raises(TunnelError):
        failures.add("s-a", "s.a", TunnelError("away"))
    assert len(failures) == 0
    failures.raise_any()


STREAMS = ("a", "b", "c")
#: What happens in a run: data of a stream, a STATE, all of it committed, or a stream fails.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.sampled_from(STREAMS)),
        st.tuples(st.just("fail"), st.sampled_from(STREAMS)),
        st.tuples(st.sampled_from(["state", "commit"]), st.just("")),
    ),
    max_size=25,
)


@pytest.mark.fault(122)
@given(begins=st.booleans(), events=EVENTS)
def test_no_bookmark_gets_ahead_of_what_is_committed(begins: bool, events: list[Any]) -> None:
    """A model of a tap and a target: what was committed of a stream is all that it may claim."""
    marks = Bookmarks()
    sent: dict[str, int] = dict.fromkeys(STREAMS, 0)
    committed = dict(sent)
    failed: set[str] = set()
    pending: set[str] = set()
    state = {"bookmarks": dict(sent)}
    if begins:
        marks.note(state, open=frozenset(), failed=frozenset())
    for kind, stream in events:
        if kind == "data":
            sent[stream] += 1
            pending.add(stream)
        elif kind == "fail":
            failed.add(stream)
        else:
            state = {"bookmarks": dict(sent)}
            marks.note(state, open=pending, failed=failed)
            if kind == "commit":
                pending &= failed
                committed |= {s: sent[s] for s in STREAMS if s not in failed}
                marks.note(state, open=pending, failed=failed)
                passed = marks.true_part(state, failed)
                if passed is None:
                    assert failed
                    assert not begins, "what a tap begins with is known"
                    continue
                for s in STREAMS:
                    assert passed["bookmarks"].get(s, 0) <= max(committed[s], 0)
                    if s not in failed:
                        assert passed["bookmarks"][s] == sent[s], "the others move on"


def test_a_state_that_cannot_be_taken_apart_is_withheld() -> None:
    marks = Bookmarks()
    assert marks.true_part({"orders": 5}, set()) == {"orders": 5}
    assert marks.true_part({"orders": 5}, {"orders"}) is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "there is not enough memory"),
        (MemoryError("no 9 bytes"), "there is not enough memory: no 9 bytes"),
        (KeyError(), "unexpected KeyError"),
        (ValueError("no"), "unexpected ValueError: no"),
    ],
    ids=repr,
)  # fmt: skip
def test_an_unexpected_error_is_explained_with_what_it_says(error: Exception, told: str) -> None:
    assert of_table(error, "shop.t").message == told
