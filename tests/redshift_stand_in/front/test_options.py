"""COPY's and UNLOAD's parameters."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import pytest
from redshift_stand_in.copy import command, source
from redshift_stand_in.errors import NotInStandIn, StatementError
from redshift_stand_in.options import options
from redshift_stand_in.sql.lexer import Sql

ROLE = "iam_role 'arn:aws:iam::123456789012:role/a/b'"


def parse(text: str) -> options.Options:
    return command.parse(Sql(f"copy t from 's3://b/k' {text}")).options


def test_defaults_are_redshifts() -> None:
    text, csv = parse(ROLE), parse(f"{ROLE} csv")
    assert (text.delimiter, csv.delimiter, csv.quote, csv.null) == ("|", ",", '"', "\\N")
    assert (csv.encoding, csv.compression, csv.empty_as_null) == ("UTF8", None, False)


def test_every_parameter_is_read() -> None:
    found = parse(
        f"{ROLE} format as csv quote as '%' delimiter as '\\t' null as 'x' ignoreheader as 1 maxerror as 5 dateformat 'auto' "
        "timeformat as 'epochsecs' acceptinvchars as '^' compupdate off statupdate on region as 'us-east-1' encoding as utf16le "
        "gzip manifest emptyasnull"
    )
    assert (found.quote, found.delimiter, found.null) == ("%", "\t", "x")
    assert (found.number("IGNOREHEADER"), found.number("MAXERROR")) == (1, 5)
    assert (found.encoding, found.compression) == ("UTF16LE", "GZIP")
    assert found.values["COMPUPDATE"] == "OFF"
    assert found.values["ACCEPTINVCHARS"] == "^"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("csv", "credentials"),
        ("iam_role 'arn:aws:iam::1:role/r'", "Invalid IAM role"),
        ("iam_role 'x'", "Invalid IAM role"),
        ("iam_role my_role", "syntax"),
        (f"{ROLE} csv foo", "syntax"),
        (f"{ROLE} csv maxerror 100001", "MAXERROR"),
        (f"{ROLE} csv escape", "not compatible"),
        (f"{ROLE} quote '%'", "QUOTE"),
        (f"{ROLE} delimiter '||'", "single ASCII"),
        (f"{ROLE} csv gzip zstd", "only one"),
        (f"{ROLE} csv encoding klingon", "encoding"),
        (f"{ROLE} format as parquet gzip", "GZIP argument is not supported"),
        (f"{ROLE} format as parquet maxerror 3", "MAXERROR argument is not supported"),
        (f"{ROLE} csv acceptanydate", "DATEFORMAT"),
    ],
)
def test_what_cannot_be_is_refused(text: str, reason: str) -> None:
    with pytest.raises(StatementError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    "name", ["json 'auto'", "bzip2", "format as orc", "fixedwidth 'a:1'", "readratio 5", "ssh"]
)
def test_what_the_stand_in_lacks_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotInStandIn):
        parse(f"{ROLE} {name}")


def test_authorization_forms() -> None:
    assert parse("iam_role default").keys is None
    assert parse("credentials 'aws_iam_role=arn:aws:iam::123456789012:role/r'").keys is None
    keys = {"aws_access_key_id": "A", "aws_secret_access_key": "B"}
    assert parse("access_key_id 'A' secret_access_key 'B'").keys == keys
    assert parse("credentials 'aws_access_key_id=A;aws_secret_access_key=B'").keys == keys


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"entries": 1}',
        b'{"entries": [1]}',
        b'{"entries": [{}]}',
        b'{"entries": [{"url": "http://x"}]}',
        b'{"entries": [{"url": "s3://a/b", "mandatory": "yes"}]}',
    ],
)
def test_a_manifest_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(StatementError):
        source.manifest_entries(text, columnar=False)


def test_a_parquet_manifest_states_lengths() -> None:
    entry = b'{"entries": [{"url": "s3://a/b"}]}'
    assert source.manifest_entries(entry, columnar=False)
    with pytest.raises(StatementError, match="content_length"):
        source.manifest_entries(entry, columnar=True)
