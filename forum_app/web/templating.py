"""Templates: components that cost nothing to import, sentences that cost little to translate."""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import Template, pass_eval_context
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from markupsafe import Markup

from forum_app.web.languages import language
from forum_app.web.texts import catalog


class Environment(FlaskEnvironment):
    """What all templates know stands in one dict: read as a whole at each page, Jinja's chain is slow."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class ComponentTemplate(Template):
    """A template whose module, when imported by another, is made once and kept.

    Jinja compares the globals of both templates at every import, which took a tenth of a page here. No
    template of ours has globals of its own, so the answer is always the same.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


def _filled(context: EvalContext, text: str, variables: dict[str, Any]) -> str:
    """text with its placeholders filled; what is filled in is escaped where the template escapes."""
    if context.autoescape:
        return Markup(text) % variables  # noqa: S704 - our own sentence; % escapes what is filled in
    return text % variables


@lru_cache(maxsize=4096)
def _plain(name: str, message: str, autoescape: bool) -> str:
    """A sentence without placeholders in the language of that name, which is the one in force."""
    text = catalog().gettext(message)
    return Markup(text) % {} if autoescape else text % {}  # noqa: S704 - our own sentence


@pass_eval_context
def translate(context: EvalContext, message: str, /, **variables: Any) -> str:
    """_() and gettext() of templates: always a format string, as in Jinja's own newstyle gettext."""
    if not variables:
        return _plain(language(), message, context.autoescape)
    return _filled(context, catalog().gettext(message), variables)


@pass_eval_context
def translate_plural(context: EvalContext, singular: str, plural: str, num: int, /, **variables: Any) -> str:
    """ngettext() of templates; the number is %(num)s."""
    return _filled(context, catalog().ngettext(singular, plural, num), {"num": num, **variables})


def init_app(app: Flask) -> None:
    """Use them for all templates; after Flask-Babel, which brings its own."""
    app.jinja_env.template_class = ComponentTemplate
    app.jinja_env.globals.update(_=translate, gettext=translate, ngettext=translate_plural)
