"""The lake's key grammar: every S3 key is built and parsed here.

Layout, below the bucket (``incremental/`` is a setting; the other folders are its siblings)::

    incremental/<table>/year=YYYY/month=MM/day=DD/hour=HH/YYYY-MM-DD_HH-MM-SS_batch_NNNN.parquet
    manifests/<table>/YYYY-MM-DD_HH-MM-SS_<run>_NNNN.json
    archive/<table>/YYYY-MM-DD_HH-MM-SS_<run>_NNNN.json
    staging/<table>/<load>/
    leases/<table>/<leg>.json
    runs/year=YYYY/month=MM/day=DD/<run>_<leg>.json

The year to hour of a data file's folder are those of the extraction, or the day of a date column
(``hour=00``; Hive's ``__HIVE_DEFAULT_PARTITION__`` where the column is NULL). Their names end in as
many underscores as it takes for none of them to be a column's name.

Keys that are read back (from a listing, a manifest, a state file) are untrusted input.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.folders import folders, read_day_partition
from tidemark_core.names import TableName, encode_component

_MOMENT = "%Y-%m-%d_%H-%M-%S"
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,63}")
_DATA_KEY = re.compile(
    r"(?P<table>[^/]+)/(?P<partition>year(?P<suffix>_*)=[^/]+"
    r"/month(?P=suffix)=[^/]+/day(?P=suffix)=[^/]+/hour(?P=suffix)=[^/]+)"
    r"/(?P<moment>\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)_batch_(?P<batch>\d{4,})"
    r"\.parquet"
)
_MANIFEST_KEY = re.compile(
    r"(?P<table>[^/]+)/(?P<moment>\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)"
    r"_(?P<run>[A-Za-z0-9][A-Za-z0-9\-]{0,63})_(?P<part>\d{4,})\.json"
)
_LEG = re.compile(r"[a-z]{1,32}")
_RUN_KEY = re.compile(
    r"year=(?P<year>\d{4})/month=(?P<month>\d\d)/day=(?P<day>\d\d)"
    r"/(?P<run>[A-Za-z0-9][A-Za-z0-9\-]{0,63})_(?P<leg>[a-z]{1,32})\.json"
)
MAX_KEY_BYTES = 1024
#: The S3 metadata of a data file that names the run which wrote it: such a file counts only
#: with its manifest.
RUN_METADATA = "tidemark-run"


@dataclass(frozen=True)
class DataKey:
    """A Parquet file: its table, the UTC second of its run's extraction, its number in the run."""

    table: TableName
    moment: datetime
    batch: int


@dataclass(frozen=True)
class ManifestKey:
    """A manifest: its table, the run's extraction second, the run, its number in the run."""

    table: TableName
    moment: datetime
    run_id: str
    part: int


@dataclass(frozen=True)
class RunKey:
    """The report of one leg of a run."""

    day: date
    run_id: str
    leg: str


