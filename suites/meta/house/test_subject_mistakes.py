"""Mistakes in a subject's file are reported when the file is loaded, before any text is read."""

from __future__ import annotations

import json

import pytest

from models.building.checkpoints import choose_checkpoints
from models.building.plan import make_request
from models.errors import UsageMistake
from models.subjects import FOLDER, load_subject, subject_names
from models.subjects.limits import about_parameters
from suites.meta.gates.miniature import FILES

MINI = (FILES / "mini.toml").read_text(encoding="utf-8")
FULL = MINI.index("[full.network]")

# By case: a text in the miniature's TOML, its replacement, and parts of the message.
MISTAKES = {
    "heads that do not divide the width": ("heads = 2", "heads = 3", ("heads", "3", "64")),
    "heads that do not divide the bottleneck": (
        "bottleneck = 32",
        "bottleneck = 33",
        ("small.network", "heads", "33"),
    ),
    "a key of another family": (
        "intermediate = 128",
        "intermediate = 128\nbottleneck = 32",
        ("full.network", "bottleneck", "mobilebert"),
    ),
    "word vectors of another width": (
        "intermediate = 128",
        "intermediate = 128\nembedding = 32",
        ("full.network", "embedding"),
    ),
    "attention within a bottleneck that is not there": (
        "bottleneck = 32",
        'attention_input = "bottleneck"',
        ("small.network", "attention_input"),
    ),
    "layers": ("layers = 1", "layers = 1_000_000_000", ("full.network.layers", "256")),
    "more layers than 64 bits count": ("layers = 1", f"layers = {2**64}", ("layers", "256")),
    "a vocabulary": ("vocabulary = 300", "vocabulary = 1_000_000_000", ("tokenizer.vocabulary",)),
    "hidden": ("hidden = 64", "hidden = 65_537", ("full.network.hidden",)),
    "heads": ("heads = 2", "heads = 100_000", ("full.network.heads",)),
    "intermediate": ("intermediate = 128", "intermediate = 1e9", ("full.network.intermediate",)),
    "feed-forward networks": (
        "feedforward_networks = 2",
        "feedforward_networks = 65",
        ("feedforward_networks",),
    ),
    "epochs": ("epochs = 4", "epochs = 1_000_000", ("full.training.epochs",)),
    "a batch": ("batch = 30", "batch = 1_000_000", ("full.training.batch",)),
    "a learning rate that is not a number": (
        "learning_rate = 2e-3",
        "learning_rate = nan",
        ("full.training.learning_rate",),
    ),
    "a mask without end": (
        "intermediate = 128",
        "intermediate = 128\nmask_value = -inf",
        ("full.network.mask_value",),
    ),
    "a count": ("test = 600", "test = 100_000_000", ("corpus.counts.test",)),
    "one text that is judged": ("test = 600", "test = 1", ("corpus.counts.test", ">= 2")),
    "a count that is a fraction": ("test = 600", "test = 600.0", ("corpus.counts.test", "int")),
    "a seed": ("seed = 5", f"seed = {2**63}", ("corpus.seed",)),
    "tokens": ("max_tokens = 32", "max_tokens = 513", ("tokenizer.max_tokens",)),
    "a network that no FlatBuffer holds": (
        "layers = 1\nhidden = 64",
        "layers = 200\nhidden = 8192",
        ("full", "parameters", "2 GiB"),
    ),
    "a name that leads elsewhere": ('name = "mini"', 'name = "../../x"', ("name", "letters")),
    "an absolute name": ('name = "mini"', 'name = "/tmp/x"', ("name", "letters")),
    "a name that is a folder": ('name = "mini"', 'name = ".."', ("name", "letters")),
    "a hidden name": ('name = "mini"', 'name = ".mini"', ("name", "letters")),
    "an empty name": ('name = "mini"', 'name = ""', ("name", "letters")),
    "a name of several lines": ('name = "mini"', 'name = "a\\nb"', ("name", "letters")),
    "a name that is spelled in two ways": (
        'name = "mini"',
        'name = "Scho\u0308n"',
        ("name", "letters"),
    ),
    "a shipped subject's name": (
        'name = "mini"',
        'name = "Embedded"',
        ("name", "a different name"),
    ),
    "a scheme twice": ('"float32", "float16"', '"float16", "float16"', ("schemes", "twice")),
    "a label twice": ('"NEUTRAL", "POSITIVE"', '"NEUTRAL", "NEUTRAL"', ("corpus", "look the same")),
    "labels that differ in case": (
        '"NEUTRAL", "POSITIVE"',
        '"NEUTRAL", "neutral"',
        ("corpus", "'NEUTRAL' and 'neutral'", "look the same"),
    ),
    "labels that differ in normalization": (
        '"NEUTRAL", "POSITIVE"',
        '"Sch\u00f6n", "Scho\u0308n"',
        ("corpus", "look the same"),
    ),
    "an empty label": ('"NEUTRAL", "POSITIVE"', '"NEUTRAL", ""', ("corpus", "labels", "empty")),
    "one column for two things": ('entity = "entity"', 'entity = "text"', ("columns", "'text'")),
    "a column without a name": ('entity = "entity"', 'entity = ""', ("columns", "not a column")),
    "a header that names a column twice": (
        "seed = 5",
        'seed = 5\nheader = ["id", "text", "text", "polarity", "entity", "split"]',
        ("corpus", "columns.text", "2 times"),
    ),
    "a header without a column": (
        "seed = 5",
        'seed = 5\nheader = ["id", "text", "polarity", "entity"]',
        ("corpus", "columns.split", "0 times"),
    ),
    "an encoding that nobody knows": ("seed = 5", 'seed = 5\nencoding = "utf-9"', ("utf-9",)),
    "an encoding that is none of texts": (
        "seed = 5",
        'seed = 5\nfallback_encoding = "base64"',
        ("corpus", "fallback_encoding", "base64"),
    ),
    "a polarity of no label": (
        "seed = 5",
        'seed = 5\npolarities = { bad = "NEGATIVE", so = "NEUTRAL", good = "AWFUL" }',
        ("corpus", "polarities.good", "'AWFUL'", "NEGATIVE"),
    ),
    "a label of no polarity": (
        "seed = 5",
        'seed = 5\npolarities = { bad = "NEGATIVE", good = "POSITIVE" }',
        ("corpus", "polarities", "'NEUTRAL'"),
    ),
    "a key twice": ("seed = 5", "seed = 5\nseed = 6", ("not valid TOML", "line")),
    "a number of thousands of digits": ("seed = 5", f"seed = {'5' * 5000}", ("not valid TOML",)),
    "arrays without end": ("seed = 5", f"seed = {'[' * 100_000}", ("not valid TOML",)),
}

