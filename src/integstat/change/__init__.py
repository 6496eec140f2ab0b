"""From counts to the posterior of levels and of the change between two years."""

from integstat.change.data import ChangeData, NoCounts, from_panel
from integstat.change.fit import fit, fit_open, for_fit, with_lasting
from integstat.change.settings import ChangeSettings, Priors

__all__ = [
    "ChangeData",
    "ChangeSettings",
    "NoCounts",
    "Priors",
    "fit",
    "fit_open",
    "for_fit",
    "from_panel",
    "with_lasting",
]
