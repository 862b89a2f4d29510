"""Templates escape every value, except the few that are HTML already."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from models.errors import EdgeproofError
from models.escaping import as_markup
from reports import templates
from suites.meta.foreign_text.payloads import payloads

if TYPE_CHECKING:
    from collections.abc import Iterator

# Values that are already HTML when a template gets them: filled templates and pictures.
HTML_ALREADY = {
    "faults",
    "picture.inline",
    "red.table",
    "run.kernel_coverage",
    "run.matrix",
    "run.sizes",
    "table",
}
MARKUP = "</td><script>\x1b"


@pytest.fixture
def no_environment() -> Iterator[None]:
    """Clear the cached environment, as if no template had been filled."""
    templates._environment.cache_clear()
    yield
    templates._environment.cache_clear()


def test_templates_escape_every_value() -> None:
    for payload in (MARKUP, *payloads()[::25]):
        filled = templates.fill("sizes.html", head=[payload], rows=[[payload]], below=[payload])
        assert f"<th>{as_markup(payload)}</th>" in filled
        assert f"<td>{as_markup(payload)}</td>" in filled
        assert f'<p class="quiet">{as_markup(payload)}</p>' in filled


def test_templates_show_numbers_and_the_value_none_as_text() -> None:
    assert "<td>3</td><td>None</td>" in templates.fill(
        "sizes.html", head=[], rows=[[3, None]], below=[]
    )


def test_only_known_html_values_are_exempt_from_escaping() -> None:
    marked = set()
    for file in templates.FOLDER.glob("*.html"):
        code = re.findall(r"{[{%] (.*?) [}%]}", file.read_text(encoding="utf-8"))
        marked |= {part.removesuffix(" | safe") for part in code if part.endswith(" | safe")}
        unmarked = [part for part in code if not part.endswith(" | safe")]
        # No other filter, block or operator bypasses the escaping.
        assert not re.search(r"\||~|autoescape|Markup", "".join(unmarked)), file.name
    assert marked == HTML_ALREADY


def test_missing_template_value_is_an_error() -> None:
    with pytest.raises(Exception, match="'below' is undefined"):
        templates.fill("sizes.html", head=[], rows=[])


@pytest.mark.usefixtures("no_environment")
def test_missing_jinja_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(EdgeproofError, match="needs Jinja, which is not installed") as caught:
        templates.fill("sizes.html", head=[], rows=[], below=[])
    assert "tox -e report" in str(caught.value.remedy)


def test_importing_the_report_modules_does_not_import_jinja() -> None:
    code = (
        "import sys, fixtures.session.terminal;"
        "import reports.page.summary, reports.page.staging, reports.html;"
        "print('jinja2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
