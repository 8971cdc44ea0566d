import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Input, Maximum, Product, Sum

x, y = Input("x"), Input("y")


def test_nodes_are_equal_where_they_mean_the_same_graph():
    assert Sum((x, Constant(1.0))) == x + 1.0
    assert Sum((x, y)) != Product((x, y))
    assert Sum((x, y)) != Sum((y, x))
    assert Constant(1.0) != Constant(1.0, "a")
    assert Constant(1.0) != Constant(1.0, standard_error=0.1)
    assert Sum((x, Sum((y, x)))) != Sum((x, y, x))
    assert x != "x"
    assert len({x + 1.0, x + 1.0, x + 2.0}) == 2
    assert Constant(-0.0) == Constant(0.0)


def test_what_is_too_deep_or_too_large_is_refused_at_once():
    def grown(grow, times):
        node = x
        for _ in range(times):
            node = grow(node)
        return node

    with pytest.raises(FormulaError, match="at most 250 levels"):
        grown(lambda node: Apply("sin", node), 300)
    with pytest.raises(FormulaError, match=r"200,000 steps, this one has \d+ and 262,143"):
        grown(lambda node: Sum((node, node)), 60)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(float("nan")), "is not a finite number"),
        (lambda: Constant(1.0, "a", standard_error=-1.0), "standard error"),
        (lambda: Constant(1.0, standard_error=float("inf")), "standard error"),
        (lambda: Sum(()), "at least one part"),
        (lambda: Maximum(()), "at least one part"),
        (lambda: Apply("eval", x), "unknown function 'eval'"),
        (lambda: Input("__class__"), "two underscores"),
    ],
)
def test_nodes_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()
