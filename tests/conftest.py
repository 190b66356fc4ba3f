"""Shared fixtures: the demonstration territory, read once."""

from pathlib import Path

import pytest

from territoire_geo import load_demo

PUBLISHED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def demo():
    """(territory, tables) of Grand Dole; frozen, so that tests may share it."""
    return load_demo()


@pytest.fixture(scope="session")
def published():
    """The folder of files as their producers publish them, which the repository does not carry."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published files are not beside the repository: {PUBLISHED}")
    return PUBLISHED
