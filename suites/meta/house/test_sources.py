"""The store key of a stage covers all sources that decide the bytes of its artefact."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap

import pytest

from models import sources
from models.building.plan import Request, make_plan, make_request
from models.encoder_families import FAMILIES, Family
from models.runtime import counting, sysroot
from models.sources import PACKAGE, ROOT, WITHOUT_EFFECT, hash_imports, sources_of
from models.subjects import load_subject
from models.tokenizers.checkpoint_files import FILES

METHODS = ("_make_corpus", "_make_model", "_make_cut", "_make_answers", "_make_variant")
BUILDER = "models.building.stages:Builder"
MAKERS = [f"{BUILDER}.{name}" for name in (*METHODS, "_prune_corpus", "_round")]
DOWNLOADS = ["models.runtime.emulator:prepare_emulator", sysroot.MAKER, counting.MAKER]
ANSWERS = ["models.runner.serving", "models.runtime.predictions"]
ENTRIES = [*MAKERS, *DOWNLOADS, *ANSWERS]
# Some modules that were missing when the lists were maintained by hand, with the stages that
# execute them.
REACHED = {
    "models.flatbuffers.structure": {"_make_variant", "_make_model"},
    "models.flatbuffers.dtypes": {"_make_variant", "_make_model"},
    "models.building.convert": {"_make_variant"},
    "models.flatbuffers.inspect": {"_make_variant"},
    "models.corpus.tokenize": {*METHODS, "_prune_corpus", "_round"},
    "models.networks.torch_pickle": {"_make_model"},
    "models.shrinking.encoding": {"_prune_corpus", "_make_cut", "_make_answers"},
    "models.shrinking.rounding": {"_round"},
    "models.training.optimizer": {"_make_model", "_make_cut", "_make_answers", "_round"},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the parent folder of a copy of `models`, whose modules the tests may change."""
    root = tmp_path_factory.mktemp("sources")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=ignored)
    return root


@pytest.fixture
def package(tmp_path):
    """Return `package(NAME=SOURCE, ...)`, which writes `models` and returns its parent folder."""

    def write(**modules: str):
        for name, source in {"__init__": "", **modules}.items():
            path = tmp_path / PACKAGE / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(source), encoding="utf-8")
        forget()
        return tmp_path

    return write


def forget():
    """Clear the caches of sources, which change only in these tests."""
    for remembered in (hash_imports, sources_of, sources._package):
        remembered.cache_clear()


def keys(root):
    return {entry: hash_imports(entry, root=root) for entry in ENTRIES}


def changed(root, path, content, before=None):
    """Return the entries whose hash changes if a file gets this content."""
    content_before = path.read_bytes()
    before = before or keys(root)
    path.write_bytes(content)
    forget()
    try:
        after = keys(root)
    finally:
        path.write_bytes(content_before)
        forget()
    return {entry for entry in ENTRIES if after[entry] != before[entry]}


def module_of(path, root):
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    return name.removesuffix(".__init__")


def test_changed_module_changes_only_the_store_keys_of_stages_that_execute_the_module(whole):
    before = keys(whole)
    reached = {entry: sources_of(entry, whole).modules for entry in ENTRIES}
    for path in sorted((whole / PACKAGE).rglob("*.py")):
        name = module_of(path, whole)
        expected = {entry for entry in ENTRIES if name in reached[entry]}
        changed_keys = changed(whole, path, path.read_bytes() + b"\nADDED = 1\n", before)
        assert changed_keys == expected, name


@pytest.mark.parametrize(
    ("entry", "imported"),
    [
        ("_make_corpus", "models.corpus.artefact"),
        ("_prune_corpus", "models.shrinking.encoding"),
        ("_make_model", "models.networks.published"),
        ("_make_variant", "models.flatbuffers.inspect"),
    ],
)
def test_store_key_covers_every_module_that_python_imports(entry, imported):
    """The expected modules are those that Python loads when it imports the stage."""
    loaded = loaded_with(imported)
    assert imported in loaded
    modules = sources_of(f"models.building.stages:Builder.{entry}").modules
    assert loaded - loaded_with(*WITHOUT_EFFECT) <= modules


