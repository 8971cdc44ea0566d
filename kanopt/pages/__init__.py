"""Plots, and reports as single self-contained HTML files.

Plots are matplotlib functions that take ``ax=None`` and return the axes. Reports embed the same plots as SVG, so
that a page needs no network, and no script to be read.
"""

from kanopt.pages.export import EXPORTS as EXPORTS
from kanopt.pages.export import export as export
from kanopt.pages.export import export_tables as export_tables
from kanopt.pages.figure_rows import days_text as days_text
from kanopt.pages.first_page import answer_page as answer_page
from kanopt.pages.first_page import plot_answer as plot_answer
from kanopt.pages.law_plots import plot_diagram as plot_diagram
from kanopt.pages.law_plots import plot_effects as plot_effects
from kanopt.pages.law_plots import plot_formula as plot_formula
from kanopt.pages.law_plots import plot_law as plot_law
from kanopt.pages.plots import plot_result as plot_result
from kanopt.pages.row_plots import plot_costs as plot_costs
from kanopt.pages.row_plots import plot_day_costs as plot_day_costs
from kanopt.pages.write import shown_html as shown_html
from kanopt.pages.write import write_explanation as write_explanation
from kanopt.pages.write import write_laws as write_laws
from kanopt.pages.write import write_page as write_page
from kanopt.pages.write import write_report as write_report
