"""Copy a run's Allure results, adding pictures and explanations.

The pictures need the measurements of the whole run, and matplotlib, which boards may lack. They are
therefore drawn from results.json together with the report. The run's own folder is not changed.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from models.escaping import one_line, several_lines
from models.files.extensible_tables import as_plain
from reports.documents.faults import by_gate, gate_of, sentences
from reports.documents.naming import slug
from reports.documents.runs import labels_of, test_id
from reports.page.metrics import write_metric_samples
from reports.pictures.draw import pictures
from reports.templates import fill
from reports.texts.explain import accounts
from reports.texts.scoreboard import as_csv, as_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.documents.document import Document
    from reports.documents.faults import PlantedFault
    from reports.documents.runs import Run
    from reports.pictures.style import Picture
    from reports.texts.explain import Explanation

SVG = "image/svg+xml"
TEXT = "text/plain"
# Types of attachments that a browser displays without executing; all others, such as HTML, are
# shown as text.
SHOWN = {"application/json", "text/csv", "image/png", "image/jpeg", TEXT}
# Keys whose value Allure interprets as Markdown, HTML or a link.
_ACTING = {"description", "descriptionHtml", "links"}


def stage(
    run: Run, folder: Path, drawn: list[Picture], faults: Sequence[PlantedFault] = ()
) -> None:
    """Copy a run's Allure results into `folder`, adding an explanation to each test.

    Files that only list the fixtures of each test are not copied: they are a third of all files.

    Args:
        run: the run; one that measured nothing is copied without additions.
        folder: the folder to create.
        drawn: the run's pictures.
        faults: the planted faults of each gate.
    """
    shutil.copytree(run.allure_results, folder, ignore=shutil.ignore_patterns("*-container.json"))
    accounts_of: dict[str, list[Explanation]] = {}
    for account in accounts(run.document) if run.document is not None else ():
        accounts_of.setdefault(account.test, []).append(account)
    planted = by_gate(faults)
    for picture in drawn:
        (folder / f"{picture.name}-attachment.svg").write_text(picture.svg, encoding="utf-8")
    for file, test in run.tests.items():
        device = next(iter(labels_of(test, "device")), None)
        changed = _with_environment(_as_text(test), run.environments.get(str(device)))
        changed = _with_pictures(changed, drawn)
        test_name = test_id(test)
        own = planted.get(gate_of(test_name), [])
        changed["descriptionHtml"] = _described(test, accounts_of.get(test_name, []), own)
        (folder / file.name).write_text(json.dumps(changed), encoding="utf-8")
    if run.document is not None:
        write_metric_samples(run.document, folder)
        _add_globals(run.document, folder)


def draw(run: Run) -> list[Picture]:
    """Return the pictures of a run; none if it measured nothing."""
    return pictures(run.document) if run.document is not None else []


def _as_text(test: dict[str, Any]) -> dict[str, Any]:
    """Return a test's result with all its texts escaped."""
    return {name: _safe(value) for name, value in test.items() if name not in _ACTING}


def _safe(value: Any) -> Any:
    """Return the value with every text escaped, and with only harmless types of attachments."""
    if isinstance(value, str):
        return several_lines(value)
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if not isinstance(value, dict):
        return value
    harmless = {name: _safe(value) for name, value in value.items() if name not in _ACTING}
    return (
        harmless
        if "source" not in value or value.get("type") in SHOWN
        else harmless | {"type": TEXT}
    )


def _with_environment(test: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Return an Allure result with its environment as a label and as a hidden parameter.

    The parameter separates the test's history from that in other environments.
    """
    if name is None:
        return test
    hidden = {"name": "run", "value": name, "mode": "hidden"}
    return test | {
        "labels": [*test["labels"], {"name": "run", "value": name}],
        "parameters": [*test.get("parameters", []), hidden],
    }


def _with_pictures(test: dict[str, Any], drawn: list[Picture]) -> dict[str, Any]:
    pictures = [picture for picture in drawn if test_id(test) in picture.tests]
    added = [
        {"name": picture.title, "source": f"{picture.name}-attachment.svg", "type": SVG}
        for picture in pictures
    ]
    return test | {"attachments": [*test.get("attachments", []), *added]}


def _described(
    test: dict[str, Any], accounts_of_test: list[Explanation], faults: Sequence[PlantedFault]
) -> str:
    """Return HTML with a test's requirement, the explanation of its outcome, and its faults.

    The faults are planted by edgeproof's own tests, to show that the test can fail.
    """
    return fill(
        "of_a_test.html",
        requirement=str(test.get("description") or "").strip(),
        explanations=[account.as_html() for account in accounts_of_test],
        planted=sentences(faults),
    )


def _add_globals(document: Document, folder: Path) -> None:
    """Attach the results and the scoreboard to the whole report."""
    title = one_line(document.title)
    texts = {
        "results.json": (json.dumps(as_plain(document)), "application/json"),
        "scoreboard.csv": (as_csv(document), "text/csv"),
        "scoreboard.md": (as_markdown(document), "text/markdown"),
    }
    attachments = []
    for name, (text, kind) in texts.items():
        source = f"{slug(title)}-{name.replace('.', '-attachment.')}"
        (folder / source).write_text(text, encoding="utf-8")
        attachments.append({"name": f"{name}: {title}", "source": source, "type": kind})
    described = {"attachments": attachments, "errors": []}
    (folder / "edgeproof-globals.json").write_text(json.dumps(described), encoding="utf-8")
