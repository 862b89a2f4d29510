"""Set the number of hypothesis examples to this run's sample sizes."""

from fixtures.session.examples import pytest_configure

__all__ = ["pytest_configure"]
