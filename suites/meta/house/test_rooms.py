"""Packages import only what their rule allows."""

from __future__ import annotations

import ast
import itertools
import re
from collections import defaultdict
from graphlib import TopologicalSorter

import pytest

from models.store import PROJECT

# Packages that each package may import besides itself. Data flows from corpus through training,
# conversion, running and judging to the report. No package imports one of a later stage, and the
# packages that all stages use import none of the stages.
MAY_IMPORT = {
    "models.errors": set(),
    # Steps that a signal must not interrupt.
    "models.interruptions": set(),
    "models.files": {"models.errors", "models.interruptions"},
    "models.processes": {"models.errors", "models.interruptions"},
    "models.escaping": set(),
    # Names of earlier versions.
    "models.former_names": set(),
    "models.artefact": {"models.errors"},
    "models.artefact_names": set(),
    # Roles of a classifier's inputs.
    "models.input_roles": set(),
    # Numbers of tokens in the rows of a classifier.
    "models.row_lengths": set(),
    "models.progress": set(),
    "models.encoder_families": set(),
    "models.durations": set(),
    "models.tokenizers": {"models.encoder_families", "models.errors"},
    "models.sources": {"models.errors", "models.store"},
    "models.store": {"models.errors"},
    "models.subjects": {"models.errors"},
    "models.corpus": {
        *("models.errors", "models.store", "models.subjects"),
        # The tokenizer of a checkpoint has the same settings as one that the user gives.
        "models.tokenizers",
    },
    "models.networks": {
        *("models.errors", "models.subjects"),
        # Needed to know which files of a checkpoint belong to its tokenizer.
        "models.tokenizers",
        # A user's own FlatBuffer can provide the weights. The modules that read it know no network.
        "models.flatbuffers",
    },
    "models.training": {"models.errors", "models.networks"},
    "models.shrinking": {
        *("models.corpus", "models.errors", "models.networks", "models.subjects"),
        "models.training",
    },
    "models.flatbuffers": {
        "models.errors",
        # The table of sizes computes the ratios for the metrics of sizes.
        "models.verdicts",
    },
    # Given candidates: files, texts, tokenizers, and requests to a runner.
    "models.candidates": {
        *("models.backends", "models.runner"),
        *("models.corpus", "models.errors", "models.flatbuffers", "models.artefact_names"),
        *(
            "models.onnx",
            "models.runtime",
            "models.store",
            "models.subjects",
        ),
        "models.tokenizers",
    },
    # ONNX files that candidates are compared with.
    "models.onnx": {
        *("models.errors", "models.flatbuffers", "models.runtime", "models.store"),
    },
    # Runner and backends are sent to the target without the rest, so they import nothing else.
    "models.backends": set(),
    "models.runner": {"models.backends"},
    # A command of this package installs runtimes into Pythons of their own.
    "models.runtime": {
        *(
            "models.backends",
            "models.command_line",
            "models.runner",
            "models.errors",
            "models.sources",
            "models.store",
        ),
    },
    "models.verdicts": {
        *(
            "models.corpus",
            "models.errors",
        ),
    },
    "models.devices": {
        *("models.backends", "models.runner"),
        *("models.errors", "models.store", "models.runtime"),
        "models.verdicts",
    },
    # Targets: the device of a machine, and the way to start runners there.
    "models.targets": {
        *("models.backends", "models.devices", "models.errors", "models.runner", "models.runtime"),
        "models.store",
    },
    # A bundle contains candidates, and leaves out parts of the corpus.
    "models.bundle": {
        *("models.backends", "models.runner"),
        *("models.candidates", "models.corpus", "models.errors", "models.flatbuffers"),
        *("models.artefact_names", "models.store", "models.tokenizers"),
        # Needed to validate a bundle's contents when it is unpacked.
        *("models.networks", "models.runtime", "models.verdicts"),
    },
    "models.calibration": {
        *("models.errors", "models.progress", "models.runner", "models.runtime"),
        "models.verdicts",
    },
    "models.fleet": {"models.command_line", "models.errors", "models.store"},
    # Kernels are tested by writing small FlatBuffers that runners execute.
    "models.kernels": {
        *("models.backends", "models.errors", "models.flatbuffers", "models.runtime"),
    },
    "models.command_line": {"models.errors"},
    # The second way to make candidates: PyTorch fine-tunes and converts a checkpoint.
    "models.huggingface": {
        "models.encoder_families",
        *("models.corpus", "models.errors", "models.flatbuffers", "models.artefact_names"),
        *("models.networks", "models.progress", "models.subjects"),
        *("models.build_tasks", "models.tokenizers", "models.training", "models.verdicts"),
    },
    # The builder combines the other packages: checkpoint, keys, stages, number of processes.
    "models.building": {
        *("models.artefact_names", "models.build_tasks", "models.corpus", "models.errors"),
        *("models.encoder_families", "models.tokenizers"),
        *("models.flatbuffers", "models.huggingface", "models.networks", "models.progress"),
        *("models.runtime", "models.shrinking", "models.sources", "models.store"),
        *("models.subjects", "models.training"),
    },
    # The order of the builder's stages, without their contents.
    "models.build_tasks": {"models.store"},
    "models.localizing": {
        *("models.backends", "models.command_line", "models.errors", "models.runner"),
        "models.flatbuffers",
        "models.runtime",
    },
    # The paper's recipe as a file for races, built in a process of its own.
    "models.paper_recipe": {
        *("models.build", "models.building", "models.candidates", "models.command_line"),
        "models.corpus",
        *("models.errors", "models.flatbuffers", "models.artefact_names", "models.networks"),
        *("models.runtime", "models.sources", "models.store"),
    },
    "models.build": {
        *(
            "models.build_tasks",
            "models.building",
            "models.errors",
            "models.huggingface",
            "models.progress",
            "models.store",
        ),
        *("models.command_line", "models.subjects"),
    },
    # Starting, watching and stopping the builder from another process.
    "models.builder_process": {"models.build", "models.building", "models.errors", "models.store"},
    "reports": {
        *(
            "models.command_line",
            "models.errors",
            "models.store",
            "models.verdicts",
        ),
        # Needed for the table of kernels, which is drawn from the results of their suite.
        "models.kernels",
        # A duration has the same wording before a run and after it.
        "models.durations",
    },
}
# Subpackages of the pytest layer, and the ones that each may import. The layer may import all of
# models/, and from reports/ the modules that write the results of a run.
IN_FIXTURES = {
    "session": set(),
    "selecting": {"session"},
    "building": {"session"},
    "answering": {"session", "building"},
    "timing": {"session", "answering"},
    "judging": {"session", "selecting", "building", "answering"},
    "backends": {"session", "selecting", "answering", "judging"},
    "results": {"session", "selecting", "building", "answering", "judging", "backends"},
}
# Subpackages of the reports, and the ones that each may import. The commands next to them may
# import all.
IN_REPORTS = {
    "documents": set(),
    "templates": set(),
    "pictures": {"documents"},
    "texts": {"documents", "templates"},
    "page": {"documents", "templates", "pictures", "texts"},
}
ROOMS_OF = {"fixtures": IN_FIXTURES, "reports": IN_REPORTS}
# Packages and modules that every package may import: they open foreign or stored files, escape
# text, start programs or handle their end.
FOR_ALL = {
    *("models.artefact", "models.escaping", "models.files", "models.former_names"),
    *("models.input_roles", "models.processes", "models.row_lengths"),
}
OURS = {"models", "fixtures", "suites", "reports"}
OF_PYTEST = {"pytest", "_pytest", "allure", "allure_commons", "xdist", "hypothesis"}
# Only modules that the builder alone imports may import these at the top.
HEAVY = {
    *("tensorflow", "keras", "ai_edge_litert", "tflite_runtime", "litert_quantizer"),
    *("onnxruntime", "torch", "transformers", "litert_torch"),
}
BUILDERS_OWN = {
    *(f"models.training.{name}" for name in ("datasets", "finetune", "objective", "optimizer")),
    *(
        f"models.flatbuffers.{name}"
        for name in ("graph", "merging", "outlier_smoothing", "packing")
    ),
    "models.building.convert",
    *(f"models.huggingface.{name}" for name in ("convert", "departure", "network", "training")),
    *(
        f"models.shrinking.{name}"
        for name in ("activity", "cut", "reconstruct", "round_model", "running")
    ),
    *(
        f"models.networks.{name}"
        for name in ("bert", "blocks", "classifier", "encoder", "mobilebert")
    ),
}
# The command of a package, such as `python -m models.corpus`, may combine packages as the builder
# does.
COMMAND = ".__main__"
# Packages that a package may mention by path besides those that it may import: to start pytest, to
# state where a run writes its results, or to read the names of tests.
MAY_NAME = {
    "models.fleet": {"suites", "reports"},
    "models.former_names": {"fixtures", "models.devices", "models.verdicts"},
    "reports": {"suites"},
}
# Names of variables with the checkout's folder, and the pattern of a path in it.
CHECKOUT = {"ROOT", "PROJECT"}
_PATH = re.compile(rf"(?:{'|'.join(sorted(OURS))})/[\w./-]*")


