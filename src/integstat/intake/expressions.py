"""Counts written as sums, differences and products of series: read safely, told apart as stated or derived."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

Cell = tuple[float, str]  # value and code of integstat.panel.CODES

# when several parts bear no number, the sum carries the first of these signs
_STRONGEST = ("secret", "below_3", "unreliable", "senseless", "missing")
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷"}


@dataclass(frozen=True)
class Expression:
    """A parsed expression over series ids.

    Attributes
    ----------
    text : str
        As written in the config.
    names : tuple of str
        Series ids in the order of their first use.
    operators : frozenset of str
        Those of `+ − × ÷` that occur.
    """

    text: str
    names: tuple[str, ...]
    operators: frozenset[str]
    _body: ast.expr

    @property
    def scales(self) -> bool:
        """Whether it multiplies or divides: its result is a reconstruction, not a count."""
        return bool(self.operators & {"×", "÷"})

    @property
    def combines(self) -> bool:
        """Whether it only adds or subtracts: a stated derivation."""
        return bool(self.operators) and not self.scales

    def evaluate(self, cells: Mapping[str, Cell]) -> Cell:
        """Compute one cell.

        Parameters
        ----------
        cells : mapping of str to (float, str)
            Value and code of every series in `names`.

        Returns
        -------
        value : float
            NaN where a part bears no number or a division by zero occurs.
        code : str
            `value`; else the strongest sign among the parts (a secret part makes the whole secret); `missing` after a
            division by zero.
        """
        codes = {cells[name][1] for name in self.names}
        for code in _STRONGEST:
            if code in codes:
                return math.nan, code
        if not self.operators:
            return cells[self.names[0]]
        try:
            value = _compute(self._body, {name: cells[name][0] for name in self.names})
        except ZeroDivisionError:
            return math.nan, "missing"
        return value, "value"


def parse_expression(text: str) -> Expression:
    """Parse `+ - * / ( )`, numbers and series ids; nothing else is ever executed.

    Raises
    ------
    ValueError
        With a German sentence part, if anything else stands in the text.
    """
    try:
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"der Ausdruck '{text}' ist unvollständig oder falsch geschrieben") from error
    names: list[str] = []
    operators: set[str] = set()
    _walk(body, text, names, operators)
    if not names:
        raise ValueError(f"der Ausdruck '{text}' nennt keine Reihe")
    return Expression(text=text, names=tuple(dict.fromkeys(names)), operators=frozenset(operators), _body=body)


def combine(cells: list[Cell]) -> Cell:
    """Sum cells; a part without a number passes its sign on."""
    codes = {code for _, code in cells}
    for code in _STRONGEST:
        if code in codes:
            return math.nan, code
    return sum(value for value, _ in cells), "nothing" if codes == {"nothing"} else "value"


def _walk(node: ast.expr, text: str, names: list[str], operators: set[str]) -> None:
    if isinstance(node, ast.Name):
        names.append(node.id)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        operators.add(_OPERATORS[type(node.op)])
        _walk(node.left, text, names, operators)
        _walk(node.right, text, names, operators)
    elif not (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        raise ValueError(f"im Ausdruck '{text}' sind nur Reihen, Zahlen, Klammern und + - * / erlaubt")


def _compute(node: ast.expr, values: Mapping[str, float]) -> float:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.BinOp):
        left, right = _compute(node.left, values), _compute(node.right, values)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        return left / right
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]
