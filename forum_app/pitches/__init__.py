from flask import Blueprint

blueprint = Blueprint("pitches", __name__)