def loaded_with(*modules):
    code = f"import sys, {', '.join(modules)}; print(*(n for n in sys.modules if 'models' in n))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {name for name in done.stdout.split() if name.split(".")[0] == PACKAGE}


@pytest.mark.parametrize("module", REACHED)
def test_each_listed_module_changes_the_store_keys_of_its_listed_stages(module, whole):
    path = whole.joinpath(*module.split(".")).with_suffix(".py")
    changed_keys = changed(whole, path, path.read_bytes() + b"\nADDED = 1\n")
    assert {entry.rpartition(".")[2] for entry in changed_keys if entry in MAKERS} == REACHED[
        module
    ]


def test_changed_table_of_schemes_changes_only_the_store_key_of_conversion(whole):
    path = whole / PACKAGE / "flatbuffers" / "schemes.toml"
    assert changed(whole, path, path.read_bytes() + b"\n") == {
        "models.building.stages:Builder._make_variant"
    }


# Folders whose data files no module has to name: subjects are hashed separately, as far as they are
# used, and no artefact depends on kernels' smallest cases, limits or device profiles.
BESIDE_THE_STORE = {"subjects", "deviating", "limits", "profiles", "emulated"}


def test_every_data_file_of_the_package_is_named_by_a_module(whole):
    files_named = {file for path in (whole / PACKAGE).rglob("*.py") for file in _files(path, whole)}
    present = {
        path.relative_to(whole).as_posix()
        for path in (whole / PACKAGE).rglob("*")
        if path.is_file() and path.suffix != ".py" and not BESIDE_THE_STORE & {*path.parts}
    }
    # The recipe contains the hash of this file next to that of the sources.
    assert present - files_named == {"models/runtime/plugin/count.c"}


def _files(path, root):
    return sources._package(root).needed_by(module_of(path, root)).files


def test_comments_docstrings_and_line_breaks_change_no_store_key(whole):
    path = whole / PACKAGE / "corpus" / "tokenize.py"
    text = path.read_text(encoding="utf-8")
    reworded = text.replace('"""One split', '"""Another wording\n\n    of one split').replace(
        "_MIN_FREQUENCY = 2", "# Why.\n_MIN_FREQUENCY = (\n    2  # twice\n)"
    )
    assert reworded.count("Another wording") == 1
    assert changed(whole, path, reworded.encode()) == set()
    assert MAKERS[0] in changed(
        whole, path, text.replace("_FREQUENCY = 2", "_FREQUENCY = 3").encode()
    )


def test_store_key_covers_the_code_of_the_function_that_makes_the_artefact(whole):
    path = whole / PACKAGE / "building" / "stages.py"
    text = path.read_text(encoding="utf-8")
    splits = '("validation", "calibration", "test")'
    assert splits in text
    changed_keys = changed(whole, path, text.replace(splits, '("validation", "test")').encode())
    writes = {"_make_model", "_make_cut", "_round"}
    assert {entry.rpartition(".")[2] for entry in changed_keys} == writes


def test_progress_and_storage_code_changes_no_store_key(whole):
    for name in WITHOUT_EFFECT:
        path = whole / sources._package(whole).path_of(name)
        assert changed(whole, path, path.read_bytes() + b"\nADDED = 1\n") == set()


def test_imports_are_followed_wherever_and_however_they_are_written(package):
    root = package(
        entry="""
        import models.plain as first
        from . import beside
        from models.names import one
        def make():
            from models import late
            return [sys.executable, "-m", "models.process"]
        """,
        plain="import numpy",
        beside="",
        names="from models.deep import *",
        deep="",
        late="",
        process="",
        other="",
    )
    sources_found = sources_of("models.entry", root)
    reached = {"entry", "plain", "beside", "names", "deep", "late", "process"}
    assert sources_found.modules == {PACKAGE, *(f"{PACKAGE}.{name}" for name in reached)}
    assert sources_found.packages == {"numpy"}


