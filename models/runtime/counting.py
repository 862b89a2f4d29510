"""Count the instructions on an emulated board, independent of the machine's load.

Counts are not times, because an emulator simulates neither caches nor pipelines. Equal files give
equal counts, up to some hundred instructions in millions, so that a larger count is a regression.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError
from models.processes.programs import run
from models.runtime.client import Runner
from models.runtime.debian import native_architecture, unpack, version_of
from models.runtime.emulated import EmulatedTransport
from models.runtime.emulator import CARD, private_apt, read_sysroots, refuse_network
from models.runtime.transports import RUNNER_ENVIRONMENT, Channel
from models.sources import hash_imports
from models.store import PROJECT, Stage, hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.runtime.binding import Binding
    from models.store import Store

SOURCE = Path(__file__).parent / "plugin" / "count.c"
MAKER = "models.runtime.counting:prepare_counter"
COUNTED_FILE = Path(__file__).with_name("counted.py")
PLUGIN = "count.so"
ROOT = "root"
_FLAGS = ("-O2", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden")
_COUNTED = ("instructions", "dot_products", "integer_multiplies", "float_multiplies")
_SECONDS_TO_COMPILE = 120.0
_SECONDS_TO_LOAD = 60.0
_SECONDS_PER_ANSWER = 12.0


@dataclass(frozen=True)
class InstructionCounts:
    """The number of instructions that one answer takes, in all and by kind.

    Attributes:
        instructions: number of all instructions.
        dot_products: integer dot products (sdot), sixteen products in one instruction.
        integer_multiplies: other integer products of vectors (smull, smlal).
        float_multiplies: float multiply-adds (fmla).
        answers: number of answers; all counts are medians over these.
    """

    instructions: int
    dot_products: int
    integer_multiplies: int
    float_multiplies: int
    answers: int = 1

    @property
    def classes(self) -> dict[str, int]:
        """Return the counts of the three kinds of multiplications, by the name of the metric."""
        return {
            "instructions_sdot": self.dot_products,
            "instructions_mlal": self.integer_multiplies,
            "instructions_fmla": self.float_multiplies,
        }

    @property
    def shares(self) -> dict[str, float]:
        """Return two shares, by the name of the metric; 0.0 if there are no such multiplications.

        They are the share of integer multiplications among all, and the share of dot products among
        the integer multiplications.
        """
        integers = self.dot_products + self.integer_multiplies
        multiplies = integers + self.float_multiplies
        return {
            "integer_multiply_share": integers / multiplies if multiplies else 0.0,
            "dot_product_share": self.dot_products / integers if integers else 0.0,
        }


@dataclass(frozen=True)
class Counter:
    """The emulator that counts instructions, with its plugin.

    Attributes:
        folder: folder of the emulator and the plugin.
        version: version of the emulator's package.
    """

    folder: Path
    version: str

    def command(self, architecture: str, out: Path) -> list[str]:
        """Return the beginning of a command that counts instructions.

        Args:
            architecture: aarch64 or armv7.
            out: file to which the plugin appends a line for each answer.
        """
        tables = read_sysroots()
        name = tables.counter.program.format(tables.architectures[architecture].emulator)
        root = self.folder / ROOT
        loader = min((root / "usr").glob("lib*/ld-linux*.so.*"))
        libraries = sorted({file.parent for file in (root / "usr" / "lib").glob("*/*.so.*")})
        # The program needs the loader and the libraries for which it was built; those of this
        # machine may differ.
        start = [str(loader), "--library-path", ":".join(map(str, libraries)), str(root / name)]
        # A comma ends the option's value, so it is doubled in paths.
        files = [str(path).replace(",", ",,") for path in (self.folder / PLUGIN, out)]
        return [*start, "-plugin", f"file={files[0]},out={files[1]}"]


@dataclass(frozen=True, kw_only=True)
class CountingTransport(EmulatedTransport):
    """A transport to an emulated board that counts the instructions of each answer.

    Args:
        counter: the emulator that counts.
        out: file to which counts are appended.
    """

    counter: Counter
    out: Path

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:
        """Start the runner that marks each `invoke()`, with command-line arguments."""
        command = self.counter.command(self.sysroot.architecture, self.out)
        command += self.sysroot.guest(str(COUNTED_FILE), *arguments, core=self.core)
        environment = {**self.sysroot.environment(runtime), **RUNNER_ENVIRONMENT}
        environment["PYTHONPATH"] += f":{PROJECT}"
        return Channel(command, environment)


def prepare_counter(
    store: Store, *, offline: bool = False, say: Callable[[str], None] = lambda _: None
) -> Counter:
    """Return the emulator that counts instructions; make it if the store lacks it.

    Args:
        store: the store of the emulator.
        offline: whether downloads are forbidden.
        say: prints a line before a step that takes long.

    Raises:
        EdgeproofError: there is no C compiler, or the emulator cannot be downloaded.
    """
    recipe = {
        "source": hash_imports(MAKER),
        "plugin": hash_file(SOURCE),
    }

    def make(folder: Path) -> None:
        refuse_network("emulator that counts instructions", offline=offline)
        _build_plugin(folder / PLUGIN)
        say("fetching the emulator that counts instructions")
        card = {"version": _unpack_emulator(folder / ROOT)}
        (folder / CARD).write_text(json.dumps(card), encoding="utf-8")

    unpacked = store.get(Stage("counter", recipe), make, say)
    unpacked.check()
    return Counter(unpacked.folder, str(unpacked.document(CARD)["version"]))


def count_instructions(
    transport: CountingTransport,
    flatbuffer: Path,
    inputs: Mapping[str, NDArray[Any]],
    *,
    backend: str,
    binding: Binding | None = None,
) -> InstructionCounts:
    """Count the instructions for one answer: the median of all answers except the first.

    Use one thread, because waiting threads would spin, and their instructions would be counted.

    Args:
        transport: an emulated board that counts.
        flatbuffer: the file.
        inputs: arrays [n, tokens] by role, or by input name without a binding; at least two texts.
        binding: roles of the inputs; None for the names in the only signature.
        backend: name of the backend.

    Raises:
        RunnerDied: the runner crashed or hung on the file.
        RunnerRefused: the backend refuses the file.
    """
    transport.out.unlink(missing_ok=True)
    with Runner(transport, backend, timeout=_SECONDS_TO_LOAD) as runner:
        runner.load("counted", flatbuffer, threads=1, binding=binding)
        texts = len(next(iter(inputs.values())))
        answers = runner.answer("counted", inputs, timeout=_SECONDS_PER_ANSWER * texts)
    counts = read_counts(transport.out)
    if len(counts) != len(answers.logits):
        raise EdgeproofError(
            f"the emulator wrote {len(counts)} counts for {len(answers.logits)} answers",
            file=flatbuffer,
            remedy="Report this as a fault of edgeproof: every answer must have exactly one count",
        )
    later = counts[1:]
    medians = {name: int(median(getattr(counts, name) for counts in later)) for name in _COUNTED}
    return InstructionCounts(**medians, answers=len(later))


def read_counts(out: Path) -> list[InstructionCounts]:
    """Return the counts that the plugin wrote, in the order of the answers."""
    lines = out.read_text(encoding="ascii").splitlines()
    return [InstructionCounts(*map(int, line.split())) for line in lines]


def _build_plugin(target: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise EdgeproofError(
            "counting instructions needs a C compiler, but there is no cc, gcc or clang here",
            remedy="Install a C compiler, or do not run suites/instructions",
        )
    command = [compiler, *_FLAGS, "-o", str(target), str(SOURCE)]
    remedy = "Check that the compiler works and that the C library's headers are installed"
    done = run(command, seconds=_SECONDS_TO_COMPILE, remedy=remedy)
    if done.code:
        raise EdgeproofError(
            f"{compiler} cannot build the plugin ({done.last_line})", file=SOURCE, remedy=remedy
        )


def _unpack_emulator(root: Path) -> str:
    """Unpack the emulator with its libraries; return its version."""
    tables = read_sysroots()
    counter = tables.counter
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    version = ""
    with private_apt(native_architecture(), tables.codename) as (apt, _):
        for package in apt.download_all([counter.package]):
            is_counter = package.name.startswith(f"{counter.package}_")
            programs = [counter.program.format(a.emulator) for a in tables.architectures.values()]
            # The package contains emulators for thirty machines; only two of them are needed.
            unpack(package, root, programs if is_counter else ())
            version = version_of(package) if is_counter else version
    for name in ("usr/share", "usr/sbin", "usr/include", "etc", "var"):
        shutil.rmtree(root / name, ignore_errors=True)
    return version
