"""A counterexample is a folder whose program shows the fault with numpy and the runtime."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.kernels.asking import Answer, AskedBackend
from models.kernels.choices import RandomChoices
from models.kernels.counterexamples import SCRIPT, keep
from models.kernels.families.all_families import FAMILIES
from models.kernels.judging import Deviation
from models.kernels.searching import Deviating
from models.runtime.available import why_absent
from models.runtime.transports import LocalTransport

MOST_LINES = 30


@pytest.mark.parametrize("backend", ["ai_edge_litert-builtin", "litert-cpu"])
@pytest.mark.parametrize("resized", [False, True], ids=["of one shape", "resized"])
def test_counterexample_program_runs_the_kernel_and_compares_the_result(backend, resized, tmp_path):
    """The kernel is correct here, so that the program finds no wrong number."""
    if why_absent(backend) is not None:
        pytest.skip(f"{backend}: {why_absent(backend)}")
    family = FAMILIES["ATTENTION-float32"]
    cases = (family.draw(RandomChoices(seed)) for seed in range(100))
    case = next(candidate for candidate in cases if (candidate.resized is not None) == resized)
    with AskedBackend(LocalTransport(), backend) as asked:
        answer: Answer = asked.answer(case)
        assert answer.kind == "computed", answer.said
        keep(tmp_path, family, asked.info, Deviating(case, answer, Deviation("it is not", 1.0)))
    program = (tmp_path / SCRIPT).read_text("utf-8")
    assert len(program.splitlines()) <= MOST_LINES
    ran = subprocess.run(
        [sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    wrong_lines = [line for line in ran.stdout.splitlines() if "are wrong" in line]
    assert len(wrong_lines) == len(case.runs)
    assert all(" 0 of " in line for line in wrong_lines), ran.stdout
