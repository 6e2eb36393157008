"""Templates import their components often; that must not cost anything."""

from flask import Flask
from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context


class ComponentTemplate(Template):
    """A template whose module, when imported by another, is made once and kept.

    Jinja compares the globals of both templates at every import, which took a tenth of a page here. No
    template of ours has globals of its own, so the answer is always the same.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


def init_app(app: Flask) -> None:
    """Use it for all templates."""
    app.jinja_env.template_class = ComponentTemplate
