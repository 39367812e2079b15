"""Progress: bars for terminals, plain lines for logs."""

import io
import threading

from hypothesis import given
from hypothesis import strategies as st

from fspp_core.cli.progress import LOG_EVERY_S, Bars, Lines, shown_progress
from fspp_core.progress import ProgressEvent


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def event(done, total=10, stage="extract", **more):
    return ProgressEvent(stage=stage, done=done, total=total, unit="frame", **more)


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    for done in range(101):
        lines(event(done, 100, values={"loss": 0.125}))
        clock.now += LOG_EVERY_S / 40
    said = stream.getvalue().splitlines()
    assert said[0] == "extract: 40/100 frame (40 %), 4.00 frame/s, loss=0.125"
    assert said[-1].startswith("extract: 100/100 frame (100 %)")
    assert len(said) == 3


def test_a_log_without_a_total_counts_on():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines(event(1, None))
    clock.now = LOG_EVERY_S
    lines(event(5, None))
    assert stream.getvalue() == "extract: 5, 0.40 frame/s\n"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.none() | st.integers(0, 9))))
def test_any_order_of_events_is_borne(events):
    for shown in (Lines(io.StringIO(), Clock()), Bars(Terminal())):
        for stage, done, total in events:
            shown(event(done, total, stage))
        shown.close()


def test_a_terminal_gets_a_bar_a_stage():
    stream = Terminal()
    bars = Bars(stream)
    for done in (2, 5, 10):
        bars(event(done, values={"loss": 0.5}))
        bars(event(done, stage="train"))
    bars.close()
    said = stream.getvalue()
    assert "extract" in said
    assert "10/10" in said
    assert "loss=0.5" in said
    assert "train" in said


def test_the_stream_decides():
    with shown_progress(Terminal()) as shown:
        assert isinstance(shown, Bars)
    with shown_progress(io.StringIO()) as shown:
        assert isinstance(shown, Lines)


def test_several_threads_may_report():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    threads = [threading.Thread(target=lambda n=n: lines(event(10, stage=f"stage {n}"))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stream.getvalue().splitlines()) == sorted(f"stage {n}: 10/10 frame (100 %)" for n in range(20))
