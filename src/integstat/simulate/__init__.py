"""Rings with known truth."""

from integstat.simulate.ring import Ring, simulate_ring
from integstat.simulate.truth import Parameters, Truth, draw_truth, from_priors
from integstat.simulate.write import truth_table, write_ring

__all__ = ["Parameters", "Ring", "Truth", "draw_truth", "from_priors", "simulate_ring", "truth_table", "write_ring"]
