"""The profile that dbt reads says what the settings say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment
from tidemark.dbt.run import BuildSettings
from tidemark_core.typed_settings import declared, read

PROFILE = Path(__file__).parents[3] / "transform" / "profiles.yml"
#: What a profile cannot do without.
LOGIN = {"REDSHIFT_HOST": "h", "REDSHIFT_DATABASE": "d", "REDSHIFT_USER": "u"}
#: Read by the profile and not declared as a default: how TLS is verified depends on the bastion.
DECIDED = {"MELTANO_ENVIRONMENT", "REDSHIFT_SSL_MODE"}


def rendered(environ: dict[str, str]) -> dict[str, str]:
    """What dbt makes of the profile with these environment variables."""
    jinja = Environment(autoescape=False)
    jinja.filters["as_number"] = int
    outputs = yaml.safe_load(PROFILE.read_text())["tidemark"]["outputs"]["dev"]
    found = {}
    for name, value in outputs.items():
        template = jinja.from_string(str(value))
        found[name] = template.render(env_var=lambda key, default="": environ.get(key, default))
    return found


def test_a_default_of_the_profile_is_that_of_the_setting() -> None:
    defaults = re.findall(r"env_var\('(\w+)', ''\)\s+or '([^']*)'", PROFILE.read_text())
    known = {each.env: each.default for each in declared(BuildSettings)}
    checked = {name: value for name, value in defaults if name not in DECIDED}
    assert checked.keys() >= {
        "REDSHIFT_PORT",
        "REDSHIFT_SCHEMA",
        "REDSHIFT_DBT_THREADS",
        "S3_REGION",
    }
    assert checked == {name: str(known[name]) for name in checked}


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ({}, "us-east-1"),
        ({"S3_REGION": "eu-west-1"}, "eu-west-1"),
        ({"S3_REGION": "eu-west-1", "REDSHIFT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_dbt_logs_in_in_the_region_of_the_bucket_unless_another_is_named(
    regions: dict[str, str], expected: str
) -> None:
    settings = read(BuildSettings, {}, LOGIN | regions)
    assert rendered(LOGIN | regions)["region"] == expected
    assert settings.in_region(settings.s3_region).redshift_region == expected
