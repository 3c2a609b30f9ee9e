"""What SQLAlchemy's dialect for Redshift and pandas do with tables; the assertions are ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy_redshift import dialect

_ROWS = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ["Zoë", "", None],
        "price": [1.5, -2.25, None],
        "at": pd.to_datetime(["2024-01-31 12:00:00.123456", "1999-12-31", None], format="ISO8601"),
        "sold": [True, False, True],
    }
)


@pytest.fixture(params=["psycopg2", "redshift_connector"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    url = sa.URL.create(
        f"redshift+{request.param}",
        os.environ["REDSHIFT_USERNAME"],
        os.environ["PGPASSWORD"],
        os.environ["REDSHIFT_HOST"],
        int(os.environ["REDSHIFT_PORT"]),
        os.environ["REDSHIFT_DATABASE"],
    )
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("drop schema if exists shop cascade"))
        connection.execute(sa.text("create schema shop"))
    yield engine
    engine.dispose()


@pytest.fixture
def tables(engine: sa.Engine) -> sa.MetaData:
    metadata = sa.MetaData(schema="shop")
    sa.Table(
        "customers",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True, redshift_identity=(1, 1)),
        sa.Column("name", sa.String(40), nullable=False, redshift_encode="zstd"),
        redshift_diststyle="ALL",
    )
    sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer", sa.BigInteger, sa.ForeignKey("shop.customers.id")),
        sa.Column("amount", sa.Numeric(12, 2), server_default="0"),
        sa.Column("at", sa.DateTime),
        sa.UniqueConstraint("customer", "at", name="one_at_a_time"),
        redshift_distkey="customer",
        redshift_sortkey=("at", "id"),
    )
    metadata.create_all(engine)
    return metadata


def _reflected(engine: sa.Engine, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(schema="shop"), autoload_with=engine)


def test_tables_are_created_once(engine: sa.Engine, tables: sa.MetaData) -> None:
    tables.create_all(engine)
    inspector = sa.inspect(engine)
    assert inspector.has_table("orders", schema="shop")
    assert not inspector.has_table("nothing", schema="shop")
    assert sorted(inspector.get_table_names(schema="shop")) == ["customers", "orders"]


def test_tables_are_dropped(engine: sa.Engine, tables: sa.MetaData) -> None:
    tables.drop_all(engine)
    assert sa.inspect(engine).get_table_names(schema="shop") == []


def test_schemas_are_listed(engine: sa.Engine, tables: sa.MetaData) -> None:
    assert {"public", "shop"} <= set(sa.inspect(engine).get_schema_names())


def test_columns_are_reflected(engine: sa.Engine, tables: sa.MetaData) -> None:
    columns = _reflected(engine, "orders").columns
    assert [(c.name, str(c.type), c.nullable) for c in columns] == [
        ("id", "INTEGER", False),
        ("customer", "BIGINT", True),
        ("amount", "NUMERIC(12, 2)", True),
        ("at", "TIMESTAMP", True),
    ]
    assert str(_reflected(engine, "customers").c.name.type) == "VARCHAR(40)"


def test_keys_are_reflected(engine: sa.Engine, tables: sa.MetaData) -> None:
    inspector = sa.inspect(engine)
    assert inspector.get_pk_constraint("orders", schema="shop")["constrained_columns"] == ["id"]
    (foreign,) = inspector.get_foreign_keys("orders", schema="shop")
    assert foreign["referred_table"] == "customers"
    assert foreign["constrained_columns"] == ["customer"]
    (unique,) = inspector.get_unique_constraints("orders", schema="shop")
    assert (unique["name"], unique["column_names"]) == ("one_at_a_time", ["customer", "at"])


def test_distribution_and_sort_keys_are_reflected(engine: sa.Engine, tables: sa.MetaData) -> None:
    orders = _reflected(engine, "orders").dialect_options["redshift"]
    assert orders["distkey"] == "customer"
    assert tuple(orders["sortkey"]) == ("at", "id")
    assert _reflected(engine, "customers").dialect_options["redshift"]["diststyle"] == "ALL"


def test_views_are_reflected(engine: sa.Engine, tables: sa.MetaData) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("create view shop.dear as select id, amount from shop.orders"))
    inspector = sa.inspect(engine)
    assert inspector.get_view_names(schema="shop") == ["dear"]
    assert "amount" in inspector.get_view_definition("dear", schema="shop")
    assert [c["name"] for c in inspector.get_columns("dear", schema="shop")] == ["id", "amount"]


def test_rows_are_inserted_and_selected(engine: sa.Engine, tables: sa.MetaData) -> None:
    customers, orders = tables.tables["shop.customers"], tables.tables["shop.orders"]
    with engine.begin() as connection:
        connection.execute(sa.insert(customers), [{"name": "Ann"}, {"name": "Bo"}])
        connection.execute(sa.insert(orders), [{"id": n, "customer": 1} for n in range(3)])
        found: Any = connection.execute(
            sa.select(customers.c.name, sa.func.count(orders.c.id))
            .join(orders, orders.c.customer == customers.c.id, isouter=True)
            .group_by(customers.c.name)
            .order_by(customers.c.name)
        ).all()
    assert [tuple(row) for row in found] == [("Ann", 3), ("Bo", 0)]


def test_rows_are_deleted_by_a_join(engine: sa.Engine, tables: sa.MetaData) -> None:
    customers, orders = tables.tables["shop.customers"], tables.tables["shop.orders"]
    with engine.begin() as connection:
        connection.execute(sa.insert(orders), [{"id": 1, "customer": 1}])
        connection.execute(sa.delete(orders).where(orders.c.customer == customers.c.id))
        assert connection.scalar(sa.select(sa.func.count()).select_from(orders)) == 1


def test_a_failed_transaction_leaves_nothing(engine: sa.Engine, tables: sa.MetaData) -> None:
    orders = tables.tables["shop.orders"]

    def fail() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(orders), [{"id": 1}])
            connection.execute(sa.text("select 1 / 0 from shop.orders"))

    with pytest.raises(sa.exc.DBAPIError):
        fail()
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(orders)) == 0


def test_super_is_reflected(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("create table shop.events (body super)"))
    (column,) = _reflected(engine, "events").columns
    assert isinstance(column.type, dialect.SUPER)


@pytest.mark.parametrize("method", [None, "multi"])
def test_a_frame_goes_there_and_back(engine: sa.Engine, method: Any) -> None:
    _ROWS.to_sql("frame", engine, schema="shop", index=False, method=method)
    found = pd.read_sql("select * from shop.frame order by id", engine)
    pd.testing.assert_frame_equal(found, _ROWS, check_dtype=False)


def test_a_frame_is_read_as_a_table(engine: sa.Engine) -> None:
    _ROWS.to_sql("frame", engine, schema="shop", index=False)
    found = pd.read_sql_table("frame", engine, schema="shop").sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(found, _ROWS, check_dtype=False)


def test_a_frame_is_appended_and_replaced(engine: sa.Engine) -> None:
    def rows() -> int:
        return len(pd.read_sql("select id from shop.frame", engine))

    _ROWS.to_sql("frame", engine, schema="shop", index=False)
    _ROWS.to_sql("frame", engine, schema="shop", index=False, if_exists="append")
    assert rows() == 6
    _ROWS.to_sql("frame", engine, schema="shop", index=False, if_exists="replace")
    assert rows() == 3
    with pytest.raises(ValueError, match="already exists"):
        _ROWS.to_sql("frame", engine, schema="shop", index=False)
