"""What objects ask of the reports, which lie above them: the type of ``kanopt.display.reports``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes


class Reports(Protocol):
    """What objects ask of the reports, which lie above them: drawings, pages and files."""

    answer_page: Callable[..., Any]
    days_text: Callable[..., str]
    export: Callable[..., tuple[Path, ...]]
    export_tables: Callable[..., Path]
    monte_carlo_page: Callable[..., Any]
    plot_baselines: Callable[..., Axes]
    plot_costs: Callable[..., Axes]
    plot_day_costs: Callable[..., Axes]
    plot_days: Callable[..., Axes]
    plot_decisions: Callable[..., Axes]
    plot_diagram: Callable[..., Axes]
    plot_effects: Callable[..., Axes]
    plot_law: Callable[..., Axes]
    plot_modules: Callable[..., Axes]
    plot_plans: Callable[..., Axes]
    plot_ranges: Callable[..., Axes]
    plot_result: Callable[..., Axes]
    plot_review: Callable[..., Axes]
    plot_sweep: Callable[..., Axes]
    plot_switch_points: Callable[..., Axes]
    plot_tornado: Callable[..., Axes]
    risk_page: Callable[..., Any]
    shown_html: Callable[..., str]
    write_explanation: Callable[..., Path]
    write_page: Callable[..., Path]
    write_report: Callable[..., Path]