SHRUNK = {
    "a layer that is not there": ("layers = [0, 1]", ("shrunk.layers", "1", "0 to 0")),
    "a layer twice": ("layers = [0, 0]", ("shrunk.layers", "twice")),
    "more heads than there are": ("heads = 3", ("shrunk.heads", "3", "2")),
    "more units than there are": ("intermediate = 129", ("shrunk.intermediate", "129", "128")),
    "wider word vectors": ("embedding = 65", ("shrunk.embedding", "65", "64")),
    "more word pieces": ("pieces = 301", ("shrunk.pieces", "301", "300")),
}


def load(folder, text):
    file = folder / "own.toml"
    file.write_text(text, encoding="utf-8")
    return load_subject(str(file))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_in_a_subject_is_reported_in_one_message(name, tmp_path):
    old, new, says = MISTAKES[name]
    assert old in MINI
    with pytest.raises(UsageMistake) as refused:
        load(tmp_path, MINI.replace(old, new, 1))
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / 'own.toml'}: ")
    assert all(part in message for part in says), message
    assert len(message) < 1000
    assert "\n" not in message.strip()


@pytest.mark.parametrize("name", SHRUNK)
def test_rejects_shrunk_model_larger_than_the_full_model(name, tmp_path):
    line, says = SHRUNK[name]
    text = MINI[: MINI.index("[small.network]")] + f"[shrunk]\n{line}\n"
    with pytest.raises(UsageMistake) as refused:
        load(tmp_path, text)
    assert all(part in str(refused.value) for part in says), str(refused.value)


def test_rejects_training_step_that_exceeds_the_memory_limit(tmp_path):
    text = MINI.replace("layers = 1", "layers = 40", 1).replace("batch = 30", "batch = 60_000", 1)
    with pytest.raises(UsageMistake, match=r"`full`: a training step would take about .* GiB"):
        load(tmp_path, text)
    part = "batch = 60_000\naccumulation = 1_000"
    assert load(tmp_path, text.replace("batch = 60_000", part)).full.training.batch == 60_000