class Imports(ast.NodeVisitor):
    """A visitor that records the modules and paths that a source uses at run time.

    Attributes:
        names: names of the modules that it imports.
        at_the_top: names of the modules that it imports when it is itself imported.
        paths: paths in edgeproof's folders, such as `ROOT / "fixtures" / name`.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.at_the_top: set[str] = set()
        self.paths: set[str] = set()
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Visit the body of a function, which runs only if it is called."""
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_If(self, node: ast.If) -> None:
        """Visit an `if` statement, unless its block is only for type checkers."""
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        """Record `import a.b`."""
        self._take({alias.name for alias in node.names})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Record `from a import b`, where b may itself be a module."""
        module = node.module or ""
        self._take({module} | {f"{module}.{alias.name}" for alias in node.names})

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Record the constant parts of a path that begins at the checkout's folder."""
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
            parts.insert(
                0, str(inner.right.value) if isinstance(inner.right, ast.Constant) else "*"
            )
            inner = inner.left
        if isinstance(inner, ast.Name) and inner.id in CHECKOUT and parts[:1] and parts[0] in OURS:
            self.paths.add("/".join(itertools.takewhile("*".__ne__, parts)))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Record a text that is a path relative to the checkout."""
        if isinstance(node.value, str) and _PATH.fullmatch(node.value):
            self.paths.add(node.value)

    def _take(self, names: set[str]) -> None:
        self.names |= names
        if not self._depth:
            self.at_the_top |= names


@pytest.fixture(scope="module")
def imports() -> dict[str, Imports]:
    """Return the imports of every module of the project, by module."""
    imports_of = {}
    for top in sorted(OURS):
        for file in sorted((PROJECT / top).rglob("*.py")):
            # A run writes programs into this folder that reproduce wrong kernels.
            if file.is_relative_to(PROJECT / "reports" / "out"):
                continue
            visitor = Imports()
            visitor.visit(ast.parse(file.read_text(encoding="utf-8")))
            parts = file.relative_to(PROJECT).with_suffix("").parts
            imports_of[".".join(parts).removesuffix(".__init__")] = visitor
    return imports_of


def room_of(module: str) -> str:
    """Return a module's package, for example `models.corpus` for models.corpus.read."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "models" else parts[0]


