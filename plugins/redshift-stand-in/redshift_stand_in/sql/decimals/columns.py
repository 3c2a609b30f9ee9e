"""Precision and scale of a query's columns, from PostgreSQL's parse tree of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from redshift_stand_in.sql.decimals import nodes, rules
from redshift_stand_in.sql.decimals.nodes import Node
from redshift_stand_in.sql.decimals.rules import Digits

#: A query, behind those that it stands in.
Scope = tuple[Node, ...]

#: Its number in PostgreSQL's pg_type.
_NUMERIC = "1700"
# Numbers of functions in PostgreSQL's pg_proc.
_CAST = 1703
_FROM_INTEGER = {1782: Digits(5, 0), 1740: Digits(10, 0), 1781: Digits(19, 0)}
_BINARY: dict[int, Callable[[Digits, Digits], Digits]] = {
    1724: rules.added,
    1725: rules.added,
    1726: rules.multiplied,
    1727: rules.divided,
}
#: Signs, ABS, ROUND, TRUNC, MIN, MAX: they keep their argument's type.
_KEEPING = frozenset([1771, 1915, 1705, 1704, 1707, 1708, 1709, 1710, 2130, 2146])
_SUM, _SUM_OF_BIGINT = 2114, 2107
_SUBQUERY, _JOIN, _COMMON = "1", "2", "6"
_SCALAR = "4"


def of_query(tree: str, average: int) -> list[Digits | None]:
    """The digits of the columns that a query gives.

    Args:
        tree: the action of the rule of a view on it.
        average: number of the function that is AVG of decimals.

    Returns:
        For each column, None if it is no decimal, or if its size is not known.
    """
    query = nodes.parse(tree)[0]
    columns = [entry for entry in query["targetList"] if entry["resjunk"] == "false"]
    found = _Columns(average)
    return [found.of_column((query,), number + 1) for number in range(len(columns))]


def is_sized(node: Node) -> bool:
    """Whether PostgreSQL knows an expression's size itself: of a column, and of a cast."""
    if node[nodes.NAME] == "VAR":
        return rules.of_modifier(int(node["vartypmod"])) is not None
    return node[nodes.NAME] == "FUNCEXPR" and int(node["funcid"]) == _CAST


