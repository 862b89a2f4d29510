"""Artefacts are built while gates run, and each gate waits only for the artefacts it needs."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

import pytest

from fixtures.answering import variants
from fixtures.building import artefacts, making
from fixtures.building.making import MAKING, PLANNED, Making
from fixtures.selecting.applying import MARKER, NEEDS
from fixtures.session.options import SETTINGS
from fixtures.session.providers import Built
from models.builder_process import BuilderProcess
from models.errors import EdgeproofError, UsageMistake
from models.store import Stage, Store

FIRST, LAST = Stage("first", {"number": 1}), Stage("last", {"number": 2})
TEXTS = Stage("texts", {"number": 0})


class Builder:
    """A replacement for the builder that makes one artefact each time its state is queried.

    Args:
        store: store for the artefacts.
        stages: stages of the artefacts.
        error: error to raise after the last artefact; None to end without an error.
    """

    def __init__(self, store, stages, error=None):
        self._store, self._left, self._error = store, list(stages), error
        self.stopped = False

    def lines(self):
        """Return the printed lines, which are always the same."""
        return ["said"]

    def lives(self):
        """Make the next artefact and return True.

        After the last artefact, raise the error, or return False if there is no error.
        """
        if self._left:
            stage = self._left.pop(0)
            self._store.get(stage, lambda out: (out / "file").write_text("made"))
            return True
        if self._error:
            raise self._error
        return False

    def stop(self):
        """Record that the builder was stopped."""
        self.stopped = True


def _wait_for(builder):
    while builder.lives():
        time.sleep(0.01)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def making_by(store, monkeypatch):
    """Return `making_by(builder)`, which makes the planned artefacts with a given builder."""
    monkeypatch.setattr(making, "_SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(making, "_refuse_to_build_on_a_board", lambda _: None)

    def made(builder):
        settings = SimpleNamespace(
            bundle=None, cache_dir=store.root, provider=SimpleNamespace(make=lambda _: builder)
        )
        plugins = {
            "capturemanager": SimpleNamespace(global_and_fixture_disabled=contextlib.nullcontext)
        }
        config = SimpleNamespace(
            stash={SETTINGS: settings, PLANNED: SimpleNamespace(stages=lambda: [FIRST, LAST])},
            pluginmanager=SimpleNamespace(getplugin=plugins.get),
        )
        return Making(config)

    return made


def test_gate_waits_only_for_the_artefacts_that_the_gate_needs(making_by, store, capsys):
    making = making_by(Builder(store, [FIRST, LAST]))
    making.need([FIRST])
    assert store.has(FIRST)
    assert not store.has(LAST)
    making.need([LAST])
    assert store.has(LAST)
    assert "said\n" in capsys.readouterr().err


@pytest.fixture
def candidates(making_by, store):
    """Return three candidates by name, whose artefacts the builder makes one after the other."""
    stages = {"float32": FIRST, "float16": LAST, "refused": Stage("refused", {"number": 3})}
    making = making_by(Builder(store, [TEXTS, *stages.values()]))

    def made(stage):
        making.need([stage])
        return store.artefact(stage)

    plan = SimpleNamespace(candidates=stages, texts_of=lambda _: TEXTS)
    return variants.Variants(plan, store, made, lambda name: f"<{name}>")


def test_candidate_is_judged_before_the_next_is_converted(candidates, store, monkeypatch):
    monkeypatch.setattr(variants, "refusal", lambda *_: None)
    assert candidates["float32"] == "<float32>"
    assert store.has(FIRST)
    assert not store.has(LAST)
    assert list(candidates) == ["float32", "float16", "refused"]
    assert store.has(LAST)


def test_candidate_that_cannot_be_converted_is_not_judged(candidates, monkeypatch):
    monkeypatch.setattr(
        variants, "refusal", lambda _, stage: "no" * (stage.name == "refused") or None
    )
    assert "refused" not in candidates
    assert len(candidates) == 2
    assert candidates.get("of no plan") is None


def test_builder_error_is_raised_in_the_gate_that_waits_for_an_artefact(making_by, store):
    making = making_by(Builder(store, [FIRST], EdgeproofError("it failed", remedy="Mend it")))
    making.need([FIRST])
    with pytest.raises(EdgeproofError, match="it failed"):
        making.need([LAST])


def test_builder_error_ends_the_run_after_the_current_gate(making_by, store):
    making = making_by(Builder(store, [FIRST], EdgeproofError("it failed", remedy="Mend it")))
    making.need([FIRST])
    with pytest.raises(pytest.exit.Exception, match="it failed") as ended:
        making.pytest_runtest_logfinish()
    assert ended.value.returncode == EdgeproofError.exit_code


def test_waiting_for_an_artefact_that_is_not_planned_raises_an_error(making_by, store):
    making = making_by(Builder(store, [FIRST]))
    with pytest.raises(EdgeproofError, match=LAST.key):
        making.need([LAST])


def test_rejects_artefact_that_was_changed_after_building(making_by, store):
    builder = Builder(store, [FIRST, LAST])
    _wait_for(builder)
    (store.path(FIRST) / "file").write_text("changed")
    with pytest.raises(EdgeproofError, match="file"):
        making_by(builder).need([FIRST])


def _run_to_its_end(loop):
    """Run the wrapper around pytest's loop of tests, and let the loop end without an exception."""
    next(loop)
    with contextlib.suppress(StopIteration):
        loop.send(True)


