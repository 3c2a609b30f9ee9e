"""Two made-up databases, 30 tables and views with what is awkward about other people's."""

from __future__ import annotations

TOUCHED = "updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
#: Names, as MySQL has them, of everything that is made.
TABLES = {
    "a": (
        "customer", "orders", "order_items", "products", "access_log", "settings", "empty_one",
        "empty_log", "calendar", "order", "odd columns", "wide", "kinds", "tokens", "sometimes",
        "_leading", "2024_sales", "tidemark_notes", "busy_customers",
    ),
    "b": (
        "customer", "Customer", "orders", "events", "weights", "v.with.dots", "price$list",
        "empty_b", "nothing_changes", "all_customers", "group",
    ),
}  # fmt: skip
assert sum(map(len, TABLES.values())) == 30

_A = f"""
CREATE DATABASE a CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
CREATE TABLE a.customer (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40)
    COMMENT 'Given | family; "{{{{ no jinja }}}}" <b>''s</b> {{% raw %}}',
    {TOUCHED}, KEY (updated_at)) COMMENT 'People: {{# who #}} buy'
INSERT INTO a.customer (name) VALUES ('Anna'), ('Björn  '), (NULL), (''), ('{{{{ x }}}}')
CREATE TABLE a.orders (customer_id INT, no SMALLINT, note TEXT, modified_at DATETIME(3) NOT NULL,
    PRIMARY KEY (customer_id, no), KEY (modified_at))
INSERT INTO a.orders VALUES (1, 1, 'x', '2024-01-01 10:00:00.123'), (1, 2, NULL, '2024-01-02'),
    (2, 1, 'y', '2024-01-03')
CREATE TABLE a.order_items (customer_id INT, no SMALLINT, sku VARCHAR(12) COLLATE utf8mb4_bin,
    amount DECIMAL(12,3), PRIMARY KEY (customer_id, no, sku))
INSERT INTO a.order_items VALUES (1, 1, 'A', 1.5), (1, 1, 'a', 2), (1, 2, 'A', NULL)
CREATE TABLE a.products (sku CHAR(12) COLLATE utf8mb4_bin PRIMARY KEY, price DECIMAL(10,2),
    kind ENUM('new','old'), tags SET('x','y'), about JSON, {TOUCHED})
INSERT INTO a.products (sku, price, kind, tags, about) VALUES
    ('A', 9.99, 'new', 'x,y', '{{"n": 1}}'), ('B', NULL, NULL, '', NULL)
CREATE TABLE a.access_log (id BIGINT AUTO_INCREMENT PRIMARY KEY, url VARCHAR(2000), took FLOAT)
INSERT INTO a.access_log (url, took) VALUES ('/', 0.5), ('/x', 1.25), ('/y', NULL)
CREATE TABLE a.settings (name VARCHAR(20), value LONGTEXT)
INSERT INTO a.settings VALUES ('a', '1'), ('a', '1'), ('b', NULL)
CREATE TABLE a.empty_one (id INT PRIMARY KEY, {TOUCHED})
CREATE TABLE a.empty_log (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(10))
CREATE TABLE a.calendar (`year` INT, `month` INT, `day` INT, `hour` INT, closed BIT(1),
    PRIMARY KEY (`year`, `month`, `day`))
INSERT INTO a.calendar VALUES (2024, 2, 29, 1, b'1'), (2025, 1, 1, 2, b'0')
CREATE TABLE a.`order` (`select` INT PRIMARY KEY, `from` VARCHAR(5), `user` VARCHAR(5), {TOUCHED})
INSERT INTO a.`order` (`select`, `from`) VALUES (1, 'x')
CREATE TABLE a.`odd columns` (`the id` INT PRIMARY KEY, `a"b` VARCHAR(5), `MixedCase` INT,
    `2nd` INT, `größe` INT, `per%cent` INT, `{{{{ x` INT)
INSERT INTO a.`odd columns` VALUES (1, 'q', 2, 3, 4, 5, 6)
CREATE TABLE a.wide (id INT PRIMARY KEY, {", ".join(f"c{n} VARCHAR(20)" for n in range(60))},
    {TOUCHED})
INSERT INTO a.wide (id, c0, c59) VALUES (1, 'first', 'last')
CREATE TABLE a.kinds (id INT PRIMARY KEY, u BIGINT UNSIGNED, d DATE, t TIME, y YEAR,
    bin VARBINARY(9), blb BLOB, dbl DOUBLE, tiny TINYINT(1), dt DATETIME(6), pt POINT)
INSERT INTO a.kinds VALUES (1, 18446744073709551615, '2024-02-29', '-01:02:03', 2024, X'00FF',
    X'01', 0.1, 1, '2024-01-01 00:00:00.000001', POINT(1, 2)), (2, 0, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL)
CREATE TABLE a.tokens (token BINARY(4) PRIMARY KEY, owner INT)
INSERT INTO a.tokens VALUES (X'00010203', 1), (X'FFFEFDFC', 2)
CREATE TABLE a.sometimes (id INT PRIMARY KEY, updated_at DATETIME NULL ON UPDATE CURRENT_TIMESTAMP)
INSERT INTO a.sometimes VALUES (1, NULL), (2, '2024-01-01')
CREATE TABLE a._leading (id INT PRIMARY KEY, {TOUCHED})
INSERT INTO a._leading (id) VALUES (1)
CREATE TABLE a.`2024_sales` (id INT PRIMARY KEY, total DECIMAL(30,10))
INSERT INTO a.`2024_sales` VALUES (1, 12345678901234567890.0123456789)
CREATE TABLE a.tidemark_notes (id INT PRIMARY KEY, {TOUCHED})
INSERT INTO a.tidemark_notes (id) VALUES (7)
CREATE VIEW a.busy_customers AS SELECT c.id, c.name, count(*) AS orders FROM a.customer c
    JOIN a.orders o ON o.customer_id = c.id GROUP BY c.id, c.name
"""
_B = f"""
CREATE DATABASE b CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
CREATE TABLE b.customer (id INT PRIMARY KEY, email VARCHAR(60), {TOUCHED}, KEY (updated_at))
INSERT INTO b.customer (id, email) VALUES (1, 'a@example.com'), (9, NULL)
CREATE TABLE b.`Customer` (id INT PRIMARY KEY, old_name VARCHAR(10), {TOUCHED})
INSERT INTO b.`Customer` (id, old_name) VALUES (1, 'old')
CREATE TABLE b.orders (id INT PRIMARY KEY, updatedAt DATETIME NOT NULL)
INSERT INTO b.orders VALUES (1, '2024-01-01'), (2, '2024-01-02')
CREATE TABLE b.events (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, at DATETIME(6), what JSON)
INSERT INTO b.events (at, what) VALUES ('2024-01-01', '[1]'), (NULL, NULL)
CREATE TABLE b.weights (grams INT, at DATE)
INSERT INTO b.weights VALUES (1, '2024-01-01'), (1, '2024-01-01')
CREATE TABLE b.`v.with.dots` (id INT PRIMARY KEY, `a.b` VARCHAR(5), {TOUCHED})
INSERT INTO b.`v.with.dots` (id, `a.b`) VALUES (1, 'dot')
CREATE TABLE b.`price$list` (id INT PRIMARY KEY, price DECIMAL(5,2))
INSERT INTO b.`price$list` VALUES (1, 1.25)
CREATE TABLE b.empty_b (id INT PRIMARY KEY, x VARCHAR(5))
CREATE TABLE b.nothing_changes (code CHAR(2) COLLATE utf8mb4_bin PRIMARY KEY, name VARCHAR(30))
INSERT INTO b.nothing_changes VALUES ('de', 'Deutschland'), ('fr', 'France')
CREATE VIEW b.all_customers AS SELECT id, email FROM b.customer
CREATE TABLE b.`group` (id INT PRIMARY KEY, `table` INT, `end` INT)
INSERT INTO b.`group` VALUES (1, 2, 3)
"""
#: A day on which the tables are changed, and rows with them.
CHANGES = """
ALTER TABLE a.customer ADD COLUMN born DATE COMMENT 'Her birthday', MODIFY name VARCHAR(90)
INSERT INTO a.customer (name, born) VALUES (repeat('ü', 90), '2000-02-29')
UPDATE a.customer SET born = '1999-01-01', updated_at = now() + INTERVAL 1 SECOND WHERE id < 6
ALTER TABLE b.weights ADD COLUMN unit VARCHAR(3) FIRST
DELETE FROM b.weights LIMIT 1
INSERT INTO a.settings VALUES ('new', repeat('x', 300))
DELETE FROM b.nothing_changes WHERE code = 'fr'
INSERT INTO a.empty_one (id) VALUES (1)
DELETE FROM a.tokens WHERE owner = 1
REPLACE INTO a.tokens VALUES (X'FFFEFDFC', 3), (X'00000000', 4)
UPDATE a.order_items SET sku = 'AA' WHERE sku = 'a'
UPDATE a.order_items SET amount = 7 WHERE customer_id = 1 AND no = 2
DELETE FROM a.calendar WHERE `year` = 2024
UPDATE a.`odd columns` SET `größe` = 99
DELETE FROM b.`price$list`
INSERT INTO b.empty_b VALUES (1, 'x')
"""


def statements(script: str) -> list[str]:
    """The statements of a script, each beginning with a word of SQL at a line's beginning."""
    found: list[str] = []
    for line in script.strip().splitlines():
        if line.startswith(" "):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


MADE = [*statements(_A), *statements(_B)]
