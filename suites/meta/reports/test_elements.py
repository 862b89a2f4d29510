"""HTML elements are found at their positions, whatever scripts and attributes contain."""

from __future__ import annotations

import pytest

from models.errors import EdgeproofError
from reports.page.elements import elements_of, first

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><!-- <body> --><script>if (1 < 2) "<body>" + "<\\/script>";</script>
<style>a > b { content: "<head>" }</style>
</head>
<body class='a>b'
      data-x="é\u2028y">text<img src=x><script async src="data:,1"></script></body>
</html>
"""


def test_html_elements_are_found_at_their_positions_in_the_page() -> None:
    by_tag = {element.tag: element for element in elements_of(PAGE)}
    assert list(by_tag) == ["html", "head", "script", "style", "body", "img"]
    assert PAGE[by_tag["head"].start : by_tag["head"].inside] == "<head>"
    assert PAGE[by_tag["body"].inside :].startswith("text<img")
    assert by_tag["body"].attributes == {"class": "a>b", "data-x": "é\u2028y"}
    assert by_tag["style"].content(PAGE) == 'a > b { content: "<head>" }'


def test_script_and_style_elements_end_at_their_closing_tags() -> None:
    first_script, last_script = (
        element for element in elements_of(PAGE) if element.tag == "script"
    )
    assert first_script.content(PAGE) == 'if (1 < 2) "<body>" + "<\\/script>";'
    assert PAGE[first_script.end :].startswith("\n<style>")
    assert last_script.attributes == {"async": "", "src": "data:,1"}
    assert PAGE[last_script.end :].startswith("</body>")


def test_rejects_page_without_a_required_element() -> None:
    with pytest.raises(EdgeproofError, match="has no <head>") as caught:
        first("head", elements_of("<p>x</p>"))
    assert "package.json" in str(caught.value.remedy)
