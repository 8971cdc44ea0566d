"""Plots, and reports as single self-contained HTML files.

Plots are matplotlib functions that take ``ax=None`` and return the axes. Reports embed the same plots as SVG, so
that a page needs no network, and no script to be read.
"""

from kanopt.pages.answer_pages import answer_page
from kanopt.pages.answer_plots import plot_review, plot_sweep
from kanopt.pages.diagrams import plot_diagram
from kanopt.pages.effect_lines import effect_lines
from kanopt.pages.export import (
    EXPORTS,
    export,
    export_all,
    export_files,
    export_tables,
    refuse_exports,
)
from kanopt.pages.law_plots import plot_curve, plot_effects, plot_formula, plot_law
from kanopt.pages.plots import plot_result, plot_view
from kanopt.pages.risk_pages import days_text, monte_carlo_page, plot_days, risk_page
from kanopt.pages.row_plots import (
    plot_baselines,
    plot_costs,
    plot_day_costs,
    plot_decisions,
    plot_plans,
    plot_ranges,
    plot_switch_points,
    plot_tornado,
)
from kanopt.pages.write import shown_html, write_explanation, write_laws, write_page, write_report

__all__ = [
    "EXPORTS",
    "answer_page",
    "days_text",
    "effect_lines",
    "export",
    "export_all",
    "export_files",
    "export_tables",
    "monte_carlo_page",
    "plot_baselines",
    "plot_costs",
    "plot_curve",
    "plot_day_costs",
    "plot_days",
    "plot_decisions",
    "plot_diagram",
    "plot_effects",
    "plot_formula",
    "plot_law",
    "plot_plans",
    "plot_ranges",
    "plot_result",
    "plot_review",
    "plot_sweep",
    "plot_switch_points",
    "plot_tornado",
    "plot_view",
    "refuse_exports",
    "risk_page",
    "shown_html",
    "write_explanation",
    "write_laws",
    "write_page",
    "write_report",
]
