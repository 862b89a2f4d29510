"""Let hypothesis draw as many examples as this run's sample sizes say."""

from fixtures.session.examples import pytest_configure

__all__ = ["pytest_configure"]
