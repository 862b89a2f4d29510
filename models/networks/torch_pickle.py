"""Read the pickle inside a PyTorch checkpoint, without PyTorch and without trusting it.

A pickle is a program for a stack machine, and can call any function. The interpreter here supports
only the instructions and functions that a table of weights needs; all they do is record where in
the file a tensor lies. Only texts and numbers are hashed, compared or printed, so that a value that
contains itself a thousand times costs nothing.
"""

from __future__ import annotations

import pickletools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import strided, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from numpy.typing import NDArray

# Maximum number of instructions in a table of weights; BERT-large needs 26,000, in 50 kB.
MOST_STEPS = 400_000
LARGEST_PICKLE = 1 << 23
_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
# Numbers of parts of a persistent id: ("storage", type, key, device, size), and a view before
# PyTorch 1.6.
_ID_PARTS = (5, 6)


class PickleError(ValueError):
    """The pickle is broken, or contains an instruction that no table of weights needs."""


@dataclass(frozen=True, eq=False)
class Storage:
    """A run of values in the file, of which tensors are views.

    Attributes:
        key: its name in the file.
        dtype: name of its values' type.
        size: number of values.
    """

    key: str
    dtype: str
    size: int

    @property
    def bytes(self) -> int:
        """Return the number of bytes that the storage takes in the file."""
        return self.size * _numpy_dtype(self.dtype).itemsize


@dataclass(frozen=True, eq=False, repr=False)
class StoredTensor:
    """The place of a tensor: a strided view of a storage, counted in values and unchecked."""

    storage: Storage
    offset: object
    shape: object
    strides: object

    def values(self, data: bytes) -> NDArray[Any]:
        """Return the tensor, a read-only view of its storage's bytes.

        Raises:
            ArrayError: the view reaches beyond the storage, or its shape or strides are invalid.
        """
        dtype = _numpy_dtype(self.storage.dtype)
        return strided(data, dtype, self.offset, self.shape, self.strides)


def _numpy_dtype(name: str) -> np.dtype[Any]:
    import ml_dtypes  # noqa: F401, PLC0415 - adds bfloat16 to numpy

    return np.dtype(name)


def read_pickle(file: BinaryIO, on_storage: Callable[[Storage], None]) -> Any:
    """Read one pickle; tensors are returned as `StoredTensor`.

    Args:
        file: the open file, at the start of the pickle; afterwards it is at the pickle's end.
        on_storage: called with each storage that a tensor refers to.

    Raises:
        PickleError: the pickle is broken or too long, or uses what no table of weights needs.
        ArrayError: a size in it is not a whole number.
    """
    with warnings.catch_warnings():
        # A backslash in a name causes this warning; such a name is then rejected as unknown.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _Machine(on_storage).run(file)


