"""Build the tree of modules that the tests of a law support.

The tests of pairs are made on the whole law. Three of the four kinds hold for a part of it as well. If the law is
α + β · g(x, y), with α and β functions of other columns, then its mixed derivative is zero where that of g is; and
symmetries, and columns that enter as one function of both, are relations between derivatives of one order, from which β
cancels. Whether g is a product has to be tested on the part itself, see
:mod:`kanopt.surrogates.diagnostics.partial_laws`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import pandas as pd

from kanopt.surrogates.diagnostics.deviations import StructureDeviation, separable
from kanopt.surrogates.diagnostics.modules import Kind, Module
from kanopt.surrogates.diagnostics.partial_laws import (
    Groups,
    StructureTestSetting,
    connected_groups,
    group_columns,
    part_of,
    product_of,
    strength_of,
)

__all__ = ["build_tree"]

_SIGNS = {"x + y": " + ", "x - y": " − ", "x * y": " · ", "x / y": " / "}
_OF_SUMS = ("x + y", "x - y")
_OF_PRODUCTS = ("x * y", "x / y")


def build_tree(features: tuple[str, ...], tests: pd.DataFrame, setting: StructureTestSetting) -> Module:
    """Return the tree of modules; see :meth:`kanopt.surrogates.diagnostics.Structure.tree`."""
    return _TreeBuilder(features, tests, setting).module(features)


@dataclass(frozen=True, eq=False)
class _TreeBuilder:
    features: tuple[str, ...]
    tests: pd.DataFrame
    setting: StructureTestSetting

    @cached_property
    def separable(self) -> tuple[StructureDeviation, StructureDeviation]:
        """The departures of the whole law from sums and from products."""
        return separable(self.setting.surface, self.setting.sample)[1:]

    @cached_property
    def held(self) -> dict[tuple[str, str, str], float]:
        """Strength of the supported tests, by test and pair."""
        frame = self.tests[self.tests["verdict"] == "holds"]
        keys = zip(frame["test"], frame["first"], frame["second"], strict=True)
        return dict(zip(keys, frame["strength"].astype(float), strict=True))

    def among(self, test: str, columns: Iterable[str]) -> pd.DataFrame:
        """Return the tests of one kind for pairs among the given columns."""
        frame = self.tests[self.tests["test"] == test]
        known = list(columns)
        return frame[frame["first"].isin(known) & frame["second"].isin(known)]

    def module(self, columns: tuple[str, ...], parent: Kind | None = None) -> Module:
        if len(columns) == 1:
            return Module("column", columns)
        sums = group_columns(columns, self.among("additive", columns))
        if len(sums) > 1:
            return self.split("sum", columns, sums, strength_of(self.separable[0], sums))
        if parent is None:
            products = group_columns(columns, self.among("multiplicative", columns))
            if len(products) > 1:
                return self.split("product", columns, products, strength_of(self.separable[1], products))
        products, strength = product_of(part_of(self.setting, columns), self.among("additive", columns))
        if len(products) > 1:
            return self.split("product", columns, products, strength, constant=parent != "sum")
        return self.joint(columns)

    def split(
        self, kind: Kind, columns: tuple[str, ...], groups: Groups, strength: float, *, constant: bool = False
    ) -> Module:
        """Return a sum or a product module; columns that enter as one function are merged into one part."""
        single = tuple(group[0] for group in groups if len(group) == 1)
        pairs = list(self.pairs(single, _OF_SUMS if kind == "sum" else _OF_PRODUCTS))
        taken = {name for pair in pairs for name in pair.columns}
        others = [self.module(group, kind) for group in groups if not taken.intersection(group)]
        children = self.ordered([*pairs, *others])
        if len(children) == 1:
            return children[0]
        return Module(kind, columns, children, strength, constant=constant)

    def joint(self, columns: tuple[str, ...]) -> Module:
        """Return a joint module, neither a sum nor a product, with the columns in it that enter as one."""
        found = list(self.pairs(columns, _OF_SUMS))
        found += self.pairs(self.remaining_columns(columns, found), _OF_PRODUCTS)
        if len(found) == 1 and found[0].columns == columns:
            return found[0]
        left = self.remaining_columns(columns, found)
        if len(columns) > 2:
            found += self.functions(left)
        children = self.ordered(
            [*found, *(Module("column", (x,)) for x in self.remaining_columns(columns, found))]
        )
        return Module("joint", columns, children)

    def pairs(self, columns: tuple[str, ...], tests: tuple[str, str]) -> Iterator[Module]:
        """Yield maximal groups of columns that enter as one, pairwise and with no column outside."""
        straight, turned = tests
        links: dict[tuple[str, str], str] = {}
        for a, b in combinations(columns, 2):
            known = [test for test in tests if self.with_(test, a, b)]
            if len(known) == 1:  # both hold where neither column does anything
                links[a, b] = known[0]
        for group in connected_groups(columns, links):
            within = list(combinations(group, 2))
            if len(group) < 2 or not all(pair in links for pair in within):
                continue
            first, *others = group
            relation = first + "".join(_SIGNS[links[first, name]] + name for name in others)
            against = {name: links[first, name] == turned for name in others} | {first: False}
            expected = {pair: turned if against[pair[0]] != against[pair[1]] else straight for pair in within}
            if all(links[pair] == test for pair, test in expected.items()):
                strength = min(self.held[test, *pair] for pair, test in expected.items())
                children = tuple(Module("column", (name,)) for name in group)
                yield Module("pair", group, children, strength, relation)

    def functions(self, columns: tuple[str, ...]) -> Iterator[Module]:
        """Yield disjoint pairs of columns that enter as one function of both."""
        links = [pair for pair in combinations(columns, 2) if self.with_("joint", *pair)]
        for group in connected_groups(columns, links):
            if len(group) == 2:
                children = tuple(Module("column", (name,)) for name in group)
                yield Module("joint", group, children, self.held["joint", group[0], group[1]])

    def with_(self, test: str, first: str, second: str) -> bool:
        return (test, first, second) in self.held

    def remaining_columns(self, columns: tuple[str, ...], found: list[Module]) -> tuple[str, ...]:
        taken = {name for module in found for name in module.columns}
        return tuple(name for name in columns if name not in taken)

    def ordered(self, modules: list[Module]) -> tuple[Module, ...]:
        return tuple(sorted(modules, key=lambda module: self.features.index(module.columns[0])))
