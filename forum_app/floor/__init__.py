from flask import Blueprint

blueprint = Blueprint("floor", __name__)
