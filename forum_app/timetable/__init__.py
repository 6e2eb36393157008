from flask import Blueprint

blueprint = Blueprint("timetable", __name__)
