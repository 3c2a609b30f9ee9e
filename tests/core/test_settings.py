from __future__ import annotations

import pytest
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.settings import Setting, config_schema, resolve

SETTINGS = (
    Setting("db_host", "Host.", required=True),
    Setting("db_port", "Port.", "integer", default=3306, minimum=1),
    Setting("debug", "Debug.", "boolean", default=False),
    Setting("mode", "Mode.", choices=("a", "b"), default="a"),
    Setting("password", "Password.", secret=True),
    Setting("options", "Options.", "object", default={}),
    Setting("names", "Names.", "array", default=[]),
)


def test_config_wins_over_environment_and_default() -> None:
    values = resolve(SETTINGS, {"db_host": "x", "db_port": "1"}, {"DB_PORT": "2", "DEBUG": "true"})
    told = {"db_host": "x", "db_port": 1, "debug": True}
    assert values == told | {"mode": "a", "password": None, "options": {}, "names": []}


def test_an_empty_string_means_not_set() -> None:
    assert resolve(SETTINGS, {"db_host": "x", "db_port": ""}, {})["db_port"] == 3306


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "DB_HOST is not set"),
        ({"db_host": "x", "db_port": "many"}, "DB_PORT must be of type integer"),
        ({"db_host": "x", "db_port": 0}, "DB_PORT must be at least 1"),
        ({"db_host": "x", "debug": "perhaps"}, "DEBUG must be of type boolean"),
        ({"db_host": "x", "mode": "c"}, "MODE must be one of a, b"),
        ({"db_host": "x", "options": "[1]"}, "OPTIONS must be of type object"),
        ({"db_host": "x", "options": "{"}, "OPTIONS must be of type object"),
        ({"db_host": "x", "options": []}, "OPTIONS must be of type object"),
        ({"db_host": "x", "names": '"a"'}, "NAMES must be of type array"),
    ],
)
def test_a_wrong_setting_is_named_by_its_variable(config: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(SETTINGS, config, {})


def test_what_a_missing_setting_is_for_is_said_with_what_to_do() -> None:
    with pytest.raises(ConfigError) as missing:
        resolve(SETTINGS, {}, {})
    assert missing.value.message == "DB_HOST is not set"
    assert (missing.value.hint or "").startswith("put DB_HOST=… into .env: ")


def test_json_is_read_from_text() -> None:
    values = resolve(SETTINGS, {"db_host": "x", "options": '{"a": 1}', "names": '["b"]'}, {})
    assert (values["options"], values["names"]) == ({"a": 1}, ["b"])


def test_the_config_schema_marks_secrets_and_required() -> None:
    schema = config_schema(SETTINGS)
    assert schema["required"] == ["db_host"]
    assert schema["properties"]["password"]["secret"] is True
    assert schema["properties"]["db_port"]["default"] == 3306


def test_an_error_says_where_and_what_next() -> None:
    error = LakeError("broken", table="s.t", column="c", key=5, hint="tidemark status")
    assert str(error) == "broken [table s.t, column c, key 5]\n  Next: tidemark status"
