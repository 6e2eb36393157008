from flask import Blueprint

blueprint = Blueprint("freebusy", __name__)