def room_at(path: str) -> str:
    """Return a file's package, for example `models.corpus` for models/corpus/grammar.toml."""
    return room_of(path.strip("/").removesuffix(".toml").replace("/", "."))


def test_every_package_has_an_import_rule(imports):
    rooms = {room_of(module) for module in imports} - {"models", "fixtures", "suites"}
    assert rooms == set(MAY_IMPORT)


def test_packages_import_only_what_their_rules_allow(imports):
    wrong = defaultdict(set)
    for module, module_imports in imports.items():
        room = room_of(module)
        if room not in MAY_IMPORT or module.endswith(COMMAND):
            continue
        used = {room_of(name) for name in module_imports.names if name.split(".")[0] in OURS}
        wrong[module] = used - MAY_IMPORT[room] - FOR_ALL - {room, "models"}
    assert {module: rooms for module, rooms in wrong.items() if rooms} == {}


@pytest.mark.parametrize("top", ROOMS_OF)
def test_subpackages_import_only_what_their_rules_allow(top, imports):
    wrong, rules, found_rooms = defaultdict(set), ROOMS_OF[top], set()
    for module, module_imports in imports.items():
        package, *rest = module.split(".")
        # Modules next to the subpackages are commands.
        if package != top or not rest or not (PROJECT / top / rest[0]).is_dir():
            continue
        found_rooms.add(rest[0])
        used = {name.split(".")[1] for name in module_imports.names if name.startswith(f"{top}.")}
        wrong[module] = used - rules[rest[0]] - {rest[0]}
    assert {module: rooms for module, rooms in wrong.items() if rooms} == {}
    assert found_rooms == set(rules)