def test_rejects_vocabulary_size_together_with_a_checkpoint(tmp_path):
    text = MINI[:FULL].replace('"trained"', '"pretrained"')
    text += (
        "[full]\npretrained = true\n[full.training]\nepochs = 1\nbatch = 1\nlearning_rate = 0.1\n"
    )
    with pytest.raises(UsageMistake, match=r"own\.toml: tokenizer: `vocabulary`"):
        load(tmp_path, text)


def test_paths_in_a_subject_are_relative_to_the_subjects_file(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (folder / "checkpoint").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    text = MINI[:FULL].replace('"trained"\nvocabulary = 300', '"pretrained"')
    text = text.replace('budgets = "embedded"', 'budgets = "own-budgets.toml"')
    text += '[full]\npretrained = "checkpoint"\n[full.training]\n'
    text += "epochs = 1\nbatch = 1\nlearning_rate = 0.1\n"
    subject = load(folder, text)
    assert subject.budgets == str(folder / "own-budgets.toml")
    assert choose_checkpoints(subject, None) == {"full": str(folder / "checkpoint")}


def test_hub_id_in_a_subject_is_not_turned_into_a_path(tmp_path):
    text = MINI[:FULL].replace('"trained"\nvocabulary = 300', '"pretrained"')
    text += '[full]\npretrained = "owner/name"\n[full.training]\n'
    text += "epochs = 1\nbatch = 1\nlearning_rate = 0.1\n"
    assert choose_checkpoints(load(tmp_path, text), None) == {"full": "owner/name"}


@pytest.mark.parametrize("name", subject_names())
def test_shipped_subjects_are_named_like_their_files(name):
    assert load_subject(name).name == name
    assert load_subject(str(FOLDER / f"{name}.toml")).name == name


@pytest.mark.parametrize("name", ["../subjects/embedded", "", "EMBEDDED", "embedded/"])
def test_unknown_subject_name_is_a_usage_mistake(name):
    with pytest.raises(UsageMistake, match="no subject is called"):
        load_subject(name)


def test_estimated_number_of_parameters_is_close_to_the_exact_count():
    from models.networks.architecture import from_table  # noqa: PLC0415 - only this function needs it
    from models.networks.parameters import count  # noqa: PLC0415 - likewise

    for table in load_subject("embedded").models().values():
        assert table.network is not None
        shape = from_table(table.network, vocabulary=4000, classes=3, positions=64)
        assert about_parameters(table.network, 4000, 64) == pytest.approx(count(shape), rel=0.1)


CONFIG = {"model_type": "bert", "vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2}
CONFIG |= {"num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
CONFIG |= {"type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1}
CONFIG |= {"attention_probs_dropout_prob": 0.1}
# By case: a line that is added to the subject, changes to the checkpoint's config, and parts of the
# message.
MISFITS = {
    "a layer that is not there": ("layers = [2]", {}, ("shrunk.layers", "0 to 1")),
    "more heads": ("heads = 3", {}, ("shrunk.heads", "3", "2")),
    "more units": ("intermediate = 65", {}, ("shrunk.intermediate", "65", "64")),
    "more word pieces": ("pieces = 301", {}, ("shrunk.pieces", "301", "300")),
    "wider word vectors": ("embedding = 33", {}, ("shrunk.embedding", "33", "32")),
    "texts that are too long": (
        "layers = [0]",
        {"max_position_embeddings": 16},
        ("config.json", "max_position_embeddings", "16", "max_tokens, 32"),
    ),
    "another family": (
        "layers = [0]",
        {"model_type": "roberta"},
        ("config.json", "model_type", "roberta"),
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_checkpoint_that_does_not_fit_the_subject_is_rejected_before_texts_are_read(name, tmp_path):
    line, config, says = MISFITS[name]
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG | config), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"not read")
    text = MINI[:FULL].replace('"trained"\nvocabulary = 300', '"pretrained"')
    text += '[full]\npretrained = "checkpoint"\n[full.training]\n'
    text += f"epochs = 1\nbatch = 1\nlearning_rate = 0.1\n[shrunk]\n{line}\n"
    corpus = tmp_path / "not-read.csv"
    corpus.write_text("", encoding="utf-8")
    with pytest.raises(UsageMistake) as refused:
        make_request(load(tmp_path, text), corpus=corpus)
    assert all(part in str(refused.value) for part in says), str(refused.value)
