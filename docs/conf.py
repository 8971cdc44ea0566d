"""The documentation as a site: ``make docs`` builds it into ``site/``, and every warning is an error.

Nothing is fetched while it is built or read: fonts are those of the reader's system, and formulas are MathML, which
browsers draw by themselves, in place of a script from elsewhere.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.nodes import make_refnode

project = "kanopt"
author = "the authors of kanopt"
release = metadata.version("kanopt")
html_title = "kanopt"

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # as on a page of the repository, so that a link holds in both places

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    # not those of other libraries
    "inherited-members": "BaseEstimator, RegressorMixin, BaseException, BaseModel, Mapping, str",
    "exclude-members": "get_metadata_routing, set_fit_request, set_predict_request, set_score_request",
}
autodoc_typehints = "none"  # docstrings say in words what an argument is
add_module_names = False
numpydoc_show_class_members = False  # autodoc shows them, each with its text

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_math_renderer = "mathml"


def _formula_in_a_line(writer: Any, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _formula_of_its_own(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math-wrapper">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _by_its_public_name(app: Any, env: Any, node: Any, text: nodes.Element) -> nodes.Element | None:
    """Resolve what a docstring calls by the module it stands in, or by its name alone, to its public name."""
    if node.get("refdomain") != "py":
        return None
    domain, asked = env.get_domain("py"), node["reftarget"].split(".")
    for parts in (asked[-2:], asked[-1:]):  # a method with its class, else the name alone
        found = [
            (name, place)
            for name, place in domain.objects.items()
            if name.split(".")[-len(parts) :] == parts and not place.aliased
        ]
        if len(found) == 1:
            name, place = found[0]
            return make_refnode(app.builder, node["refdoc"], place.docname, place.node_id, text, name)
    return None


def setup(app: Any) -> dict[str, bool]:
    """Add the renderer of formulas, and what finds a public name."""
    app.add_html_math_renderer("mathml", (_formula_in_a_line, None), (_formula_of_its_own, None))
    app.connect("missing-reference", _by_its_public_name)
    return {"parallel_read_safe": True}
