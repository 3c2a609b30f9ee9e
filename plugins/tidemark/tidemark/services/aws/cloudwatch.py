"""The runs' metrics for CloudWatch. Pure, but for the one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from tidemark_core.errors import TidemarkError
from tidemark_core.runs.run_report import RunReport

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_PER_CALL = 1000
#: The leg whose rows are counted: what came from the source.
_EXTRACT = "extract"


class Dimension(TypedDict):
    """A name and a value that set a metric apart, in CloudWatch's form."""

    Name: str
    Value: str


class Metric(TypedDict):
    """A value at a point in time, in CloudWatch's form."""

    MetricName: str
    Value: float
    Unit: str
    Timestamp: datetime
    Dimensions: list[Dimension]


class MetricsError(TidemarkError):
    """CloudWatch refused the metrics, or cannot be reached."""


def metrics(reports: Sequence[RunReport], environment: str) -> list[Metric]:
    """BackupSuccess, BackupDuration and RowsProcessed of each run, and the rows of each table.

    Args:
        reports: The runs.
        environment: Meltano's environment; a dimension, so that prod and staging stay apart.
    """
    found = []
    for report in reports:
        moment = datetime.fromisoformat(report.started_at)
        by: list[Dimension] = [{"Name": "Environment", "Value": environment}]
        rows = 0
        for leg in report.legs:
            for table in leg.tables if leg.leg == _EXTRACT else ():
                rows += table.rows
                dimensions: list[Dimension] = [*by, {"Name": "Table", "Value": table.table}]
                found.append(_metric("RowsProcessed", table.rows, "Count", moment, dimensions))
        # A job holds its legs: its own time is the run's.
        job = [leg.seconds for leg in report.legs if leg.leg == "job"]
        seconds = float(job[0]) if job else report.seconds
        found += [
            _metric("BackupSuccess", int(report.success), "Count", moment, by),
            _metric("BackupDuration", seconds, "Seconds", moment, by),
            _metric("RowsProcessed", rows, "Count", moment, by),
        ]
    return found


def _metric(
    name: str,
    value: float,
    unit: str,
    moment: datetime,
    dimensions: list[Dimension],
) -> Metric:
    return {
        "MetricName": name,
        "Value": value,
        "Unit": unit,
        "Timestamp": moment,
        "Dimensions": dimensions,
    }


def publish(namespace: str, found: Sequence[Metric], region: str) -> None:
    """Sends metrics, by the default credential chain.

    Raises:
        MetricsError: CloudWatch refused or cannot be reached.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        client = boto3.client("cloudwatch", region_name=region, config=limits)
        for start in range(0, len(found), _PER_CALL):
            part = list(found[start : start + _PER_CALL])
            client.put_metric_data(Namespace=namespace, MetricData=part)
    except (BotoCoreError, ClientError) as error:
        raise MetricsError(
            f"CloudWatch rejected the metrics: {error}",
            hint="allow cloudwatch:PutMetricData, and check S3_REGION and the credentials",
        ) from error