@dataclass(frozen=True)
class LakeLayout:
    """Where things are in the bucket.

    Args:
        incremental: Folder of the data files, with a trailing slash.
    """

    incremental: str = "incremental/"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(?:[A-Za-z0-9!_.*'()=\-]+/)+", self.incremental) or any(
            part in ("", ".", "..") for part in self.incremental[:-1].split("/")
        ):
            raise ConfigError(
                f"S3_INCREMENTAL_PATH {self.incremental!r} is not a folder inside the bucket",
                hint="set S3_INCREMENTAL_PATH=incremental/",
            )

    @property
    def root(self) -> str:
        """Folder that the lake's folders share; empty for the bucket itself."""
        return (
            self.incremental[:-1].rpartition("/")[0] + "/" if "/" in self.incremental[:-1] else ""
        )

    def data_prefix(self, table: TableName) -> str:
        return f"{self.incremental}{table.lake}/"

    def table_of(self, key: str) -> TableName | None:
        """The table to which a key belongs, if it is in a table's folder."""
        roots = (self.incremental, self.manifests_root, self.staging_root)
        for root in roots:
            if key.startswith(root):
                try:
                    return TableName.from_lake(key.removeprefix(root).partition("/")[0])
                except ConfigError:
                    return None
        return None

    def data_key(
        self,
        table: TableName,
        moment: datetime,
        batch: int,
        partition: str | None = None,
        *,
        suffix: str = "",
    ) -> str:
        """The key of a Parquet file.

        Args:
            table: The source table.
            moment: UTC time of the run's extraction; cut to the second.
            batch: Number in the table's run, from 1.
            partition: From `folders.day_partition`, for a table laid out by a date column.
            suffix: From `folders.folder_suffix`, for a table laid out by the time of extraction.
        """
        when = _utc(moment)
        folder = partition or folders(suffix, when.strftime("%Y %m %d %H").split())
        return _fits(
            f"{self.data_prefix(table)}{folder}/{when.strftime(_MOMENT)}_batch_{batch:04d}.parquet"
        )

    def parse_data_key(self, key: str) -> DataKey:
        """Reads a data file's key.

        Raises:
            LakeError: It is not one that `data_key` makes.
        """
        match = _DATA_KEY.fullmatch(key.removeprefix(self.incremental))
        if match:
            try:
                found = DataKey(
                    TableName.from_lake(match["table"]),
                    _moment(match["moment"]),
                    int(match["batch"]),
                )
            except (ConfigError, ValueError):
                pass
            else:
                suffix = match["suffix"]
                for partition in (None, read_day_partition(match["partition"], suffix)):
                    made = self.data_key(
                        found.table, found.moment, found.batch, partition, suffix=suffix
                    )
                    if made == key:
                        return found
        raise LakeError(f"{key!r} is not a data file of this lake")

    @property
    def manifests_root(self) -> str:
        return f"{self.root}manifests/"

    def manifests_prefix(self, table: TableName) -> str:
        return f"{self.manifests_root}{table.lake}/"

    def manifest_key(self, table: TableName, moment: datetime, run_id: str, part: int) -> str:
        """The key of the ``part``-th manifest (from 1) that a run commits for a table."""
        if not _RUN.fullmatch(run_id):
            raise ConfigError(f"{run_id!r} is not a valid run id (letters, digits and dashes)")
        name = f"{_utc(moment).strftime(_MOMENT)}_{run_id}_{part:04d}.json"
        return _fits(self.manifests_prefix(table) + name)

    def manifests_since(self, table: TableName, moment: datetime) -> str:
        """What the keys of manifests of a moment and later ones come after, in S3's order."""
        return f"{self.manifests_prefix(table)}{_utc(moment).strftime(_MOMENT)}"

    def parse_manifest_key(self, key: str) -> ManifestKey:
        """Reads a manifest's key.

        Raises:
            LakeError: It is not one that `manifest_key` makes.
        """
        match = _MANIFEST_KEY.fullmatch(key.removeprefix(self.manifests_root))
        if match:
            try:
                found = ManifestKey(
                    TableName.from_lake(match["table"]),
                    _moment(match["moment"]),
                    match["run"],
                    int(match["part"]),
                )
            except (ConfigError, ValueError):
                pass
            else:
                if self.manifest_key(found.table, found.moment, found.run_id, found.part) == key:
                    return found
        raise LakeError(f"{key!r} is not a manifest of this lake")

    @property
    def archive_root(self) -> str:
        return f"{self.root}archive/"

    def archive_key(self, manifest_key: str) -> str:
        """The key that keeps what a manifest said of files since removed from the lake.

        Raises:
            LakeError: It is not a manifest's key.
        """
        self.parse_manifest_key(manifest_key)
        return f"{self.archive_root}{manifest_key.removeprefix(self.manifests_root)}"

    @property
    def staging_root(self) -> str:
        return f"{self.root}staging/"

    def staging_prefix(self, table: TableName, load_id: int | None = None) -> str:
        """Folder of the CSV parts of one load, or of all loads of a table."""
        return f"{self.staging_root}{table.lake}/" + ("" if load_id is None else f"{load_id}/")

    def staged_table(self, key: str) -> TableName | None:
        """The table for which a load staged this object; None if no load did."""
        load_id = key.removeprefix(self.staging_root).split("/")[1:2]
        return self.table_of(key) if load_id and load_id[0].isdecimal() else None

    def lease_key(self, table: TableName, leg: str) -> str:
        """The lease that a writer of a table holds; ``leg`` is ``lake`` or ``warehouse``."""
        return _fits(f"{self.root}leases/{table.lake}/{leg}.json")

    def job_lease_key(self) -> str:
        """The lease that an unattended job holds from its first leg to its last."""
        return f"{self.root}leases/job.json"

    def waiting_lease_key(self) -> str:
        """The lease that a job holds while it waits for a follower's round to end."""
        return f"{self.root}leases/waiting.json"

    def follow_lease_key(self) -> str:
        """The lease that a follower holds for as long as it works, between its rounds too."""
        return f"{self.root}leases/follow.json"

    def build_lease_key(self, schema: str) -> str:
        """The lease that dbt holds while it builds; ``schema`` is that of the public tables."""
        return _fits(f"{self.root}leases/build/{encode_component(schema)}.json")

    @property
    def runs_root(self) -> str:
        return f"{self.root}runs/"

    def runs_prefix(self, day: date) -> str:
        return f"{self.runs_root}{day:year=%Y/month=%m/day=%d/}"

    def run_key(self, day: date, run_id: str, leg: str) -> str:
        """The report of one leg of a run, below the UTC day on which the leg began."""
        if not _RUN.fullmatch(run_id):
            raise ConfigError(f"{run_id!r} is not a valid run id (letters, digits and dashes)")
        if not _LEG.fullmatch(leg):
            raise ConfigError(f"{leg!r} is not a valid leg name (lower-case letters)")
        return f"{self.runs_prefix(day)}{run_id}_{leg}.json"

    def parse_run_key(self, key: str) -> RunKey:
        """Reads the key of a leg's report.

        Raises:
            LakeError: It is not one that `run_key` makes.
        """
        match = _RUN_KEY.fullmatch(key.removeprefix(self.runs_root))
        if match:
            with suppress(ValueError):
                day = date(int(match["year"]), int(match["month"]), int(match["day"]))
                if self.run_key(day, match["run"], match["leg"]) == key:
                    return RunKey(day, match["run"], match["leg"])
        raise LakeError(f"{key!r} is not a run report of this lake")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ConfigError("a file name needs a time with a time zone")
    return moment.astimezone(UTC)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)


def _fits(key: str) -> str:
    if len(key) > MAX_KEY_BYTES:
        raise LakeError(
            f"the S3 key {key[:80]!r}… would be longer than {MAX_KEY_BYTES} bytes",
            hint="exclude the table with a select rule",
        )
    return key
