"""The tables of the sample database that most of the guide's examples read."""

from __future__ import annotations

_IDS = "int not null primary key"
#: "Sample database" and the pages below it; without keys that refer to others.
_COLUMNS = {
    "users": f"userid {_IDS}, username char(8), firstname varchar(30), lastname varchar(30), "
    "city varchar(30), state char(2), email varchar(100), phone char(14), "
    + ", ".join(
        f"like{what} boolean"
        for what in (
            *("sports", "theatre", "concerts", "jazz", "classical"),
            *("opera", "rock", "vegas", "broadway", "musicals"),
        )
    ),
    "venue": "venueid smallint not null primary key, venuename varchar(100), "
    "venuecity varchar(30), venuestate char(2), venueseats int",
    "category": "catid smallint not null primary key, catgroup varchar(10), "
    "catname varchar(10), catdesc varchar(50)",
    "date": "dateid smallint not null primary key, caldate date not null, day char(3) not null, "
    "week smallint not null, month char(5) not null, qtr char(5) not null, "
    "year smallint not null, holiday boolean default 'n'",
    "event": f"eventid {_IDS}, venueid smallint not null, catid smallint not null, "
    "dateid smallint not null, eventname varchar(200), starttime timestamp",
    "listing": f"listid {_IDS}, sellerid int not null, eventid int not null, "
    "dateid smallint not null, numtickets smallint not null, priceperticket decimal(8,2), "
    "totalprice decimal(8,2), listtime timestamp",
    "sales": f"salesid {_IDS}, listid int not null, sellerid int not null, "
    "buyerid int not null, eventid int not null, dateid smallint not null, "
    "qtysold smallint not null, pricepaid decimal(8,2), commission decimal(8,2), "
    "saletime timestamp",
}
NAMES = frozenset(_COLUMNS)
#: Makes them anew, with all else in the schema gone.
TABLES = (
    "drop schema public cascade",
    "create schema public",
    "grant all on schema public to public",
    *(f"create table public.{name} ({columns})" for name, columns in _COLUMNS.items()),
)
