"""Format the table of sizes from results.json alone; the name of a ratio contains both sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.templates import fill
from reports.texts import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.documents.document import Document, ModelSizes, VariantSizes

HEADER = (
    "sizes in MB",
    "parameters",
    "weights",
    "checkpoint",
    "flatbuffer",
    "zipped",
    "resident",
    "full weights / fb",
    "full checkpoint / fb",
    "BERT-large weights / fb",
    "BERT-large checkpoint / fb",
)
# Indices of the columns without numbers.
NAMES = (0,)
RATIOS = (
    "full_model_weights/flatbuffer",
    "full_model_checkpoint/flatbuffer",
    "bert_large_weights/flatbuffer",
    "bert_large_checkpoint/flatbuffer",
)
LEGEND = {
    "weights": "weights: the parameters as float32",
    "checkpoint": "checkpoint: the float32 parameters with Adam's two moments",
    "zipped": "zipped: zlib level 9",
    "resident": "resident: peak of a runner",
    HEADER[-2]: "x / fb: x over the FlatBuffer",
}
NONE = "-"


def size_rows(document: Document) -> list[tuple[str, ...]]:
    """Return the cells of the table, one row under `HEADER` for each model and variant.

    The list is empty if the document has no sizes.
    """
    sizes = document.subject.sizes
    if sizes is None:
        return []
    trained = {"full_model": sizes.full_model, "small_model": sizes.small_model}
    models = [_model_row(name, model) for name, model in trained.items() if model is not None]
    if sizes.full_model == sizes.small_model:
        models = models[:1]
    return [*models, *(_variant_row(*variant) for variant in sizes.variants.items())]


def as_text(document: Document) -> str:
    """Return the table for a terminal, columns aligned, with the published ratio below.

    The text is empty if the document has no sizes.
    """
    rows = size_rows(document)
    if not rows:
        return ""
    table = _shown(rows)
    lines = columns.as_lines(table, left=NAMES)
    return "\n".join([*lines, "", _legend(table), published(document)]).rstrip() + "\n"


def as_markdown(document: Document) -> str:
    """Return the table as Markdown, with the published ratio below; "" without sizes."""
    rows = size_rows(document)
    if not rows:
        return ""
    cells = _shown(rows)
    table = columns.as_markdown(cells, left=NAMES)
    return f"{table}\n\n{_legend(cells)}. {published(document)}".rstrip() + "\n"


def as_html(document: Document) -> str:
    """Return the table as HTML, with the published ratio below; "" without sizes."""
    rows = size_rows(document)
    if not rows:
        return ""
    head, *cells = table = _shown(rows)
    below = list(filter(None, (_legend(table), published(document))))
    return fill("sizes.html", head=head, rows=cells, below=below)


def _shown(rows: Sequence[tuple[str, ...]]) -> list[Sequence[str]]:
    """Return the rows below a header, without empty columns, such as those of a full model."""
    return list(columns.without_empty([HEADER, *rows], NONE))


def _legend(table: Sequence[Sequence[str]]) -> str:
    """Return the explanations of the columns that a table of sizes contains."""
    return "; ".join(explanation for title, explanation in LEGEND.items() if title in table[0])


def published(document: Document) -> str:
    """Return a sentence about the FlatBuffer size that the paper's factor implies.

    The text is empty if existing files were judged.
    """
    sizes = document.subject.sizes
    if sizes is None or sizes.paper is None:
        return ""
    factor = sizes.paper.published_ratio
    return (
        f"published (arXiv 2310.03971): BERT-large is {factor}x the size of the FlatBuffer; if its "
        "checkpoint is meant, the FlatBuffer has "
        f"{sizes.paper.flatbuffer_for_bert_large_checkpoint:,} bytes, if its weights are meant "
        f"{sizes.paper.flatbuffer_for_bert_large_weights:,}"
    )


def _model_row(name: str, model: ModelSizes) -> tuple[str, ...]:
    parameters = f"{model.parameters['total']:,}"
    sizes = (_megabytes(model.weights), _megabytes(model.checkpoint))
    return (name, parameters, *sizes, *[NONE] * (len(HEADER) - 4))


def _variant_row(scheme: str, variant: VariantSizes) -> tuple[str, ...]:
    sizes = (variant.flatbuffer, variant.flatbuffer_zipped, variant.resident)
    ratios_known = variant.ratios
    ratios = (f"{ratios_known[name]:,.1f}" if name in ratios_known else NONE for name in RATIOS)
    return (scheme, NONE, NONE, NONE, *map(_megabytes, sizes), *ratios)


def _megabytes(size: int | None) -> str:
    """Format a size in MB, with at least two significant digits, so that none looks like 0."""
    if size is None:
        return NONE
    text = f"{size / 1e6:,.2f}"
    return f"{size / 1e6:.2g}" if size and text == "0.00" else text
