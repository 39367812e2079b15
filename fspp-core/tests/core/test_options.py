"""Options: one dataclass is the only truth, so its schema, its checks and its command line must agree with it."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Literal

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fspp_core.errors import ConfigError
from fspp_core.options import (
    NoOptions,
    fixed_options,
    option,
    option_faults,
    options_dict,
    parse_assignments,
    parse_options,
    schema_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """One option of every type."""

    count: int = option(4, "A count.", minimum=1, maximum=64, fixed=True)
    ratio: float = option(0.5, "A ratio.", exclusive_minimum=0, maximum=1, group="Fine")
    even: int = option(2, "Even.", multiple_of=2)
    limit: int | None = option(None, "A limit.", minimum=0)
    name: str = option("x", "A name.", pattern="^[a-z]+$")
    note: str | None = option(None, "A note.")
    mode: Literal["fast", "good"] = option("good", "A mode.")
    maybe: Literal["a", "b"] | None = option(None, "A choice or none.")
    loud: bool = option(False, "Loud.")
    words: tuple[str, ...] = option(("p", "q"), "Words.")
    sizes: tuple[int, ...] = option((), "Sizes.", minimum=8)


VALID = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(1, 64),
        "ratio": st.floats(0, 1, exclude_min=True),
        "even": st.integers(-50, 50).map(lambda n: n * 2),
        "limit": st.none() | st.integers(0, 10**6),
        "name": st.from_regex(r"\A[a-z]{1,8}\Z"),
        "note": st.none() | st.text(),
        "mode": st.sampled_from(["fast", "good"]),
        "maybe": st.sampled_from(["a", "b", None]),
        "loud": st.booleans(),
        "words": st.lists(st.text()).map(tuple),
        "sizes": st.lists(st.integers(8, 512)).map(tuple),
    },
)

ANY = st.dictionaries(
    st.sampled_from([field.name for field in dataclasses.fields(Every)]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
)


@given(VALID)
def test_valid_values_come_back(values):
    made = parse_options(Every, values)
    assert {key: getattr(made, key) for key in values} == values
    assert parse_options(Every, json.loads(json.dumps(options_dict(made)))) == made


@given(ANY)
def test_the_checks_agree_with_the_schema(values):
    """What the schema refuses is refused; the checks refuse besides only what jsonschema is known to let through."""
    by_schema = list(jsonschema.Draft202012Validator(schema_of(Every)).iter_errors(values))
    faults = option_faults(Every, values)
    if by_schema:
        assert faults
    elif faults:
        items = [item for value in values.values() for item in (value if isinstance(value, list) else [value])]
        assert any(isinstance(item, float) and (not math.isfinite(item) or item.is_integer()) for item in items)


@given(ANY)
def test_every_fault_is_listed_with_its_path(values):
    faults = option_faults(Every, values, where="file: ")
    for fault in faults:
        path = fault.removeprefix("file: ").partition(":")[0].partition(".")[0]
        assert path in values
        alone = option_faults(Every, {path: values[path]}, where="file: ")
        assert fault in alone
    for key in set(values) - {fault.removeprefix("file: ").partition(":")[0].partition(".")[0] for fault in faults}:
        assert not option_faults(Every, {key: values[key]})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_do_not_slip_through_bounds(value):
    with pytest.raises(ConfigError, match="ratio"):
        parse_options(Every, {"ratio": value})


def test_a_whole_number_must_be_written_as_one():
    with pytest.raises(ConfigError, match=r"count: 20.0 must be written as a whole number"):
        parse_options(Every, {"count": 20.0})


def test_a_whole_number_does_for_a_fraction():
    made = parse_options(Every, {"ratio": 1})
    assert isinstance(made.ratio, float)


def test_a_misspelt_option_gets_the_near_name():
    with pytest.raises(ConfigError, match=r"mode_: unknown option; did you mean 'mode'\?"):
        parse_options(Every, {"mode_": "fast"})


def test_the_schema_is_closed_and_explains_itself():
    schema = schema_of(Every)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    defaults = {key: entry["default"] for key, entry in schema["properties"].items()}
    assert parse_options(Every, defaults) == Every()
    assert all(entry["description"] for entry in schema["properties"].values())
    assert schema["properties"]["ratio"]["x-group"] == "Fine"
    schema["properties"].clear()
    assert schema_of(Every)["properties"], "a caller changed the schema of everyone"


def test_fixed_options_are_known():
    assert fixed_options(Every) == {"count"}
    assert fixed_options(NoOptions) == frozenset()


def test_types_that_cannot_be_options_are_refused():
    @dataclass(frozen=True)
    class Wrong:
        """Has an option of a type no command line can write."""

        value: dict = dataclasses.field(default=None, metadata=option(None, "x").metadata)

    with pytest.raises(TypeError, match="is not one of bool, int, float, str"):
        schema_of(Wrong)


@given(VALID.filter(lambda values: all("," not in w and w.strip() == w != "" for w in values.get("words", ()))))
def test_values_can_be_written_on_a_command_line(values):
    words = []
    for key, value in values.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if isinstance(value, bool) or value is None:
            text = "none" if value is None else str(value).lower()
        words.append(f"{key.replace('_', '-')}={text}")
    assume(values.get("note") not in ("none", "null"))  # these words mean null
    assume(not any(word.startswith("[") for word in values.get("words", ())[:1]))  # this begins a JSON list
    assert parse_options(Every, parse_assignments(tuple(words), Every)) == parse_options(Every, values)


def test_a_word_without_an_equals_sign_is_refused():
    with pytest.raises(ConfigError, match="expected key=value"):
        parse_assignments(("count",), Every)


def test_a_value_of_the_wrong_type_is_left_to_the_check():
    values = parse_assignments(("count=many", "bogus=1"), Every)
    assert len(option_faults(Every, values)) == 2
