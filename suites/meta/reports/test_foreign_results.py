"""Any results.json is drawn, or rejected in one message that names file and key."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError, UsageMistake
from models.files.extensible_tables import as_plain
from models.flatbuffers.sizes import FlatBufferSizes, subject_sizes
from models.verdicts.baselines import baseline_path, read_baseline
from reports.documents.faults import read_faults
from reports.documents.naming import Identity, device_names
from reports.documents.results import as_document, read_results, write_results
from reports.documents.runs import RESULTS
from reports.merge import as_table, main, merge
from reports.texts.explain import explanations
from reports.texts.github import annotations_of
from reports.texts.headline import headline
from reports.texts.scoreboard import as_csv, as_markdown, as_text
from suites.meta.reports.runs import document

if TYPE_CHECKING:
    from collections.abc import Iterator

JUNK = [
    None,
    True,
    -1,
    1.5,
    2**63,
    10**400,
    "",
    "x",
    "2024-99-99",
    [],
    [1],
    [[]],
    {},
    {"a": {"b": 1}},
]


def whole() -> dict[str, Any]:
    """Return a document with everything that a report can show."""
    plain = as_plain(document())
    plain["run"] |= {"finished": "2024-05-06T08:08:09+00:00", "changed": True}
    plain["device"] |= {"target": "ssh://pi@one", "core": "cortex-a72", "machine": "aarch64"}
    plain["circumstances"] |= {"load_before": 0.5, "load_after": 1.5, "cores": 2}
    plain["subject"] |= {
        "vocabulary": {"pieces": 5000, "unknown_share": 0.01},
        "floors": {"always_GOOD": {"accuracy": 0.4}},
        "sizes": SIZES,
    }
    plain["artefacts"] = [{"name": "small/model.json", "sha256": "0f" * 32, "bytes": 10}]
    return json.loads(json.dumps(plain))


def sizes() -> dict[str, Any]:
    """Return the sizes of a small network."""
    from models.networks.architecture import from_table  # noqa: PLC0415 - only this function needs it
    from models.networks.parameters import counts  # noqa: PLC0415 - likewise
    from models.subjects import load_subject  # noqa: PLC0415 - likewise

    network = load_subject("embedded").full.network
    assert network is not None
    parts = counts(from_table(network, vocabulary=100, classes=3, positions=8))
    sizes = FlatBufferSizes(flatbuffer=10_000, flatbuffer_zipped=9_000, resident=None)
    return json.loads(json.dumps(subject_sizes(parts, parts, {"float32": sizes})))


SIZES = sizes()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a document; of a list, only those of the first two items."""
    yield path
    inside = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inside = list(enumerate(value))[:2]
    for key, inner in inside:
        yield from places(inner, (*path, key))


def changed(plain: dict[str, Any], path: tuple[Any, ...], junk: Any) -> Any:
    """Return a copy of a document with `junk` at a path; `junk` is "remove" to remove the key."""
    if not path:
        return junk
    plain = copy.deepcopy(plain)
    inside: Any = plain
    for key in path[:-1]:
        inside = inside[key]
    if junk == "remove":
        del inside[path[-1]]
    else:
        inside[path[-1]] = junk
    return plain


def draw(folder, plain) -> None:
    """Read a document from a file and draw it in every way that needs no browser."""
    (folder / RESULTS).write_text(json.dumps(plain), encoding="utf-8")
    read = read_results(folder / RESULTS)
    for part in read.parts():
        headline(part)
        annotations_of(part)
        explanations(part)
    second = as_document(whole() | {"subject": whole()["subject"] | {"name": "other"}})
    for single_or_merged in (read, merge([read, second])):
        for form in (as_text, as_markdown, as_csv, as_table):
            form(single_or_merged)


ONE = whole()
OTHER = whole() | {"device": {"name": "rpi4", "emulated": True}}
SEVERAL = as_plain(merge([as_document(ONE), as_document(OTHER)]))
MADE = {"one run": ONE, "several runs": SEVERAL}


@pytest.mark.parametrize("name", MADE)
def test_document_with_wrong_types_is_drawn_or_rejected_with_file_key_and_remedy(name, tmp_path):
    draw(tmp_path, MADE[name])
    spots = sorted(places(MADE[name]), key=str)
    mistakes = []

    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.sampled_from(spots), st.sampled_from([*JUNK, "remove"]))
    def check(path, junk):
        try:
            draw(tmp_path, changed(MADE[name], path, junk))
        except EdgeproofError as error:
            mistakes.append((error.file, bool(error.key), bool(error.remedy)))

    check()
    assert set(mistakes) == {(str(tmp_path / RESULTS), True, True)}


