"""The state backend's settings: the lake's own, made known to Meltano under its names.

Meltano imports this before it does anything in this project, so `guard` is called here.
"""

from __future__ import annotations

from meltano.core.setting_definition import SettingDefinition, SettingKind
from tidemark_core.settings import Setting
from tidemark_core.typed_settings import declared

from tidemark.config.settings import StateSettings
from tidemark.state.guard import guard


def _definition(setting: Setting) -> SettingDefinition:
    return SettingDefinition(
        name=f"state_backend.tidemark.{setting.name}",
        description=setting.description,
        kind=SettingKind.STRING,
        sensitive=setting.secret,
        env_aliases=[setting.env],
    )


_BY_NAME = {setting.name: _definition(setting) for setting in declared(StateSettings)}

S3_BUCKET_NAME = _BY_NAME["s3_bucket_name"]
S3_ACCESS_KEY = _BY_NAME["s3_access_key"]
S3_SECRET_KEY = _BY_NAME["s3_secret_key"]
S3_REGION = _BY_NAME["s3_region"]
S3_ENDPOINT_URL = _BY_NAME["s3_endpoint_url"]
S3_HIGH_WATERMARK_KEY = _BY_NAME["s3_high_watermark_key"]

guard()