def test_packages_have_no_import_cycle(imports):
    """The command-line module of a package may import other packages, and is not counted."""
    used = defaultdict(set)
    for module, module_imports in imports.items():
        top = module.partition(".")[0]
        if top != "suites" and not module.endswith(COMMAND):
            names = {
                name for name in module_imports.names if name.partition(".")[0] in OURS - {"suites"}
            }
            used[part_of(module)] |= {part_of(name) for name in names} - {part_of(module)}
    # These three are not counted, because every import of a module in them also names them.
    above = {"models", "fixtures", "reports"}
    rooms = {room: used_rooms - above for room, used_rooms in used.items()}
    assert {"models.flatbuffers", "fixtures.judging", "reports.documents"} <= set(rooms)
    list(TopologicalSorter(rooms).static_order())  # raises CycleError, which names the cycle


def part_of(module: str) -> str:
    """Return `fixtures.judging` for fixtures.judging.judge, otherwise the result of `room_of`."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ROOMS_OF else room_of(module)


def test_modules_name_paths_only_in_packages_that_they_may_import(imports):
    """A package may read files only in the folders of packages that it may import."""
    wrong = {}
    for module, module_imports in imports.items():
        room = room_of(module)
        if room not in MAY_IMPORT or (module.endswith(COMMAND) and room not in MAY_NAME):
            continue
        allowed = {room, "models"} | MAY_IMPORT[room] | FOR_ALL | MAY_NAME.get(room, set())
        paths = {path for path in module_imports.paths if room_at(path) not in allowed}
        if paths:
            wrong[module] = paths
    assert wrong == {}


@pytest.mark.parametrize(
    "source",
    ['ROOT / "fixtures" / "a.toml"', 'FILE = "fixtures/a.toml"', 'PROJECT / "fixtures" / name'],
)
def test_detects_path_into_another_package(source):
    visitor = Imports()
    visitor.visit(ast.parse(source))
    assert {room_at(path) for path in visitor.paths} == {"fixtures"}


def test_ordinary_text_is_not_taken_for_a_path_into_a_package():
    visitor = Imports()
    visitor.visit(ast.parse('"fixtures, suites and/or reports"; ROOT / "docs" / "suites"'))
    assert visitor.paths == set()


def test_models_never_import_pytest(imports):
    knowing = {
        module
        for module, module_imports in imports.items()
        if module.startswith("models")
        and {name.split(".")[0] for name in module_imports.names} & OF_PYTEST
    }
    assert knowing == set()


def test_only_builder_modules_import_heavy_packages(imports):
    heavy = {
        module
        for module, module_imports in imports.items()
        if not module.startswith("suites.meta")
        and {name.split(".")[0] for name in module_imports.at_the_top} & HEAVY
    }
    assert heavy <= BUILDERS_OWN


def test_suites_do_not_import_each_other(imports):
    """A suite may import from models/ and fixtures/, but not from suites/ or reports/."""
    wrong = {
        module
        for module, module_imports in imports.items()
        if module.startswith("suites.") and not module.startswith("suites.meta")
        for name in module_imports.names
        if name.split(".")[0] in {"suites", "reports"}
    }
    assert wrong == set()


@pytest.mark.parametrize("top", ["models", *ROOMS_OF])
def test_contributing_names_every_package(top):
    section = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Rooms\n")[1]
    named = set(re.findall(r"`(\w+)`", section.split("\n## ")[0]))
    packages = {file.parent.name for file in (PROJECT / top).glob("*/__init__.py")}
    assert packages - named == set()
