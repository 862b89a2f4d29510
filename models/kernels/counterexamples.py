"""Write a counterexample: a folder that demonstrates a kernel's fault, ready for a bug report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from models.backends.common.compiled import CompiledBackend
from models.backends.common.interpreters import RESOLVERS
from models.backends.common.registry import find_backend
from models.errors import UsageMistake
from models.files.numpy_files import read_npz
from models.kernels.arithmetic import arithmetic_of
from models.kernels.graph import Tensor
from models.kernels.judging import Deviation, deviation
from models.kernels.rounded import Rounded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.kernels.arithmetic import Arithmetic
    from models.kernels.asking import Answer
    from models.kernels.case import Family
    from models.kernels.searching import Deviating
    from models.runtime.answers import RunnerInfo

CASE, MODEL, FACTS, SCRIPT = "case.npz", "model.tflite", "facts.json", "reproduce.py"
_HEAD = '''"""{title}: {what}"""
import numpy as np
{imports}

case = np.load("case.npz")
{loading}
for run in range({runs}):
    given = [case[f"input_{{run}}_{{place}}"] for place in range({inputs})]
{computing}
    for place, answered in enumerate(answers):
        must, bound = case[f"expected_{{run}}_{{place}}"], case[f"bound_{{run}}_{{place}}"]
        got = answered.astype(np.float64).reshape(must.shape)
        right = (got == must) | (np.isnan(got) & np.isnan(must)) | np.isinf(bound)
        wrong = ~(right | (np.abs(got - must) <= bound))
        print(run, place, wrong.sum(), "of", wrong.size, "are wrong: answered")
        print(answered.ravel()[:8], "must be", must.ravel()[:8], "within", bound.ravel()[:8])
'''
_INTERPRETER = """interpreter = Interpreter(
    model_path="model.tflite", num_threads={threads},
    experimental_op_resolver_type=OpResolverType.{resolver},
)"""
_INTERPRETING = """    for details, array in zip(interpreter.get_input_details(), given):
        interpreter.resize_tensor_input(details["index"], array.shape)
    interpreter.allocate_tensors()
    for details, array in zip(interpreter.get_input_details(), given):
        interpreter.set_tensor(details["index"], array)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    answers = [interpreter.get_tensor(details["index"]) for details in outputs]"""
_COMPILED = """model = CompiledModel.from_file("model.tflite", options=Options(
    hardware_accelerators={hardware},
    {options},
))
key = next(iter(model.get_signature_list()))"""
_ON_CPU = "cpu_options=CpuOptions(num_threads={threads}, kernel_mode=CpuKernelMode.{kernels})"
_ON_GPU = """cpu_options=CpuOptions(num_threads={threads}),
    gpu_options=GpuOptions(enforce_f32={exact})"""
_RESIZING = """    for name, array in zip(model.get_input_tensor_details(key), given):
        model.resize_input_tensor_by_name(key, name, array.shape)
"""
_COMPILING = """    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    for buffer, array in zip(inputs, given):
        buffer.write(array)
    model.run_by_index(0, inputs, outputs)
    earlier = [case[f"actual_{{run}}_{{place}}"] for place in range(len(outputs))]
    answers = [buffer.read(old.size, old.dtype.type) for buffer, old in zip(outputs, earlier)]"""


def keep(folder: Path, family: Family, info: RunnerInfo, deviating: Deviating) -> None:
    """Write a counterexample into a folder, replacing an earlier one.

    Args:
        folder: the folder to create.
        family: the family of the case.
        info: the description of the runner that computed the case.
        deviating: the case, the backend's answer, and how that answer deviates.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = deviating.case.flatbuffer()
    (folder / MODEL).write_bytes(file)
    np.savez_compressed(folder / CASE, **_arrays(file, deviating, arithmetic_of(info.backend)))
    facts = {
        "family": family.name,
        "backend": info.backend,
        "deviation": deviating.deviation.what,
        "times_the_bound": min(deviating.deviation.times, 1e300),
        "case": deviating.case.facts,
        "who_answered": asdict(info),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=2, default=str) + "\n", "utf-8")
    (folder / SCRIPT).write_text(_script(family, info, deviating), "utf-8")


