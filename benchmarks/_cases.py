"""Formulas of which the verdict is known: what --self-test of formulas.py shows."""

from __future__ import annotations

from _laws import Law, drawn
from _recovery import CONSTANTS, LONG, NEAR, RECOVERED, STRUCTURE, judge

__all__ = ["self_test"]

FUEL = Law.of("fuel", "4 + 0.0018*v**2 + 0.35*m + 0.09*m*g", ("v", 30, 100), ("m", 3, 40), ("g", -2, 4))
BPR = Law.of("delay", "t0*(1 + 0.15*(q/c)**4)", ("t0", 2, 30), ("q", 200, 2600), ("c", 1000, 2200))
TARIFF = Law.of(
    "tariff", "45 + 2.6*d**0.72*w**0.65", ("d", 20, 1500, "km", "log"), ("w", 0.1, 24, "t", "log")
)
EOQ = Law.of("order quantity", "sqrt(2*D*S/h)", ("D", 500, 50000, "", "log"), ("S", 20, 400), ("h", 0.5, 20))
SEASON = Law.of("season", "5200*p**(-1.6)*(1 + 0.3*sin(2*pi*t/52))", ("p", 4, 16), ("t", 0, 104))
QUEUE = Law.of(
    "queue", "60*lam/(mu*(mu - lam))*(1 + cv**2)/2", ("lam", 1, 9), ("mu", 10, 16), ("cv", 0.2, 1.6)
)
AGEING = Law.of("ageing", "0.05*t*exp(6200*(1/278 - 1/T))", ("T", 273, 308), ("t", 2, 96))
ADOPTION = Law.of("adoption", "70/(1 + exp(-0.15*(t - 24) + 1.1*d))", ("t", 0, 60), ("d", 0.1, 2.5))
HILL = Law.of("crowding", "900*a*n**1.4/(14**1.4 + n**1.4)", ("n", 1, 40, "", "int"), ("a", 0.3, 1.0))
SLOPE = Law.of(
    "energy",
    "0.08 + 0.00002*v**2 + 2.725*m*(0.009 + sin(th)) + 1.2/v",
    ("v", 15, 100),
    ("m", 1.5, 12),
    ("th", -0.04, 0.06),
)

