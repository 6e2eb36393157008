from flask import Blueprint

blueprint = Blueprint("organizations", __name__)
