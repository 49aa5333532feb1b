"""Where a signal finds a run does not matter to what is said about it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.gate import keep_places_with_lines


def test_a_place_without_a_line_is_left_out() -> None:
    """Bytecode of the interpreter's own stands on no line, and pytest cannot print such a place."""
    with pytest.raises(KeyboardInterrupt) as caught:
        raise KeyboardInterrupt
    real = list(caught.traceback)
    nowhere = SimpleNamespace(_rawentry=SimpleNamespace(tb_lineno=None))
    raised = SimpleNamespace(traceback=[*real, nowhere])

    keep_places_with_lines(cast("Any", raised))

    assert raised.traceback == real
