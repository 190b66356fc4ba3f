"""Shared fixtures: the demonstration territory, read once."""

import os
import warnings
from pathlib import Path

import pytest

from territoire_geo import TerritoireGeoWarning, diagnose, load_demo

PUBLISHED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def demo():
    """(territory, tables) of Grand Dole; frozen, so that tests may share it."""
    return load_demo()


@pytest.fixture(scope="session")
def demo_diagnostic(demo):
    """The diagnostic of Grand Dole; frozen, so that tests may share it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoireGeoWarning)
        return diagnose(*demo)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """A cache of the tests' own: nothing is read from, or left in, that of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TERRITOIRE_GEO_")]:
            patch.delenv(name)
        patch.setenv("TERRITOIRE_GEO_CACHE", str(tmp_path_factory.mktemp("cache-of-tests")))
        yield


@pytest.fixture(scope="session")
def published():
    """The folder of files as their producers publish them, which the repository does not carry."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published files are not beside the repository: {PUBLISHED}")
    return PUBLISHED
