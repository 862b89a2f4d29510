"""Write the parts of a bug report: the smallest file, its inputs, both answers, a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from models.backends.common.compiled import CompiledBackend
from models.backends.common.interpreters import InterpreterBackend
from models.backends.common.registry import find_backend
from models.backends.delegate import Delegate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.backends.common.backend import Backend
    from models.localizing.between import Shown
    from models.localizing.cutting import Cut
    from models.runtime.answers import RunnerInfo

MODEL, ARRAYS, FACTS, SCRIPT = "smallest.tflite", "arrays.npz", "facts.json", "show.py"
_HEAD = '''"""{title}. Needs numpy and {distribution} {version}."""
import numpy as np

held = np.load("{arrays}")
given = [held[f"input_{{place}}"][:1] for place in range({count})]
print("expected", held["expected"][0][:8])
'''
_INTERPRETED = """from {module} import Interpreter, OpResolverType, load_delegate

interpreter = Interpreter(model_path="{model}", num_threads=1,
                          experimental_op_resolver_type=OpResolverType.{resolver},
                          experimental_delegates={delegates})
interpreter.allocate_tensors()
for details, array in zip(interpreter.get_input_details(), given):
    scale, zero = details["quantization"]
    array = np.rint(array / scale) + zero if scale else array
    array = array.reshape(details["shape"]).astype(details["dtype"])
    interpreter.set_tensor(details["index"], array)
interpreter.invoke()
(output,) = interpreter.get_output_details()
scale, zero = output["quantization"]
answer = interpreter.get_tensor(output["index"]).ravel()
print("answered", ((answer - float(zero)) * scale if scale else answer)[:8])
"""
_COMPILED = """from ai_edge_litert.compiled_model import (
    CompiledModel, CpuKernelMode, CpuOptions, GpuOptions, HardwareAccelerator, Options)

model = CompiledModel.from_file("{model}", options=Options(
    hardware_accelerators={kinds},
    cpu_options=CpuOptions(num_threads=1, kernel_mode=CpuKernelMode.{kernels}),
    gpu_options=GpuOptions(enforce_f32={float32})))
(key,) = model.get_signature_list()
inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
for buffer, array, details in zip(inputs, given, model.get_input_tensor_details(key).values()):
    buffer.write(array.reshape(-1).astype(details["dtype"]))
model.run_by_index(0, inputs, outputs)
(details,) = model.get_output_tensor_details(key).values()
print("answered", outputs[0].read(int(np.prod(details["shape"])), np.dtype(details["dtype"]))[:8])
"""


def write_folder(  # noqa: PLR0913, PLR0917 - the parts of a bug report
    folder: Path,
    part: Cut,
    inputs: Mapping[int, NDArray[Any]],
    difference: Shown,
    backends: tuple[str, str],
    info: RunnerInfo,
) -> list[str]:
    """Write a demonstration of a fault into a folder, replacing an earlier one.

    Args:
        folder: the folder, which is created.
        part: the smallest file.
        inputs: inputs of the file [n, ...], by tensor.
        difference: the fault.
        backends: names of the judged backend and of the deviating one.
        info: description of the runner with the deviating backend.

    Returns:
        The names of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(part.data)
    arrays: dict[str, Any] = {
        f"input_{place}": inputs[tensor] for place, tensor in enumerate(part.inputs)
    }
    arrays["expected"] = difference.expected
    if difference.actual is not None:
        arrays["answered"] = difference.actual
    np.savez_compressed(folder / ARRAYS, **arrays)
    facts = {
        "right": backends[0],
        "wrong": backends[1],
        "runtime": info.runtime,
        "version": info.runtime_version,
        "machine": info.machine,
        "processor": info.processor.model,
        "how": difference.how,
        "said": difference.said,
        "operators": list(part.operators),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (folder / SCRIPT).write_text(_script(part, difference, backends[1], info), encoding="utf-8")
    return [MODEL, ARRAYS, FACTS, SCRIPT]


def _script(part: Cut, difference: Shown, name: str, info: RunnerInfo) -> str:
    """Return a program that shows the fault without edgeproof."""
    backend = find_backend(name)
    head = _HEAD.format(
        title=f"{part.operators[-1]} on {name}: it {difference.how}",
        distribution=backend.distribution,
        version=info.runtime_version,
        arrays=ARRAYS,
        count=len(part.inputs),
    )
    if isinstance(backend, CompiledBackend):
        return head + _COMPILED.format(
            model=MODEL,
            kinds=" | ".join(f"HardwareAccelerator.{kind}" for kind in backend.hardware),
            kernels=backend.kernels,
            float32=backend.precision == "float32",
        )
    if not isinstance(backend, InterpreterBackend):
        raise TypeError(f"no script is written for {name}")
    return head + _INTERPRETED.format(
        module=backend.module,
        model=MODEL,
        resolver=backend.resolver,
        delegates=_delegates(backend),
    )


def _delegates(backend: Backend) -> str:
    """Return the Python expression for the delegates of an interpreter; "None" without them."""
    if not isinstance(backend, Delegate):
        return "None"
    return f"[load_delegate({backend.library!r}, {backend.options!r})]"