CASES: list[tuple[Law, str, float, str]] = [
    # as it is, and otherwise written
    (FUEL, "4 + 0.0018*v**2 + 0.35*m + 0.09*m*g", 0.0, RECOVERED),
    (FUEL, "3.99 + 0.0018*v*v + 0.09*m*(3.889 + g)", 0.01, RECOVERED),
    (BPR, "t0 + 0.15*t0*q**4*c**-4", 0.0, RECOVERED),
    (TARIFF, "45*(1 + 0.0577777777777777777*exp(0.72*log(d) + 0.65*log(w)))", 0.0, RECOVERED),
    (EOQ, "14.142135623730951*exp(0.5*(log(D) + log(0.01*S) - log(h)))", 0.0, RECOVERED),
    (SEASON, "5200*p**-1.6 + 1560*cos(pi*t/26 - pi/2)/p**1.6", 0.0, RECOVERED),
    (QUEUE, "30*(1 + cv**2)/(mu**2/lam - mu)", 0.0, RECOVERED),
    (AGEING, "242479080.8*t*exp(-6200/T)", 0.01, RECOVERED),
    (ADOPTION, "35 + 35*tanh(0.075*t - 0.55*d - 1.8)", 0.0, RECOVERED),
    (HILL, "900*a/(1 + (14/n)**1.4)", 0.0, RECOVERED),
    (SLOPE, "0.08 + 0.00002*v**2 + 2.724*m*(0.009 + th) + 1.2/v", 0.01, RECOVERED),
    (SLOPE, "0.08 + 0.00002*v**2 + 2.725*m*(0.009 + sin(th)) + 1.2/v", 0.0, RECOVERED),
    # constants within the noise, and not
    (TARIFF, "45.27 + 2.591*d**0.7203*w**0.6504", 0.01, RECOVERED),
    (TARIFF, "45.27 + 2.591*d**0.7203*w**0.6504", 0.0, CONSTANTS),
    (TARIFF, "45 + 2.6*d**0.725*w**0.65", 0.01, CONSTANTS),
    (TARIFF, "45 + 2.6*d**0.725*w**0.65", 0.05, CONSTANTS),
    (AGEING, "0.05*t*exp(6200*(1/275 - 1/T))", 0.05, CONSTANTS),
    (SEASON, "5200*p**-1.6*(1 + 0.3*sin(0.12083*t + 0.002))", 0.01, RECOVERED),
    # whole and half exponents, to be exact
    (FUEL, "4 + 0.0018*v**2.0001 + 0.35*m + 0.09*m*g", 0.01, NEAR),
    (FUEL, "4 + 0.00197*v**1.98 + 0.35*m + 0.09*m*g", 0.0, STRUCTURE),
    (EOQ, "1.4128*D**0.50011*S**0.50004*h**-0.49999", 0.01, NEAR),
    (BPR, "t0*(1 + 0.15*q**3.9999/c**3.9999)", 0.01, NEAR),
    (BPR, "t0*(1 + 0.15*q**3.9999/c**3.9999)", 0.0, STRUCTURE),
    # an extra term or factor, however small; one that is missing; another variable
    (FUEL, "4 + 0.0018*v**2/m**0.002 + 0.35*m + 0.09*m*g", 0.01, STRUCTURE),
    (FUEL, "4 + 0.0018*v**2 + 0.35*m + 0.09*m*g + 0.000001*g", 0.01, STRUCTURE),
    (FUEL, "4 + 0.0018*v**2 + 0.35*m", 0.05, STRUCTURE),
    (FUEL, "4 + 0.0018*v**2 + 0.35*m + 0.09*v*g", 0.05, STRUCTURE),
    (EOQ, "0.05 + sqrt(2*D*S/h)", 0.01, NEAR),
    (EOQ, "40 + sqrt(2*D*S/h)", 0.01, STRUCTURE),
    (ADOPTION, "34.999 - 34.967*tanh(0.55127*d - 0.075119*t + 1.80226)", 0.01, NEAR),
    (ADOPTION, "35.2 - 34.8*tanh(0.55*d - 0.075*t + 1.8)", 0.01, STRUCTURE),
    (HILL, "900*a*n**1.41/(14**1.4 + n**1.4)", 0.05, STRUCTURE),
    (QUEUE, "30*lam*(1 + cv**2)/(mu*(mu - lam + 0.001))", 0.05, STRUCTURE),
    # right, but not to be read
    (
        FUEL,
        "4 + 0.0006*((v - 1)*(v + 1) + 1) + 0.0006*((v - 2)*(v + 2) + 4) + 0.0006*((v - 3)*(v + 3) + 9) "
        "+ 0.03*m*(g + 3) + 0.06*m*(g - 3) + 0.44*m",
        0.0,
        LONG,
    ),
    (FUEL, "4 + 0.0018*v**2 + 0.06*(m + 1.7)*(g + 2.3) + 0.212*m - 0.102*g + 0.03*m*g - 0.2346", 0.0, LONG),
]


def self_test() -> bool:
    """Judge every case; print those judged otherwise, and say how many there are."""
    wrong = 0
    for law, text, noise, expected in CASES:
        rows = drawn(law, noise, 0)
        verdict = judge(law.read(text), law, rows.x, rows.sigma)
        if verdict.word != expected:
            wrong += 1
            print(f"{law.name} at noise {noise:g}: {text}\n  {verdict}\n  expected {expected}")
    print(f"self-test: {len(CASES) - wrong} of {len(CASES)} formulas judged as they should be")
    return not wrong
