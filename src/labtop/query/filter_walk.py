"""Walks the syntax tree of a filter and renders SQL from the few kinds of nodes that a filter may hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from labtop.errors import FilterError
from labtop.query.filter_compare import Compare
from labtop.query.filter_functions import FUNCTIONS, OPERATORS
from labtop.query.filter_names import STATISTICS, statistic
from labtop.query.filter_operands import Operands
from labtop.query.filter_terms import Operand, Term, Value, as_number, as_text, fill
from labtop.query.filter_tokens import Token
from labtop.query.filter_tree import Node, Parser, arguments

_COMPARISONS = {
    "COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "!=", "COMPARE_LESSTHAN": "<", "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">", "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_NOT_DISTINCT_FROM": "is", "COMPARE_DISTINCT_FROM": "is not",
}  # fmt: skip
_PATTERNS = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}


@dataclass(slots=True)
class Walk:
    """One walk over one tree."""

    operands: Operands
    rules: Compare
    engine: Parser

    def condition(self, node: Node) -> Term:
        """A node as true or false; a bare word or text searches."""
        kind = node["type"]
        if node["class"] == "CONJUNCTION":
            joint = " AND " if kind == "CONJUNCTION_AND" else " OR "
            return _joined([self.condition(child) for child in node["children"]], joint)
        if kind == "OPERATOR_NOT":
            return fill("(NOT {0})", self.condition(node["children"][0]))
        if node["class"] == "COLUMN_REF":
            return self.operands.condition(self.operands.token(node))
        return self.rules.as_condition(self.operand(node))

    def operand(self, node: Node) -> Operand:
        """A node as a piece of SQL, or as a value whose meaning depends on its neighbour."""
        kind, group = node["type"], node["class"]
        if group == "COLUMN_REF":
            return self.operands.of(self.operands.token(node))
        if kind in _COMPARISONS and group == "COMPARISON":
            return self._comparison(_COMPARISONS[kind], node["left"], node["right"])
        if kind in ("COMPARE_BETWEEN", "COMPARE_NOT_BETWEEN"):
            low = self._comparison(">=", node["input"], node["lower"])
            inside = fill("({0} AND {1})", low, self._comparison("<=", node["input"], node["upper"]))
            return inside if kind == "COMPARE_BETWEEN" else fill("(NOT {0})", inside)
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            test = "IS NULL" if kind == "OPERATOR_IS_NULL" else "IS NOT NULL"
            return fill(f"({{0}} {test})", self._term(self.operand(node["children"][0])))
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            return self._in(node, kind == "COMPARE_NOT_IN")
        if group == "CONJUNCTION" or kind == "OPERATOR_NOT":
            return self.condition(node)
        if group == "FUNCTION":
            return self._function(node)
        raise FilterError("this does not belong in a filter", self.rules.text, 0, len(self.rules.text))

    def _term(self, operand: Operand) -> Term:
        return self.rules.constant(operand) if isinstance(operand, Value) else operand

    # comparisons

    def _comparison(self, operator: str, left: Node, right: Node) -> Term:
        one, other = self._pair(left, right)
        return self.rules.compare(operator, one, other)

    def _pair(self, left: Node, right: Node) -> tuple[Operand, Operand]:
        """Both sides; a name beside a text column is text unless a column of text has exactly that name."""
        sides = [self._soft(node) for node in (left, right)]
        for at, node in enumerate((left, right)):
            other = sides[1 - at]
            if isinstance(other, Term) and other.kind in ("text", "tags", "mixed", "version", "time"):
                sides[at] = self._word_or(node, sides[at], allow_same=at == 1 or not _is_text(sides[at]))
        return self._settled(left, sides[0]), self._settled(right, sides[1])

    def _soft(self, node: Node) -> Operand | None:
        """An operand, or None for a name that is ambiguous: its neighbour may make it text."""
        if node["class"] == "COLUMN_REF" and (token := self.operands.token(node)).kind == "name":
            found = self.rules.names.candidates(token.text)
            if len(found) > 1:
                return None
        return self.operand(node)

    def _settled(self, node: Node, side: Operand | None) -> Operand:
        return self.operand(node) if side is None else side

    def _word_or(self, node: Node, side: Operand | None, allow_same: bool) -> Operand | None:
        if node["class"] != "COLUMN_REF" or not allow_same:
            return side
        token = self.operands.token(node)
        if token.kind != "name" or token.text.startswith(("params.", "metrics.", "env.", "run.")):
            return side
        exact = self.rules.names.exact(token.text)
        is_text = exact is not None and exact.type.name in ("text", "mixed", "tags", "status")
        return side if is_text else Value(token)

    def _in(self, node: Node, negated: bool) -> Term:
        first, *choices = node["children"]
        equal = [self._comparison("=", first, choice) for choice in choices]
        found = _joined(equal, " OR ")
        return fill("(NOT {0})", found) if negated else found

    # functions and operators

    def _function(self, node: Node) -> Operand:
        name: str = node["function_name"]
        nodes = arguments(node)
        if name in OPERATORS:
            return self._arithmetic(name, nodes)
        if name in _PATTERNS:
            return self._pattern(nodes, f"({{0}} {_PATTERNS[name]} {{1}})")
        if name in ("regexp_full_match", "regexp_matches"):  # what DuckDB 1 and 2 make of ~
            return self._regex(nodes)
        if name == "contains":  # what DuckDB makes of `x in tags`
            return self._has(nodes[0], nodes[1])
        if name in ("@>", "<@"):
            has = self._has(nodes[0], nodes[1])
            return has if name == "@>" else fill("(NOT {0})", has)
        if name.startswith("f") and name[1:].isdigit():
            return self._call(self.operands.tokens[int(name[1:])], nodes)
        raise FilterError(f"{name} does not belong in a filter", self.rules.text, 0, len(self.rules.text))

    def _arithmetic(self, name: str, nodes: list[Node]) -> Operand:
        operands = [self.operand(node) for node in nodes]
        if len(operands) == 1:
            only = operands[0]
            if isinstance(only, Value) and only.token.kind in ("number", "duration", "constant"):
                return replace(only, is_negative=only.is_negative != (name == "-"))
            sign = "(- CAST({0} AS DOUBLE))" if name == "-" else "{0}"
            return fill(sign, self._number(only), kind="number", may_be_nan=True)
        terms = [self._number(operand) for operand in operands]
        return fill(OPERATORS[name], *terms, kind="number", may_be_nan=True)

    def _number(self, operand: Operand) -> Term:
        if isinstance(operand, Value) and operand.token.kind == "name":
            raise self.rules.unknown(operand)
        return self.rules.number(operand)

    def _text_pair(self, nodes: list[Node]) -> tuple[Operand, Term]:
        left, right = self._pair(nodes[0], nodes[1])
        return self._term(left), self.rules.as_text(right)

    def _pattern(self, nodes: list[Node], template: str) -> Term:
        left, right = self._text_pair(nodes)
        if isinstance(left, Term) and left.kind == "tags":
            negated = "NOT " in template
            inner = template.replace("NOT ", "").replace("{0}", "t")
            any_tag = fill(f"(len(list_filter({{0}}, lambda t: {inner})) > 0)", left, right)
            return fill("(NOT {0})", any_tag) if negated else any_tag
        return fill(template, self.rules.as_text(left), right)

    def _regex(self, nodes: list[Node]) -> Term:
        _, pattern = self._text_pair(nodes)
        if pattern.parameters:
            self._check_regex(pattern)
        return self._pattern(nodes, "regexp_matches({0}, {1})")

    def _check_regex(self, pattern: Term) -> None:
        """Refuse a broken pattern here, at its place, rather than when the query runs."""
        from labtop.errors import QueryError

        try:
            self.engine.query("SELECT regexp_matches('', ?)", [pattern.parameters[0]])
        except QueryError as error:
            length = pattern.end - pattern.start
            raise FilterError(
                "this is not a regular expression", self.rules.text, pattern.start, length, str(error)
            ) from error

    def _has(self, left: Node, right: Node) -> Term:
        one, other = self._pair(left, right)
        return self.rules.has(one, other)

    def _call(self, token: Token, nodes: list[Node]) -> Term:
        if token.text in STATISTICS:
            return self._statistic(token, nodes)
        function = FUNCTIONS.get(token.text)
        if function is None:
            known = ", ".join((*STATISTICS, *FUNCTIONS))
            raise self._at(token, f"no function {token.text!r}", f"known: {known}")
        if not function.takes(len(nodes)):
            raise self._at(token, f"{token.text}() takes {_count(len(function.arguments), function.most)}")
        kinds = [function.arguments[min(at, len(function.arguments) - 1)] for at in range(len(nodes))]
        terms = [self._argument(kind, node) for kind, node in zip(kinds, nodes, strict=True)]
        if function.gives == "same" and len({term.kind for term in terms}) > 1:
            raise self._at(token, f"the values of {token.text}() must be of one type")
        if token.text == "round" and len(terms) == 1:
            terms.append(Term("0", (), "number", token.end, token.end))
        sql = function.sql.replace("{*}", ", ".join(f"{{{at}}}" for at in range(len(terms))))
        gives = terms[0].kind if function.gives == "same" else function.gives
        found = fill(sql, *terms, kind=gives, may_be_nan=gives == "number")
        return replace(found, start=token.start)

    def _argument(self, kind: str, node: Node) -> Term:
        operand = self.operand(node)
        if isinstance(operand, Value) and operand.token.kind == "name":
            raise self.rules.unknown(operand)
        if kind == "number":
            return self.rules.number(operand)
        if kind == "text":
            return self.rules.as_text(operand)
        term = self._term(operand)
        return as_number(term) if term.kind == "number" else as_text(term) if term.kind == "version" else term

    def _statistic(self, token: Token, nodes: list[Node]) -> Term:
        """max(val/acc): a summary of one metric, though a parameter may have the same name."""
        inner = (
            self.operands.token(nodes[0]) if len(nodes) == 1 and nodes[0]["class"] == "COLUMN_REF" else None
        )
        if inner is None or inner.kind != "name":
            raise self._at(token, f"{token.text}() is asked of one metric", f"as in {token.text}(val/acc)")
        metric = self.rules.names.metric(inner.text)
        if metric is None:
            nearest = ", ".join(self.rules.names.nearest(inner.text))
            raise self._at(inner, f"no metric {inner.text!r}", f"nearest: {nearest}" if nearest else "")
        return self.operands.use(statistic(metric, token.text), token.start, inner.end + 1)

    def _at(self, token: Token, message: str, hint: str = "") -> FilterError:
        return FilterError(message, self.rules.text, token.start, max(token.end - token.start, 1), hint)


def _joined(terms: list[Term], joint: str) -> Term:
    parameters = tuple(value for term in terms for value in term.parameters)
    start, end = min(term.start for term in terms), max(term.end for term in terms)
    return Term(f"({joint.join(term.sql for term in terms)})", parameters, "condition", start, end)


def _is_text(side: Operand | None) -> bool:
    return isinstance(side, Term) and side.kind in ("text", "mixed", "version", "tags")


def _count(least: int, most: int) -> str:
    if most > least:
        return f"{least} to {most} values"
    return f"{least} value{'s' if least > 1 else ''}"