ILL_TYPED = {
    "a time that is none": ("run.started", "yesterday", "run"),
    "a commit that is a number": ("run.commit", 7, "run.commit"),
    "a merged run that is none": ("run.merged", [{"run": 1}], "run.merged"),
    "a size that is a text": ("subject.sizes", {"full_model": "large"}, "subject.sizes"),
    "floors without metrics": ("subject.floors", {"always_GOOD": 1}, "subject.floors"),
    "loads that are texts": ("circumstances.load_before", "1.0", "circumstances.load_before"),
    "a name of no device": ("device.name", "", "device.name"),
}


@pytest.mark.parametrize("name", ILL_TYPED)
def test_error_on_a_wrong_type_in_a_results_document_names_the_key(name, tmp_path):
    place, junk, key = ILL_TYPED[name]
    file = tmp_path / RESULTS
    file.write_text(json.dumps(changed(ONE, tuple(place.split(".")), junk)), encoding="utf-8")
    with pytest.raises(EdgeproofError) as refused:
        read_results(file)
    assert refused.value.file == str(file)
    assert str(refused.value.key).startswith(key)


MALFORMED = {
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbf",
    "UTF-16": json.dumps(ONE).encode("utf-16"),
    "nesting without end": b'{"schema": 4, "run": ' + b"[" * 200_000,
    "a number of thousands of digits": b'{"schema": ' + b"1" * 5000 + b"}",
    "a key twice": b'{"schema": 4, "schema": 4}',
    "no number": b'{"schema": NaN}',
    "another type": b"[]",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_every_reader_rejects_a_malformed_document(name, tmp_path):
    file = tmp_path / RESULTS
    file.write_bytes(MALFORMED[name])
    for read in (
        lambda: read_results(file),
        lambda: read_faults(file),
        lambda: read_baseline(file, subject="mini", device="host", scheme="float32"),
    ):
        with pytest.raises(EdgeproofError) as refused:
            read()
        assert refused.value.file == str(file)
        assert refused.value.remedy
        assert len(str(refused.value)) < 600


@pytest.mark.parametrize("name", ["../x", "/x", "", "a/b", ".hidden", "a\nb", "x" * 80])
def test_rejects_names_that_lead_outside_the_baseline_folder(name, tmp_path):
    for at in range(3):
        names = ["mini", "host", "float32"]
        names[at] = name
        with pytest.raises(UsageMistake, match="cannot name a file"):
            baseline_path(tmp_path, *names)


def written(folder, plain):
    folder.mkdir()
    write_results(folder / RESULTS, as_document(plain))
    return str(folder)


def with_id(name):
    plain = whole()
    plain["run"]["id"] = name
    return plain


@pytest.mark.parametrize("again", ["the same folder", "a copy"])
def test_rejects_merging_a_run_twice(again, tmp_path, capsys):
    first = written(tmp_path / "first", with_id("1"))
    second = first if again == "the same folder" else written(tmp_path / "copy", with_id("1"))
    assert main([first, second, "--out", str(tmp_path / "out.json")]) == UsageMistake.exit_code
    assert "contains the same run as" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_rejects_merging_a_merged_document(tmp_path, capsys):
    folders = [written(tmp_path / name, with_id(name)) for name in ("a", "b", "c")]
    (tmp_path / "both").mkdir()
    assert main([*folders[:2], "--out", str(tmp_path / "both" / RESULTS)]) == 0
    again = [str(tmp_path / "both"), folders[2], "--out", str(tmp_path / "out.json")]
    assert main(again) == UsageMistake.exit_code
    assert (
        "combines several runs, but one run is needed here. Give the folders of the single runs"
        in capsys.readouterr().err
    )


def test_rejects_merging_into_one_of_the_input_files(tmp_path, capsys):
    folders = [written(tmp_path / name, with_id(name)) for name in ("a", "b")]
    content_before = (tmp_path / "a" / RESULTS).read_bytes()
    assert main([*folders, "--out", str(tmp_path / "b" / ".." / "a" / RESULTS)]) == 4
    assert "--out: this output is also one of the inputs" in capsys.readouterr().err
    assert (tmp_path / "a" / RESULTS).read_bytes() == content_before


@given(st.lists(st.sampled_from(["rpi4", "rpi4-1", "rpi4-2", "rpi4-1-1", "host"]), max_size=8))
def test_merged_runs_of_one_subject_get_distinct_device_names(names):
    names_found = device_names([Identity("mini", name, None, "", "2024-05-06") for name in names])
    assert len(set(names_found)) == len(names_found)
    assert [names_found[at] for at in range(len(names)) if names.count(names[at]) == 1] == [
        name for name in names if names.count(name) == 1
    ]
