"""Names of databases, tables and columns: mostly plain, at times as odd as MySQL allows."""

from __future__ import annotations

from hypothesis import strategies as st

#: MySQL: at most 64 characters. The stand-in's PostgreSQL holds 63 bytes, Redshift 127.
_LONGEST_BYTES = 60
_ODD = (
    "select", "user", "order", "group", "key", "table", "date", "timestamp", "end", "tag", "raw",
    "a b", " lead", "a.b", "..", ".", "a`b", '"', 'a"b', "it's", "a%b", "%s", "%2E", "100%",
    "-lead", "a-b", "a/b", "a\\b", "a,b", "a;b", "#sharp", "$dollar", "@at", "a?b", "a*b", "[ab]",
    "{x}", "a=b", "a:b", "a|b", "a&b", "a+b", "~", "MiXed", "UPPER", "한글", "한글 표", "Straße",
    "É", "é", "Ωmega", "İ", "1st", "123", "0", "__", "null", "true", "id", "c", "C", "x" * 60,
    "가" * 20, "\ttab", "new\nline",
    # As the lake's folders are called.
    "year", "Month", "day", "hour", "year_",
)  # fmt: skip
#: Names that Tidemark has a use of its own for.
OWN_TABLES = ("tidemark_loads", "tidemark_deletions", "Tidemark_Loads")
OWN_COLUMNS = (
    "_sdc_extracted_at", "_SDC_deleted_at", "_tidemark_load_id",
    "tidemark_changed_0", "oid", "ctid", "xmin",
)  # fmt: skip
_plain = st.text("abcdefghijklmnop_0123456789", min_size=1, max_size=8).map(lambda t: f"n{t}")
_any = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc", "Cn", "Co")),
    min_size=1,
    max_size=12,
).filter(lambda t: not t.endswith(" ") and t.strip())


def _fits(name: str) -> bool:
    return len(name.encode()) <= _LONGEST_BYTES


def names(own: tuple[str, ...] = (), *, plain: bool = False) -> st.SearchStrategy[str]:
    """A name.

    Args:
        own: Names of Tidemark's, each of which comes now and then.
        plain: Whether it needs no quotes anywhere.
    """
    if plain:
        return _plain
    odd = st.sampled_from(_ODD)
    rare = odd if not own else st.integers(0, 39).flatmap(
        lambda number: st.sampled_from(own) if number == 0 else odd
    )  # fmt: skip
    return st.one_of(_plain, _plain, rare, rare, _any.filter(_fits))