def test_imports_for_type_checking_are_ignored(package):
    root = package(
        entry="""
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from models.types import Shape
        else:
            from models.executed import Shape
        """,
        types="",
        executed="",
    )
    assert sources_of("models.entry", root).modules == {
        PACKAGE,
        "models.entry",
        "models.executed",
    }


def test_store_key_covers_only_the_used_part_of_the_entry_module(package):
    source = """
    import models.used as used
    import models.unused as unused
    SIZE = 3
    OTHER = 4
    class Maker:
        def make(self):
            return self._helped()
        def _helped(self):
            return used.thing(SIZE), free()
        def _apart(self):
            return unused.thing(OTHER)
    def free():
        return 1
    """
    entry = "models.entry:Maker.make"
    root = package(entry=source, used="", unused="")
    assert sources_of(entry, root).modules == {PACKAGE, "models.used"}
    before = hash_imports(entry, root=root)
    for old, new, alike in (
        ("SIZE = 3", "SIZE = 5", False),
        ("OTHER = 4", "OTHER = 5", True),
        ("return 1", "return 2", False),
        ("return unused.thing", "return used.thing", True),
    ):
        root = package(entry=source.replace(old, new))
        assert (hash_imports(entry, root=root) == before) == alike, new


def test_store_key_covers_named_data_files_only_inside_the_package(package, tmp_path):
    (tmp_path / "outside.toml").write_text("")
    root = package(
        entry="""
        FILES = ["table.toml", "../outside.toml", "/etc/os-release", "absent.toml", "a. b"]
        """
    )
    (root / PACKAGE / "table.toml").write_text("")
    assert sources_of("models.entry", root).files == {"models/table.toml"}


@pytest.mark.parametrize("entry", ["models.nowhere", "models.building.stages:Builder._nothing"])
def test_rejects_entry_function_that_does_not_exist(entry):
    with pytest.raises(ValueError, match=r"holds no|there is no module"):
        sources_of(entry)


def test_store_key_covers_the_versions_of_imported_packages():
    plan = make_plan(make_request(load_subject("embedded")))
    versions_of = {
        stage.name: stage.recipe["versions"] for stage in [*plan.stages(), plan.answers()]
    }
    assert {"numpy", "tokenizers"} <= set(versions_of["corpus"])
    assert {"numpy", "keras", "tensorflow", "safetensors"} <= set(versions_of["model"])
    needed = {"numpy", "tensorflow", "litert_quantizer", "ai_edge_litert", "flatbuffers", "tflite"}
    assert needed <= set(versions_of["variant"])
    assert all(version for versions in versions_of.values() for version in versions.values())


def corpus_key(folder):
    subject = load_subject("minilm")
    request = Request(subject, subject.schemes, checkpoints={"full": folder})
    return make_plan(request).corpus.key


@pytest.mark.parametrize("name", [*FILES, "config.json"])
def test_each_tokenizer_file_of_a_checkpoint_changes_the_store_key(name, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").touch()
    before = corpus_key(tmp_path)
    (tmp_path / name).write_text('{"model_type": "bert", "vocab_size": 9}')
    assert corpus_key(tmp_path) != before


def test_only_the_table_row_of_the_checkpoints_family_changes_the_store_key(
    whole, tmp_path, monkeypatch
):
    table = whole / PACKAGE / "encoder_families.toml"
    added = b'\n[[families]]\nname = "another"\n'
    assert changed(whole, table, table.read_bytes() + added) == set()
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").touch()
    before = corpus_key(tmp_path)
    monkeypatch.setitem(FAMILIES, "another", Family(name="another"))
    assert corpus_key(tmp_path) == before
    monkeypatch.setitem(FAMILIES, "bert", Family(name="bert", segments="no", own_network=True))
    assert corpus_key(tmp_path) != before