class _Machine:
    """Runs one pickle on a stack of values; `_on_NAME` executes the instruction NAME."""

    def __init__(self, on_storage: Callable[[Storage], None]) -> None:
        self._on_storage = on_storage
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._steps = MOST_STEPS

    def run(self, file: BinaryIO) -> Any:
        try:
            for instruction, argument, _ in pickletools.genops(file):
                self._spend(1)
                if instruction.name == "STOP":
                    return self._stack.pop()
                self._do(instruction.name, argument)
        except IndexError:
            raise PickleError("it takes more values than it has stored") from None
        raise PickleError("it does not end with STOP")

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise PickleError(f"it takes more than {MOST_STEPS:,} steps")

    def _do(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self._stack.append(tuple(self._take(_TUPLES[name])))
        elif name not in _IGNORED:
            action = getattr(self, f"_on_{name.lower()}", None)
            if action is None:
                raise PickleError(f"it uses {name}, which no checkpoint of weights needs")
            action(argument)

    def _take(self, count: int) -> list[Any]:
        """Pop the last `count` values from the stack."""
        if count > len(self._stack):
            raise IndexError
        start = len(self._stack) - count
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _on_mark(self, _: Any) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _on_tuple(self, _: Any) -> None:
        items = tuple(self._since_mark())
        self._stack.append(items)

    def _on_empty_list(self, _: Any) -> None:
        self._stack.append([])

    def _on_empty_dict(self, _: Any) -> None:
        self._stack.append({})

    def _on_append(self, _: Any) -> None:
        self._extend(self._take(1))

    def _on_appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def _extend(self, values: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise PickleError("it appends to an object that is not a list")
        self._stack[-1].extend(values)

    def _on_setitem(self, _: Any) -> None:
        self._update(self._take(2))

    def _on_setitems(self, _: Any) -> None:
        self._update(self._since_mark())

    def _update(self, values: list[Any]) -> None:
        table = self._stack[-1]
        if not isinstance(table, dict) or len(values) % 2:
            raise PickleError("it sets an item of an object that is not a table")
        for key, value in zip(values[::2], values[1::2], strict=True):
            table[_checked_key(key)] = value

    def _on_binput(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    _on_long_binput = _on_binput

    def _on_memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _on_binget(self, number: int) -> None:
        if number not in self._memo:
            raise PickleError("it recalls a value that it never stored")
        self._stack.append(self._memo[number])

    _on_long_binget = _on_binget

    def _on_global(self, argument: str) -> None:
        self._name(*argument.split(" ", 1))

    def _on_stack_global(self, _: Any) -> None:
        self._name(*self._take(2))

    def _name(self, module: object, name: object) -> None:
        if type(module) is not str or type(name) is not str:
            raise PickleError("it names an object by a value that is not text")
        if (module, name) not in _ALLOWED:
            called = f"{module}.{name}"[:100]
            raise PickleError(f"it names {called}, which no checkpoint of weights needs")
        self._stack.append(_Global(module, name))

    def _on_reduce(self, _: Any) -> None:
        function, arguments = self._take(2)
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise PickleError("it calls an object that is not a function")
        if function.name == "OrderedDict":
            self._stack.append(self._ordered_dict(arguments))
        elif function.name == "_rebuild_parameter" and arguments:
            self._stack.append(arguments[0])
        elif function.name.startswith("_rebuild_tensor"):
            self._stack.append(_tensor(arguments))
        else:
            raise PickleError(f"it calls {function.name}")

    def _ordered_dict(self, arguments: tuple[Any, ...]) -> dict[str | int, Any]:
        """Return the table that a call of OrderedDict makes; Python 2 passed a list of pairs."""
        pairs = arguments[0] if arguments else []
        if len(arguments) > 1 or not isinstance(pairs, list):
            raise PickleError("it makes a table of an object that is not a list of pairs")
        self._spend(len(pairs))
        table = {}
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 - the length of a pair
                raise PickleError("it makes a table of an object that is not a list of pairs")
            table[_checked_key(pair[0])] = pair[1]
        return table

    def _on_build(self, _: Any) -> None:
        """Drop the attributes that a pickle sets on a dict, which no tensor needs."""
        self._take(1)
        if not isinstance(self._stack[-1], dict):
            raise PickleError("it sets attributes of an object that is not a table")

    def _on_binpersid(self, _: Any) -> None:
        pid = self._take(1)[0]
        if not isinstance(pid, tuple) or len(pid) not in _ID_PARTS:
            raise PickleError("it refers to an object that is not a storage")
        kind, dtype, key, _device, size, *view = pid
        if type(kind) is not str or kind != "storage" or not isinstance(dtype, _Global):
            raise PickleError("it refers to an object that is not a storage")
        if dtype.name not in _DTYPES or any(part is not None for part in view):
            raise PickleError("it refers to a storage of another kind")
        storage = Storage(str(_checked_key(key)), _DTYPES[dtype.name], whole_number(size, "a size"))
        self._on_storage(storage)
        self._stack.append(storage)


@dataclass(frozen=True, eq=False)
class _Global:
    module: str
    name: str


def _tensor(arguments: tuple[Any, ...]) -> StoredTensor:
    if len(arguments) < 4 or not isinstance(arguments[0], Storage):  # noqa: PLR2004 - the fields of StoredTensor
        raise PickleError("a tensor has no storage")
    return StoredTensor(*arguments[:4])


def _checked_key(key: object) -> str | int:
    """Return a key after checking that hashing it is cheap."""
    if type(key) is not str and type(key) is not int:
        raise PickleError("it has a key that is neither a text nor a number")
    return key


_ALLOWED = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    *(("torch", storage) for storage in _DTYPES),
}
# Instructions by their names in `pickletools`.
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}
