"""Fill the templates of the report: HTML files beside this module, in Jinja's language.

Every value that a template writes is escaped by `as_markup`. A value that is HTML already, such as
a picture or another filled template, is marked `| safe` in the template.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import EdgeproofError
from models.escaping import as_markup

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def fill(template: str, **values: object) -> str:
    """Fill a template in this folder; return HTML.

    Args:
        template: name of the template's file.
        values: values by the names in the template; a missing value is an error.

    Raises:
        EdgeproofError: Jinja is not installed.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    try:
        # Imported here, because a board writes no page and needs no Jinja.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see above
        from markupsafe import Markup  # noqa: PLC0415 - see above
    except ImportError:
        raise EdgeproofError(
            "drawing the report needs Jinja, which is not installed",
            remedy="Run `tox -e report`, or `pip install jinja2`",
        ) from None

    def escaped(value: object) -> Markup:
        return value if isinstance(value, Markup) else Markup(as_markup(value))  # noqa: S704 - the value was escaped

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
