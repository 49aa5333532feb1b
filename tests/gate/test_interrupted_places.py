"""Where a signal finds a run does not matter to what is said about it."""

from __future__ import annotations

import pytest

from fixtures.gate import keep_places_with_lines


def test_a_place_without_a_line_is_left_out() -> None:
    """Bytecode of the interpreter's own stands on no line; pytest cannot print one."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    def nowhere() -> None:
        interrupted()

    nowhere.__code__ = nowhere.__code__.replace(co_linetable=b"")
    with pytest.raises(KeyboardInterrupt) as caught:
        nowhere()
    raised: pytest.ExceptionInfo[BaseException] = pytest.ExceptionInfo.from_exception(caught.value)
    with pytest.raises(TypeError):
        raised.getrepr()

    keep_places_with_lines(raised)

    assert "KeyboardInterrupt" in str(raised.getrepr())