class _Columns:
    def __init__(self, average: int) -> None:
        self._average = average
        self._kinds: dict[str, Callable[[Node, Scope], Digits | None]] = {
            "VAR": self._variable,
            "CONST": _constant,
            "OPEXPR": lambda node, scope: self._call(node["opfuncid"], node["args"], scope),
            "FUNCEXPR": lambda node, scope: self._call(node["funcid"], node["args"], scope),
            "AGGREF": lambda node, scope: self._call(node["aggfnoid"], node["args"], scope),
            "WINDOWFUNC": lambda node, scope: self._call(node["winfnoid"], node["args"], scope),
            "TARGETENTRY": lambda node, scope: self._of(node["expr"], scope),
            "RELABELTYPE": lambda node, scope: self._of(node["arg"], scope),
            "NULLIFEXPR": lambda node, scope: self._of(node["args"][0], scope),
            "COALESCEEXPR": lambda node, scope: self._merged(node["args"], scope),
            "CASEEXPR": self._case,
            "SUBLINK": self._subquery,
        }

    def of_column(self, scope: Scope, number: int) -> Digits | None:
        """The digits of a query's column, counted from 1."""
        query = scope[-1]
        if query["setOperations"] != "<>":
            leaves = list(_leaves(query["setOperations"]))
            return _all_merged(self._of_entry(leaf, number, scope) for leaf in leaves)
        entry = next(e for e in query["targetList"] if int(e["resno"]) == number)
        return self._of(entry, scope)

    def _of(self, node: Node, scope: Scope) -> Digits | None:
        kind = self._kinds.get(node[nodes.NAME])
        return kind(node, scope) if kind else None

    def _variable(self, node: Node, scope: Scope) -> Digits | None:
        if node["vartype"] != _NUMERIC:  # a string's length is no precision
            return None
        if known := rules.of_modifier(int(node["vartypmod"])):
            return known
        scope = scope[: len(scope) - int(node["varlevelsup"])]
        return self._of_entry(int(node["varno"]), int(node["varattno"]), scope)

    def _of_entry(self, index: int, column: int, scope: Scope) -> Digits | None:
        """Of a column of what a query reads: a subquery, a join or a common table expression."""
        entry = scope[-1]["rtable"][index - 1]
        if entry["rtekind"] == _SUBQUERY:
            return self.of_column((*scope, entry["subquery"]), column)
        if entry["rtekind"] == _JOIN:
            return self._of(entry["joinaliasvars"][column - 1], scope)
        if entry["rtekind"] == _COMMON:
            scope = scope[: len(scope) - int(entry["ctelevelsup"])]
            common = next(c for c in scope[-1]["cteList"] if c["ctename"] == entry["ctename"])
            if common["cterecursive"] == "false":
                return self.of_column((*scope, common["ctequery"]), column)
        return None

    def _call(self, number: str, arguments: list[Node], scope: Scope) -> Digits | None:
        function = int(number)
        if function == _CAST:
            return rules.of_modifier(_integer(arguments[1]))
        if function == _SUM_OF_BIGINT:
            return rules.summed(Digits(rules.NARROW, 0))
        if function in _FROM_INTEGER:
            return _FROM_INTEGER[function]
        return self._computed(function, arguments, scope)

    def _computed(self, function: int, arguments: list[Node], scope: Scope) -> Digits | None:
        if (rule := self._rule(function)) is None:
            return None
        given = [self._of(node, scope) for node in arguments[: 2 if function in _BINARY else 1]]
        known = [digits for digits in given if digits]
        return rule(*known) if len(known) == len(given) else None

    def _rule(self, function: int) -> Callable[..., Digits] | None:
        if function in _KEEPING:
            return lambda digits: digits
        if function == _SUM:
            return rules.summed
        return rules.averaged if function == self._average else _BINARY.get(function)

    def _subquery(self, node: Node, scope: Scope) -> Digits | None:
        scalar = node["subLinkType"] == _SCALAR
        return self.of_column((*scope, node["subselect"]), 1) if scalar else None

    def _case(self, node: Node, scope: Scope) -> Digits | None:
        results = [when["result"] for when in node["args"]]
        return self._merged([*results, node["defresult"]], scope)

    def _merged(self, choices: list[Node], scope: Scope) -> Digits | None:
        return _all_merged(self._of(node, scope) for node in choices if not _is_null(node))


def _leaves(node: Node) -> Iterable[int]:
    """The subqueries of a set operation, by their places in the range table."""
    if node[nodes.NAME] == "RANGETBLREF":
        yield int(node["rtindex"])
    else:
        yield from _leaves(node["larg"])
        yield from _leaves(node["rarg"])


def _all_merged(found: Iterable[Digits | None]) -> Digits | None:
    digits = list(found)
    known = [each for each in digits if each]
    return reduce(rules.merged, known) if known and len(known) == len(digits) else None


def _constant(node: Node, _: Scope) -> Digits | None:
    if node["consttype"] != _NUMERIC or _is_null(node):
        return None
    return rules.of_modifier(int(node["consttypmod"])) or rules.of_constant(_bytes(node))


def _is_null(node: Node | str) -> bool:
    """Whether an expression is NULL without a type, or an ELSE that is not there."""
    if isinstance(node, str):
        return True
    if node[nodes.NAME] != "CONST":
        return False
    return (node["consttypmod"], node["constisnull"]) == ("-1", "true")


def _bytes(node: Node) -> bytes:
    _, _, *values, _ = node["constvalue"]
    return bytes(int(value) & 0xFF for value in values)


def _integer(node: Node) -> int:
    return int.from_bytes(_bytes(node)[:4], "little", signed=True)
