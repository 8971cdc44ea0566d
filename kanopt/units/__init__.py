"""Units of columns and formulas, and the step from floats to the integers that solvers count in.

Units are those of `pint <https://pint.readthedocs.io>`_, read by a stricter grammar: products, quotients,
whole powers, and a number that binds to the unit behind it, so that ``"l/100 km"`` is a consumption
and not litres times kilometres. On top come

* currencies (``EUR``, ``USD``, …): each its own dimension, because an exchange rate is data, not a unit;
* things that are counted (``trip``, ``piece``, ``parcel``, ``pallet``, ``box``, ``crate``, ``TEU``, …; also
  ``pallets``, ``boxes``): each its own dimension too, so that ``EUR/trip`` and ``EUR/km`` are never mixed up, and
  parcels never become pallets: how many there are on one is data, not a unit. ``FEU`` is two ``TEU``. ``""`` and
  ``"1"`` are dimensionless.

Units with a zero of their own (``degC``, ``dB``) are refused: a formula multiplies by a factor and
nothing else. The word ``ton`` is refused as well, since it names three different weights.
"""

from kanopt.units.conversion import COUNTED as COUNTED
from kanopt.units.conversion import CURRENCIES as CURRENCIES
from kanopt.units.conversion import UNIT_WORDS as UNIT_WORDS
from kanopt.units.conversion import UnitPowers as UnitPowers
from kanopt.units.conversion import check_unit as check_unit
from kanopt.units.conversion import convert as convert
from kanopt.units.conversion import dimension_of as dimension_of
from kanopt.units.conversion import factor as factor
from kanopt.units.conversion import multiplier_and_divisor as multiplier_and_divisor
from kanopt.units.conversion import powers_of as powers_of
from kanopt.units.conversion import same_dimension as same_dimension
from kanopt.units.scaling import Scaling as Scaling
from kanopt.units.scaling import scaling_for as scaling_for
