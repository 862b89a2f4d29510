"""The paper's model classifies the texts of any candidate, in rows of the model's own length."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from models import paper_recipe
from models.errors import EdgeproofError
from models.networks.parameters import count
from models.paper_recipe import SHAPE, TOKENS, paper_binding, paper_file, with_paper_rows
from models.store import Store
from suites.meta.small_classifiers import classifier

WORDS = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}


def tokenizer(*, length: int | None = None, words: dict[str, int] = WORDS) -> str:
    """Return the JSON of a word tokenizer that pads rows to a length, or does not pad."""
    library = Tokenizer(models.WordLevel(dict(words), unk_token="[UNK]"))  # noqa: S106 - a token for words, not a password
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    if length is not None:
        library.enable_truncation(length)
        library.enable_padding(pad_id=0, pad_token="[PAD]", length=length)  # noqa: S106 - a token for words, not a password
    return str(library.to_str())


@pytest.mark.parametrize("length", [None, 4, 300])
def test_rows_are_padded_and_truncated_to_the_length_of_the_papers_model(length):
    rows = Tokenizer.from_str(with_paper_rows(tokenizer(length=length)))
    short, long = rows.encode("good bad"), rows.encode("good " * 200)
    assert short.ids == [2, 3] + [0] * (TOKENS - 2)
    assert short.attention_mask == [1, 1] + [0] * (TOKENS - 2)
    assert long.ids == [2] * TOKENS


def test_rows_for_the_papers_model_are_padded_with_the_tokenizers_padding_id():
    document = json.loads(tokenizer(length=4))
    document["padding"]["pad_id"] = 3
    rows = Tokenizer.from_str(with_paper_rows(json.dumps(document)))
    assert rows.encode("good").ids == [2] + [3] * (TOKENS - 1)


def test_rejects_tokenizer_with_more_ids_than_the_papers_model_has_embeddings():
    words = WORDS | {f"word{number}": number for number in range(4, SHAPE.vocabulary + 1)}
    with pytest.raises(EdgeproofError, match=r"gives 30,523 ids, .* takes only 30,522"):
        with_paper_rows(tokenizer(words=words))
    words.pop(f"word{SHAPE.vocabulary}")
    assert with_paper_rows(tokenizer(words=words))


def test_papers_model_has_the_published_number_of_mobilebert_parameters():
    # google/mobilebert-uncased without its pooler, plus a head for three labels (Sun et al. 2020).
    assert count(SHAPE) == 24_581_888 + 3 * 513


def test_inputs_of_the_papers_model_have_upper_bounds(tmp_path):
    file = tmp_path / "stand_in.tflite"
    file.write_bytes(classifier(tokens=TOKENS))
    bounds = {port.role: port.below for port in paper_binding(file).inputs}
    assert bounds == {"ids": SHAPE.vocabulary, "mask": 2, "segments": 2}


def test_failed_conversion_of_the_papers_model_is_reported_in_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr(paper_recipe.sys, "executable", "/bin/false")
    with pytest.raises(
        EdgeproofError, match="the file of the paper's recipe could not be made"
    ) as raised:
        paper_file(Store(tmp_path / "store"), lambda _: None)
    assert "TensorFlow" in raised.value.remedy
