"""Sentences in the reader's language: as Flask-Babel's functions, but looked up once per language.

Flask-Babel finds locale, domain and catalog anew for each sentence, and a page has a hundred of them.
"""

from gettext import NullTranslations
from typing import Any

from flask_babel import force_locale, get_translations
from flask_babel.speaklater import LazyString

from forum_app.web.languages import language

_catalogs: dict[str, NullTranslations] = {}


def catalog() -> NullTranslations:
    """Texts of the language in force; needs an application context."""
    name = language()
    if name not in _catalogs:
        with force_locale(name):
            _catalogs[name] = get_translations()
    return _catalogs[name]


def gettext(message: str, /, **variables: Any) -> str:
    """message in the language in force, its named placeholders filled if there are variables."""
    text = catalog().gettext(message)
    return text % variables if variables else text


def ngettext(singular: str, plural: str, num: int, /, **variables: Any) -> str:
    """The form for num, which is %(num)s."""
    return catalog().ngettext(singular, plural, num) % {"num": num, **variables}


def lazy_gettext(message: str, /, **variables: Any) -> LazyString:
    """gettext() at the moment of use: for forms and class level."""
    return LazyString(gettext, message, **variables)
