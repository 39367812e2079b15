"""log.csv survives any end, and holds each step once after any resume."""

from __future__ import annotations

import pytest

from fspp_core.errors import TrainingError
from fspp_core.training.log import LOG_NAME, TrainingLog, read_log


def write(folder, steps, *, step=0, columns=("loss",), tensorboard=False):
    log = TrainingLog(folder, columns, step=step, tensorboard=tensorboard)
    for number in steps:
        log.write(number, dict.fromkeys(columns, number / 3))
    log.close()
    log.close()


def steps_in(folder):
    return [int(row["step"]) for row in read_log(folder)]


def test_rows_append_and_resume_drops_what_is_done_again(tmp_path):
    write(tmp_path, range(1, 8))
    write(tmp_path, range(6, 9), step=5)
    assert steps_in(tmp_path) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert read_log(tmp_path)[1]["loss"] == pytest.approx(2 / 3, rel=1e-8)


def test_a_start_without_checkpoint_starts_the_log_anew(tmp_path):
    write(tmp_path, range(1, 8))
    write(tmp_path, range(1, 3))
    assert steps_in(tmp_path) == [1, 2]


def test_torn_last_line_is_dropped(tmp_path):
    write(tmp_path, range(1, 4))
    with (tmp_path / LOG_NAME).open("a") as file:
        file.write("4,0.12")
    assert steps_in(tmp_path) == [1, 2, 3]
    write(tmp_path, [5], step=4)
    assert steps_in(tmp_path) == [1, 2, 3, 5]


def test_new_columns_join_old_ones(tmp_path):
    write(tmp_path, [1, 2])
    write(tmp_path, [3], step=2, columns=("loss", "source_mse"))
    rows = read_log(tmp_path)
    assert "source_mse" not in rows[0]
    assert rows[2]["source_mse"] == pytest.approx(1.0)


def test_float32_values_come_back_exactly(tmp_path):
    import numpy as np

    value = float(np.float32(0.1) / np.float32(3))
    log = TrainingLog(tmp_path, ["loss"], step=0, tensorboard=False)
    log.write(1, {"loss": value})
    log.close()
    assert np.float32(read_log(tmp_path)[0]["loss"]) == np.float32(value)


def test_tensorboard_gets_the_same_figures(tmp_path):
    write(tmp_path, [1, 2, 3], tensorboard=True)
    events = list((tmp_path / "tensorboard").glob("events*"))
    assert len(events) == 1
    scalars = read_scalars(events[0])
    assert [(step, tag) for step, tag, _ in scalars] == [(1, "loss"), (2, "loss"), (3, "loss")]
    assert scalars[2][2] == pytest.approx(1.0)


def read_scalars(path):
    """Scalars of a TensorBoard file, by tensorboardX's own protocol buffers."""
    import struct

    from tensorboardX.proto.event_pb2 import Event

    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
        at += 12 + length + 4
    return found


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "model").write_text("a file")
    with pytest.raises(TrainingError, match="model"):
        TrainingLog(tmp_path / "model", ["loss"], step=0, tensorboard=False)