def test_completed_run_has_made_all_artefacts(making_by, store):
    builder = Builder(store, [FIRST, LAST])
    making = making_by(builder)
    loop = making.pytest_runtestloop()
    making.need([FIRST])
    _run_to_its_end(loop)
    assert store.has(LAST)
    assert not builder.stopped


def test_interrupted_run_stops_its_builder(making_by, store):
    builder = Builder(store, [FIRST, LAST])
    making = making_by(builder)
    loop = making.pytest_runtestloop()
    next(loop)
    making.need([FIRST])
    with pytest.raises(KeyboardInterrupt):
        loop.throw(KeyboardInterrupt())
    assert builder.stopped
    assert not store.has(LAST)


def test_gates_that_wait_longer_for_artefacts_run_last(monkeypatch):
    def gate(*names, variant="int8", needs=()):
        return SimpleNamespace(
            fixturenames=names,
            callspec=SimpleNamespace(params={"variant": variant}),
            iter_markers={MARKER: [SimpleNamespace(args=needs)]}.get,
        )

    timed, drop, size = gate("watches", "all_made"), gate("full_model"), gate("variant")
    first = gate("variant", variant="float32", needs=("a file",))
    accuracy, behavior = (
        gate("variant", variant="float32", needs=needs) for needs in ((), ("a file", "a runner"))
    )
    provider = object.__new__(Built)
    subject = SimpleNamespace(reference="float32")
    settings = SimpleNamespace(provider=provider, subject=subject, time_limit=None)
    making = Making(SimpleNamespace(stash={SETTINGS: settings}))
    items = [timed, drop, size, accuracy, behavior, first]
    making.pytest_collection_modifyitems(items)
    assert items == [first, accuracy, behavior, size, drop, timed]
    monkeypatch.setattr(settings, "time_limit", 60.0)
    items.reverse()
    making.pytest_collection_modifyitems(items)
    assert items == [timed, drop, size, behavior, accuracy, first]


def test_needs_of_gates_that_read_a_file_are_known():
    assert set(NEEDS) >= making.NEEDS_OF_A_FILE


@pytest.mark.parametrize("name", [making.FULL_MODEL, making.ALL_MADE])
def test_every_artefact_that_gates_wait_for_is_a_fixture(name, pytestconfig):
    assert isinstance(pytestconfig.stash[MAKING], Making)
    assert hasattr(artefacts, name)


def test_failed_builder_reports_the_reason(tmp_path):
    builder = BuilderProcess(["nobody", "--cache-dir", str(tmp_path)])
    with pytest.raises(UsageMistake, match="nobody"):
        _wait_for(builder)
    assert not builder.lives()


def test_stopping_the_builder_ends_its_process(tmp_path):
    builder = BuilderProcess(["embedded", "--cache-dir", str(tmp_path)])
    builder.stop()
    assert not builder.lives()
