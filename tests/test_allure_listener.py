"""What the suite takes from inside allure-pytest is still there: a version that moves it is noticed."""

from __future__ import annotations

import allure_pytest.plugin
from allure_pytest.listener import AllureListener

from fixtures.allureresults import ChecksOnly


def test_the_hooks_left_out_exist() -> None:
    """The shorter listener leaves out what allure-pytest really has, under the name it uses."""
    assert allure_pytest.plugin.AllureListener is AllureListener
    assert issubclass(ChecksOnly, AllureListener)
    for name in ("pytest_fixture_setup", "pytest_fixture_post_finalizer", "_update_fixtures_children"):
        assert callable(getattr(AllureListener, name))
