"""Reads pickles without running them: a small machine of our own that builds plain containers and inert records.

Python's own unpickler calls whatever a file names. This one has no way to import or to call anything: a global is only
a pair of words, and a call is looked up by those words in a table of functions of this package. Whatever is not in the
table is refused, and the file with it.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from fspp_core.errors import WeightsError

MAX_STEPS = 4_000_000
"""Instructions in one pickle; weights of a thousand tensors take some thirty thousand."""


@dataclass(frozen=True, slots=True)
class Name:
    """A global a pickle mentions: words, never the thing itself."""

    module: str
    name: str

    def __str__(self) -> str:
        """As an import would spell it."""
        return f"{self.module}.{self.name}"


class Stateful(Protocol):
    """A record whose content arrives after it was made."""

    def set_state(self, state: Any) -> None:
        """Take the content; ValueError when it is malformed."""
        ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that a pickle may say.

    Attributes:
        calls: what may be called, each answered by a function of ours on plain arguments.
        words: globals that may be mentioned as arguments.
        persistent: answers references to storages outside the pickle, None to refuse them.
        instance: makes the record for an object of a class, or gives None to refuse the class.
    """

    calls: Mapping[tuple[str, str], Callable[..., Any]]
    words: frozenset[tuple[str, str]]
    persistent: Callable[[Any], Any] | None = None
    instance: Callable[[Name], Stateful | None] = lambda name: None

    def knows(self, name: Name) -> bool:
        """Whether a pickle may mention this."""
        key = (name.module, name.name)
        return key in self.calls or key in self.words or self.instance(name) is not None


def read_pickle(file: BinaryIO, vocabulary: Vocabulary) -> Any:
    """The value of the pickle at the file's position, which is left right behind it.

    Returns:
        None, bool, int, float, str, bytes, list, tuple, dict with keys of these kinds, or records of the vocabulary.

    Raises:
        WeightsError: when the pickle says anything that the vocabulary does not have, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of odd escapes in text; the file is not our code
            return _Machine(vocabulary).run(file)
    except WeightsError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError) as error:
        raise WeightsError(f"the pickle is damaged or cut off: {type(error).__name__}: {error}") from error


class _Mark:
    """Where a run of items begins on the stack."""


_MARK = _Mark()
_VALUES = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_KEYS = (str, bytes, int, float, type(None))  # hashing a deep tuple would overflow the interpreter's own stack


class _Machine:
    """The stack and the memory of one pickle."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, file: BinaryIO) -> Any:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if step >= MAX_STEPS:
                raise WeightsError(f"the pickle has more than {MAX_STEPS} instructions; weights have far fewer")
            if opcode.name == "STOP":
                break
            self._step(opcode.name, argument)
        if len(self._stack) != 1 or self._stack[0] is _MARK:
            raise ValueError(f"{len(self._stack)} values are left at its end")
        return self._stack[0]

    def _step(self, code: str, argument: Any) -> None:
        if code in _VALUES:
            self._stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
        elif code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _TUPLES:
            self._stack.append(tuple(self._take(_TUPLES[code])))
        else:
            method = getattr(self, f"_do_{code.lower()}", None)
            if method is None:
                raise WeightsError(f"the pickle uses {code}, which weights do not need; it was not run")
            method(argument)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark stands where a value is expected")
        return value

    def _take(self, count: int) -> list[Any]:
        return [self._pop() for _ in range(count)][::-1]

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if type(top) is not kind:
            raise ValueError(f"{type(top).__name__} found where a {kind.__name__} is filled")
        return top

    def _since_mark(self) -> list[Any]:
        items: list[Any] = []
        while (value := self._stack.pop()) is not _MARK:
            items.append(value)
        return items[::-1]

    # The names of the methods are those of the instructions.

    def _do_proto(self, version: int) -> None:
        if version > 5:
            raise ValueError(f"protocol {version} is not known")

    def _do_frame(self, _size: int) -> None:
        pass

    def _do_mark(self, _: None) -> None:
        self._stack.append(_MARK)

    def _do_pop(self, _: None) -> None:
        self._stack.pop()

    def _do_pop_mark(self, _: None) -> None:
        self._since_mark()

    def _do_dup(self, _: None) -> None:
        self._stack.append(self._stack[-1])

    def _do_put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    _do_binget = _do_long_binget = _do_get

    def _do_empty_list(self, _: None) -> None:
        self._stack.append([])

    def _do_empty_tuple(self, _: None) -> None:
        self._stack.append(())

    def _do_empty_dict(self, _: None) -> None:
        self._stack.append({})

    def _do_list(self, _: None) -> None:
        self._stack.append(self._since_mark())

    def _do_tuple(self, _: None) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _do_dict(self, _: None) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._fill(items)

    def _do_append(self, _: None) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _do_appends(self, _: None) -> None:
        items = self._since_mark()
        self._top(list).extend(items)

    def _do_setitem(self, _: None) -> None:
        self._fill(self._take(2))

    def _do_setitems(self, _: None) -> None:
        self._fill(self._since_mark())

    def _fill(self, items: list[Any]) -> None:
        fill(self._top(dict), zip(items[::2], items[1::2], strict=True))

    def _do_global(self, argument: str) -> None:
        self._mention(*argument.split(" ", 1))

    def _do_stack_global(self, _: None) -> None:
        self._mention(*self._take(2))

    def _mention(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a global is named by something else than words")
        found = Name(module, name)
        if not self._vocabulary.knows(found):
            raise WeightsError(f"the pickle asks for {str(found)[:200]!r}, which weights do not need; it was not run")
        self._stack.append(found)

    def _do_reduce(self, _: None) -> None:
        callee, arguments = self._take(2)
        function = self._vocabulary.calls.get((callee.module, callee.name)) if isinstance(callee, Name) else None
        if function is None or not isinstance(arguments, tuple):
            raise WeightsError(f"the pickle calls {str(callee)[:200]!r}, which weights do not need; it was not run")
        self._stack.append(function(*arguments))

    def _do_newobj(self, _: None) -> None:
        cls, arguments = self._take(2)
        record = self._vocabulary.instance(cls) if isinstance(cls, Name) else None
        if record is None or arguments != ():
            raise WeightsError(f"the pickle makes an object of {str(cls)[:200]!r}; it was not run")
        self._stack.append(record)

    def _do_build(self, _: None) -> None:
        state = self._pop()
        target = self._stack[-1]
        if isinstance(target, dict):
            return  # what torch hangs on a state dict beside its tensors
        if not hasattr(target, "set_state"):
            raise WeightsError(f"the pickle gives a state to {type(target).__name__}; it was not run")
        target.set_state(state)

    def _do_binpersid(self, _: None) -> None:
        reference = self._pop()
        if self._vocabulary.persistent is None:
            raise WeightsError("the pickle refers to something outside itself; it was not run")
        self._stack.append(self._vocabulary.persistent(reference))


def fill(target: dict[Any, Any], pairs: Any) -> None:
    """Set items whose keys are plain.

    Raises:
        ValueError: for another key.
    """
    for key, value in pairs:
        if not isinstance(key, _KEYS):
            raise ValueError(f"a key is a {type(key).__name__}")
        target[key] = value


def ordered_dict(items: Any = ()) -> dict[Any, Any]:
    """Stands for `collections.OrderedDict`."""
    result: dict[Any, Any] = {}
    if not isinstance(items, list | tuple):
        raise ValueError("the items of a dictionary are not a list")
    fill(result, (tuple(item) for item in items))
    return result
