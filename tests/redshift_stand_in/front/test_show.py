"""What a fresh session says of Redshift's own parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redshift_stand_in.sql.checks import parameters

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

#: The guide names no value that it has before it is set.
WITHOUT = {"datashare_break_glass_session_var"}


@pytest.mark.parametrize("name", sorted(parameters.OWN - WITHOUT))
def test_every_parameter_has_its_default_before_it_is_set(
    world: World, sql: Sql, name: str
) -> None:
    fresh = type(sql)(world.connect())
    ((before,),) = fresh(f"show {name}")
    if name != "query_group":
        assert before == fresh(f"select current_setting('{name}')")[0][0]
    fresh(f"set {name} to {before}")
    assert fresh(f"show {name}") == [[before]]
    fresh(f"reset {name}")
    assert fresh(f"show {name}") == [[before]]


def test_the_guides_examples_of_show(world: World, sql: Sql) -> None:
    fresh = type(sql)(world.connect())
    assert fresh("show query_group") == [["unset"]]
    assert fresh("select current_setting('query_group')") == [["default"]]
    assert fresh("show enable_case_sensitive_identifier") == [["false"]]
    fresh("set query_group to 'Monday'")
    assert fresh("show query_group") == [["Monday"]]
    fresh("reset query_group")
    assert fresh("show query_group") == [["unset"]]