def _arrays(file: bytes, deviating: Deviating, arithmetic: Arithmetic) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "model": np.array(list(file), np.uint8),
        "threads": np.array(deviating.case.threads),
    }
    for run, inputs in enumerate(deviating.case.runs):
        arrays |= {f"input_{run}_{place}": array for place, array in enumerate(inputs)}
    for run, outputs in enumerate(deviating.case.expected(arithmetic)):
        for place, output in enumerate(outputs):
            arrays[f"expected_{run}_{place}"] = output.value
            arrays[f"bound_{run}_{place}"] = np.asarray(output.error, np.float64)
    for run, answered in enumerate(deviating.answer.runs):
        arrays |= {f"actual_{run}_{place}": array for place, array in enumerate(answered)}
    return arrays


def _script(family: Family, info: RunnerInfo, deviating: Deviating) -> str:
    """Return a program that demonstrates the fault with numpy and the runtime alone."""
    threads, backend = deviating.case.threads, find_backend(info.backend)
    if isinstance(backend, CompiledBackend):
        own = "GpuOptions" if backend.uses_vulkan else "CpuKernelMode"
        names = f"CompiledModel, CpuOptions, {own}, HardwareAccelerator, Options"
        imports = f"from {backend.module} import {names}"
        hardware = " | ".join(f"HardwareAccelerator.{name}" for name in backend.hardware)
        options = (_ON_GPU if backend.uses_vulkan else _ON_CPU).format(
            threads=threads, kernels=backend.kernels, exact=backend.precision == "float32"
        )
        loading = _COMPILED.format(hardware=hardware, options=options)
        computing = _COMPILING if deviating.case.resized is None else _RESIZING + _COMPILING
    else:
        imports = f"from {backend.module} import Interpreter, OpResolverType"
        loading = _INTERPRETER.format(threads=threads, resolver=RESOLVERS[backend.mode])
        computing = _INTERPRETING
    return _HEAD.format(
        title=f"{family.name} on {info.backend}",
        what=deviating.deviation.what.replace('"', "'"),
        imports=imports,
        loading=loading,
        computing=computing.replace("{{", "{").replace("}}", "}"),
        runs=len(deviating.case.runs),
        inputs=len(deviating.case.runs[0]),
    )


class StoredCase:
    """A stored counterexample, which can be repeated without drawing the case again.

    Args:
        file: the `case.npz` of the counterexample.

    Raises:
        UsageMistake: the file is missing, or is not a counterexample.
    """

    def __init__(self, file: Path) -> None:
        arrays = read_npz(
            file, remedy=f"Copy the {CASE} of a counterexample there", kind=UsageMistake
        )
        self.flatbuffer = arrays["model"].tobytes()
        self.threads = int(arrays["threads"])
        self.runs = _by_run(arrays, "input")
        self._bounds = _by_run(arrays, "bound")
        self._values = _by_run(arrays, "expected")

    def wrong(self, answer: Answer) -> Deviation | None:
        """Return the deviation of a computed answer; None if the answer is right."""
        expected = [
            [Rounded(value, error) for value, error in zip(*output, strict=True)]
            for output in zip(self._values, self._bounds, strict=True)
        ]
        outputs = [Tensor(array.shape, array.dtype.name) for array in answer.runs[0]]
        return deviation(expected, answer.runs, outputs)


def _by_run(arrays: dict[str, NDArray[Any]], kind: str) -> list[list[NDArray[Any]]]:
    """Return the arrays named `kind_RUN_PLACE`, grouped by run."""
    runs: list[list[NDArray[Any]]] = []
    while f"{kind}_{len(runs)}_0" in arrays:
        run, places = len(runs), 0
        while f"{kind}_{run}_{places}" in arrays:
            places += 1
        runs.append([arrays[f"{kind}_{run}_{place}"] for place in range(places)])
    return runs
