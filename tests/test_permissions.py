"""Who may come in where: every route times every role, in one table.

A row is "METHOD endpoint": one word per role, in the order of the heading. A number is the status of
the answer (302 in the first column: sent to sign in). For a POST without any field "in" says that
the person was let in, whatever came of it (done, 409, 422); 403 and 404 are refusals. A route without a
row fails, and so does a row without a route.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.routing import Rule

from forum_app.accounts.models import User
from forum_app.accounts.sign_in import SECRET
from forum_app.db import db, transaction
from forum_app.events.models import Visibility
from forum_app.events.queries import get_event_by_slug
from tests.conftest import TestDatabase
from tests.world import ROLES, build, token_of

FEATURES: dict[str, dict[str, str]] = {}

# One dictionary per feature; the words of a row stand in the order of tests.world.ROLES.
# fmt: off
FEATURES["web"] = {
    #                  anon attd memb repr revw vett chck orga othr admn
    "GET web.healthz": "200  200  200  200  200  200  200  200  200  200",
    "GET web.readyz":  "200  200  200  200  200  200  200  200  200  200",
    "GET web.metrics": "200  200  200  200  200  200  200  200  200  200",
    "GET web.style":   "200  200  200  200  200  200  200  200  200  200",
}

FEATURES["audit"] = {
    #                  anon attd memb repr revw vett chck orga othr admn
    "GET audit.index": "302  403  403  403  403  403  403  403  403  200",
}

FEATURES["mail"] = {
    #                        anon attd memb repr revw vett chck orga othr admn
    "GET mail.dev_index":    "404  404  404  404  404  404  404  404  404  404",
    "GET mail.dev_show":     "404  404  404  404  404  404  404  404  404  404",
    "GET mail.manage_index": "302  403  403  403  403  403  403  403  403  200",
    "GET mail.manage_show":  "302  403  403  403  403  403  403  403  403  200",
    "POST mail.resend":      "302  403  403  403  403  403  403  403  403  in",
    # whoever holds a mail's link may; tests/mail/test_leaving.py
    "GET mail.leave":        "404  404  404  404  404  404  404  404  404  404",
    "POST mail.leave":       "404  404  404  404  404  404  404  404  404  404",
}

FEATURES["reminders"] = {
    #                        anon attd memb repr revw vett chck orga othr admn
    "GET reminders.choose":  "302  200  200  200  200  200  200  200  200  200",
    "POST reminders.choose": "302  in   in   in   in   in   in   in   in   in",
}

FEATURES["accounts"] = {
    #                                   anon attd memb repr revw vett chck orga othr admn
    "GET accounts.sign_up":             "200  302  302  302  302  302  302  302  302  302",
    "POST accounts.sign_up":            "in   in   in   in   in   in   in   in   in   in",
    "GET accounts.mail_sent":           "302  302  302  302  302  302  302  302  302  302",
    "GET accounts.confirm":             "404  302  302  302  302  302  302  302  302  302",
    "POST accounts.confirm":            "404  in   in   in   in   in   in   in   in   in",
    "GET accounts.sign_in":             "200  302  302  302  302  302  302  302  302  302",
    "POST accounts.sign_in":            "in   in   in   in   in   in   in   in   in   in",
    "GET accounts.sign_out":            "302  200  200  200  200  200  200  200  200  200",
    "POST accounts.sign_out":           "in   in   in   in   in   in   in   in   in   in",
    "GET accounts.forgot":              "200  200  200  200  200  200  200  200  200  200",
    "POST accounts.forgot":             "in   in   in   in   in   in   in   in   in   in",
    "GET accounts.reset":               "404  302  302  302  302  302  302  302  302  302",
    "POST accounts.reset":              "404  in   in   in   in   in   in   in   in   in",
    "GET accounts.account":             "302  200  200  200  200  200  200  200  200  200",
    "POST accounts.account":            "302  in   in   in   in   in   in   in   in   in",
    "GET accounts.password":            "302  200  200  200  200  200  200  200  200  200",
    "POST accounts.password":           "302  in   in   in   in   in   in   in   in   in",
    "GET accounts.email":               "302  200  200  200  200  200  200  200  200  200",
    "POST accounts.email":              "302  in   in   in   in   in   in   in   in   in",
    "GET accounts.confirm_email":       "404  302  302  302  302  302  302  302  302  302",
    "POST accounts.confirm_email":      "404  in   in   in   in   in   in   in   in   in",
    "GET accounts.session_list":        "302  200  200  200  200  200  200  200  200  200",
    "POST accounts.end_session":        "302  in   404  404  404  404  404  404  404  404",
    "POST accounts.end_other_sessions": "302  in   in   in   in   in   in   in   in   in",
}

FEATURES["organizations"] = {
    #                                anon attd memb repr revw vett chck orga othr admn
    "GET organizations.index":       "200  200  200  200  200  200  200  200  200  200",
    "GET organizations.show":        "200  200  200  200  200  200  200  200  200  200",
    "GET organizations.create":      "302  200  200  200  200  200  200  200  200  200",
    "POST organizations.create":     "302  in   in   in   in   in   in   in   in   in",
    "GET organizations.twins":       "302  200  200  200  200  200  200  200  200  200",
    "GET organizations.edit":        "302  403  403  200  403  403  403  403  403  200",
    "POST organizations.edit":       "302  403  403  in   403  403  403  403  403  in",
    "GET organizations.join":        "302  200  200  200  200  200  200  200  200  200",
    "POST organizations.join":       "302  in   in   in   in   in   in   in   in   in",
    "GET organizations.members":     "302  403  200  200  403  403  403  403  403  200",
    "POST organizations.members":    "302  403  403  in   403  403  403  403  403  in",
    "POST organizations.accept":     "302  403  403  in   403  403  403  403  403  in",
    "POST organizations.decline":    "302  403  403  in   403  403  403  403  403  in",
    "POST organizations.role":       "302  403  403  in   403  403  403  403  403  in",
    "POST organizations.end":        "302  403  403  in   403  403  403  403  403  in",
    "GET organizations.exclusions":            "302  404  404  200  404  404  404  404  404  200",
    "POST organizations.exclusions":           "302  404  404  in   404  404  404  404  404  in",
    "GET organizations.edit_exclusion":        "302  404  404  200  404  404  404  404  404  200",
    "POST organizations.edit_exclusion":       "302  404  404  in   404  404  404  404  404  in",
    "POST organizations.remove_exclusion_rule": "302  404  404  in   404  404  404  404  404  in",
    "GET organizations.invitation":  "302  404  404  404  404  404  404  404  404  404",
    "POST organizations.invitation": "302  404  404  404  404  404  404  404  404  404",
}

FEATURES["events"] = {
    #                            anon attd memb repr revw vett chck orga othr admn
    "GET events.home":           "200  200  200  200  200  200  200  200  200  200",
    "GET events.index":          "200  200  200  200  200  200  200  200  200  200",
    "GET events.show":           "200  200  200  200  200  200  200  200  200  200",
    "GET events.create":         "302  403  403  403  403  403  403  403  403  200",
    "POST events.create":        "302  403  403  403  403  403  403  403  403  in",
    "GET events.series":         "302  403  403  403  403  403  403  403  403  200",
    "POST events.series":        "302  403  403  403  403  403  403  403  403  in",
    "GET events.edit_series":    "302  403  403  403  403  403  403  403  403  200",
    "POST events.edit_series":   "302  403  403  403  403  403  403  403  403  in",
    "POST events.remove_series": "302  403  403  403  403  403  403  403  403  in",
    "GET events.manage":         "302  403  403  403  200  200  200  200  403  200",
    "POST events.publish":       "302  403  403  403  403  403  403  in   403  in",
    "POST events.unpublish":     "302  403  403  403  403  403  403  in   403  in",
    "GET events.edit":           "302  403  403  403  403  403  403  200  403  200",
    "POST events.edit":          "302  403  403  403  403  403  403  in   403  in",
    "GET events.texts":          "302  403  403  403  403  403  403  200  403  200",
    "POST events.texts":         "302  403  403  403  403  403  403  in   403  in",
    "GET events.rooms":          "302  403  403  403  403  403  403  200  403  200",
    "POST events.rooms":         "302  403  403  403  403  403  403  in   403  in",
    "GET events.room":           "302  403  403  403  403  403  403  200  403  200",
    "POST events.room":          "302  403  403  403  403  403  403  in   403  in",
    "POST events.order_room":    "302  403  403  403  403  403  403  in   403  in",
    "POST events.remove_room":   "302  403  403  403  403  403  403  in   403  in",
    "GET events.tracks":         "302  403  403  403  403  403  403  200  403  200",
    "POST events.tracks":        "302  403  403  403  403  403  403  in   403  in",
    "GET events.track":          "302  403  403  403  403  403  403  200  403  200",
    "POST events.track":         "302  403  403  403  403  403  403  in   403  in",
    "POST events.order_track":   "302  403  403  403  403  403  403  in   403  in",
    "POST events.remove_track":  "302  403  403  403  403  403  403  in   403  in",
    "GET events.mail":           "302  403  403  403  403  403  403  200  403  200",
    "GET events.mail_show":      "302  403  403  403  403  403  403  200  403  200",
    "POST events.mail_resend":   "302  403  403  403  403  403  403  in   403  in",
    "GET events.roles":          "302  403  403  403  403  403  403  200  403  200",
    "POST events.roles":         "302  403  403  403  403  403  403  in   403  in",
    "POST events.revoke":        "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["registration"] = {
    #                                    anon attd memb repr revw vett chck orga othr admn
    "GET registration.register":         "302  302  302  302  200  200  200  200  200  200",
    "POST registration.register":        "302  in   in   in   in   in   in   in   in   in",
    "GET registration.mine":             "302  200  200  200  302  302  302  302  302  302",
    "GET registration.edit_mine":        "302  200  200  200  404  404  404  404  404  404",
    "POST registration.edit_mine":       "302  in   in   in   404  404  404  404  404  404",
    "GET registration.cancel_mine":      "302  200  200  200  404  404  404  404  404  404",
    "POST registration.cancel_mine":     "302  in   in   in   404  404  404  404  404  404",
    "GET registration.ticket":           "302  200  200  200  302  302  302  302  302  302",
    "GET registration.ticket_svg":       "302  200  200  200  404  404  404  404  404  404",
    "GET registration.manage_index":     "302  403  403  403  403  200  403  200  403  200",
    "GET registration.manage_csv":       "302  403  403  403  403  403  403  200  403  200",
    "POST registration.manage_approve":  "302  403  403  403  403  in   403  in   403  in",
    "POST registration.manage_no_shows": "302  403  403  403  403  403  403  in   403  in",
    "GET registration.vetting":          "302  403  403  403  403  302  403  302  403  302",
    "GET registration.manage_show":      "302  403  403  403  403  200  403  200  403  200",
    "POST registration.manage_decide":   "302  403  403  403  403  in   403  in   403  in",
    "POST registration.manage_note":     "302  403  403  403  403  in   403  in   403  in",
    "POST registration.manage_move":     "302  403  403  403  403  403  403  in   403  in",
    "GET registration.manage_invite":    "302  403  403  403  403  403  403  200  403  200",
    "POST registration.manage_invite":   "302  403  403  403  403  403  403  in   403  in",
    "GET registration.check_in":         "302  403  403  403  403  403  200  200  403  200",
    "POST registration.admit":           "302  403  403  403  403  403  in   in   403  in",
    "POST registration.undo":            "302  403  403  403  403  403  in   in   403  in",
    "GET registration.types":            "302  403  403  403  403  403  403  200  403  200",
    "GET registration.type_new":         "302  403  403  403  403  403  403  200  403  200",
    "POST registration.type_new":        "302  403  403  403  403  403  403  in   403  in",
    "GET registration.type_edit":        "302  403  403  403  403  403  403  200  403  200",
    "POST registration.type_edit":       "302  403  403  403  403  403  403  in   403  in",
    "POST registration.type_delete":     "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["agenda"] = {
    #                                    anon attd memb repr revw vett chck orga othr admn
    "GET agenda.show":                   "200  200  200  200  200  200  200  200  200  200",
    "GET agenda.item":                   "200  200  200  200  200  200  200  200  200  200",
    "POST agenda.bookmark":              "302  in   in   in   in   in   in   in   in   in",
    "POST agenda.remove_from_programme": "302  in   in   in   in   in   in   in   in   in",
    "GET agenda.schedule_xml":           "200  200  200  200  200  200  200  200  200  200",
    "GET agenda.schedule_json":          "200  200  200  200  200  200  200  200  200  200",
    "GET agenda.manage_index":           "302  403  403  403  403  403  403  200  403  200",
    "GET agenda.clashes_now":            "302  403  403  403  403  403  403  200  403  200",
    "GET agenda.create":                 "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.create":                "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.manage_item":            "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.manage_item":           "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.move":                   "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.move":                  "302  403  403  403  403  403  403  in   403  in",
    "POST agenda.remove":                "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.speakers":               "302  403  403  403  403  403  403  200  403  200",
    "GET agenda.new_speaker":            "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.new_speaker":           "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.edit_speaker":           "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.edit_speaker":          "302  403  403  403  403  403  403  in   403  in",
    "POST agenda.delete_speaker":        "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.invitations":            "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.invitations":           "302  403  403  403  403  403  403  404  403  404",
    "GET agenda.publish":                "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.publish":               "302  403  403  403  403  403  403  in   403  in",
    "GET agenda.versions":               "302  403  403  403  403  403  403  200  403  200",
    "GET agenda.import_file":            "302  403  403  403  403  403  403  200  403  200",
    "POST agenda.import_file":           "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["freebusy"] = {
    #                            anon attd memb repr revw vett chck orga othr admn
    "GET freebusy.index":        "302  200  200  200  403  403  403  403  403  403",
    "POST freebusy.upload":      "302  in   in   in   403  403  403  403  403  403",
    "POST freebusy.subscribe":   "302  in   in   in   403  403  403  403  403  403",
    "POST freebusy.read_again":  "302  404  404  in   403  403  403  403  403  403",
    "POST freebusy.remove":      "302  404  404  in   403  403  403  403  403  403",
}

FEATURES["pitches"] = {
    #                                          anon attd memb repr revw vett chck orga othr admn
    "GET pitches.index":                       "200  200  200  200  200  200  200  200  200  200",
    "GET pitches.submit":                      "302  200  302  302  200  200  200  200  200  200",
    "POST pitches.submit":                     "302  in   in   in   in   in   in   in   in   in",
    "GET pitches.show":                        "302  404  200  200  302  404  404  302  404  302",
    "GET pitches.edit":                        "302  404  200  200  404  404  404  404  404  404",
    "POST pitches.edit":                       "302  404  in   in   404  404  404  404  404  404",
    "GET pitches.withdraw":                    "302  404  200  200  404  404  404  404  404  404",
    "POST pitches.withdraw":                   "302  404  in   in   404  404  404  404  404  404",
    "GET pitches.deck":                        "302  404  200  200  200  404  404  200  404  200",
    "GET pitches.review_index":                "302  403  403  403  200  403  403  200  403  200",
    "GET pitches.review":                      "302  403  403  403  200  403  403  200  403  200",
    "POST pitches.review":                     "302  403  403  403  in   403  403  in   403  in",
    "POST pitches.stand_aside":                "302  403  403  403  in   403  403  in   403  in",
    "POST pitches.take_back":                  "302  403  403  403  in   403  403  in   403  in",
    "GET pitches.manage_index":                "302  403  403  403  403  403  403  200  403  200",
    "POST pitches.decide_chosen":              "302  403  403  403  403  403  403  in   403  in",
    "GET pitches.manage_show":                 "302  403  403  403  403  403  403  200  403  200",
    "POST pitches.decide_one":                 "302  403  403  403  403  403  403  in   403  in",
    "POST pitches.place":                      "302  403  403  403  403  403  403  in   403  in",
    "GET pitches.manage_call":                 "302  403  403  403  403  403  403  200  403  200",
    "POST pitches.manage_call":                "302  403  403  403  403  403  403  in   403  in",
    "POST pitches.add_criterion_to_call":      "302  403  403  403  403  403  403  in   403  in",
    "GET pitches.criterion":                   "302  403  403  403  403  403  403  200  403  200",
    "POST pitches.criterion":                  "302  403  403  403  403  403  403  in   403  in",
    "POST pitches.remove_criterion_from_call": "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["floor"] = {
    #                         anon attd memb repr revw vett chck orga othr admn
    "GET floor.day":          "302  200  200  200  403  403  403  403  403  403",
    "GET floor.board":        "302  200  200  200  200  200  200  200  403  200",
    "POST floor.mark":        "302  in   404  in   404  404  in   in   404  in",
    "POST floor.answer_offer": "302  in   404  in   404  404  in   in   404  in",
    "GET floor.manage_index": "302  403  403  403  403  403  200  200  403  200",
}

FEATURES["outcomes"] = {
    #                            anon attd memb repr revw vett chck orga othr admn
    "GET outcomes.index":        "302  200  200  200  403  403  403  403  403  403",
    "GET outcomes.note":         "302  200  404  200  404  404  404  404  404  404",
    "POST outcomes.note":        "302  in   404  in   404  404  404  404  404  404",
    "GET outcomes.manage_index": "302  403  403  403  403  403  403  200  403  200",
    "GET outcomes.manage_csv":   "302  403  403  403  403  403  403  200  403  200",
}

FEATURES["meetings"] = {
    #                                   anon attd memb repr revw vett chck orga othr admn
    "GET meetings.index":               "302  200  200  200  403  403  403  200  403  200",
    "GET meetings.request":             "302  200  200  200  403  403  403  403  403  403",
    "POST meetings.request":            "302  in   in   in   403  403  403  403  403  403",
    "GET meetings.answer":              "302  200  404  200  404  404  404  200  404  200",
    "POST meetings.accept":             "302  in   404  in   404  404  404  in   404  in",
    "POST meetings.agree":              "302  in   404  403  404  404  404  in   404  in",
    "POST meetings.decline":            "302  in   404  403  404  404  404  in   404  in",
    "POST meetings.withdraw":           "302  403  404  in   404  404  404  in   404  in",
    "GET meetings.cancel":              "302  200  404  200  404  404  404  200  404  200",
    "POST meetings.cancel":             "302  in   404  in   404  404  404  in   404  in",
    "GET meetings.office_hours":        "302  200  200  200  403  403  403  403  403  403",
    "POST meetings.office_hours":       "302  in   in   in   403  403  403  403  403  403",
    "POST meetings.remove_hours":       "302  in   404  404  404  404  404  in   404  in",
    "GET meetings.directory":           "302  200  200  200  200  200  200  200  403  200",
    "GET meetings.suggestions":         "302  200  200  200  403  403  403  403  403  403",
    "GET meetings.manage_suggestions":  "302  403  403  403  403  403  403  200  403  200",
    "GET meetings.manage_held_up":      "302  403  403  403  403  200  403  200  403  200",
    "GET meetings.person":              "302  200  200  200  200  200  200  200  403  200",
    "POST meetings.mark":               "302  in   in   in   403  403  403  403  403  403",
    "POST meetings.unmark":             "302  in   in   in   403  403  403  403  403  403",
    "POST meetings.no_thanks":          "302  in   in   in   403  403  403  403  403  403",
    "POST meetings.allow":              "302  in   in   in   403  403  403  403  403  403",
    "GET meetings.book":                "302  302  302  302  403  403  403  403  403  403",
    "POST meetings.book":               "302  in   in   in   403  403  403  403  403  403",
    "GET meetings.profile":             "302  200  200  200  403  403  403  403  403  403",
    "POST meetings.profile":            "302  in   in   in   403  403  403  403  403  403",
    "GET meetings.manage_index":        "302  403  403  403  403  403  403  200  403  200",
    "GET meetings.manage_requests":     "302  403  403  403  403  403  403  200  403  200",
    "GET meetings.manage_hosts":        "302  403  403  403  403  403  403  200  403  200",
    "GET meetings.manage_settings":     "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.manage_settings":    "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.manage_limits":      "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.manage_bars":        "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.remove_bar":         "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.move":                "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.move":               "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.manage_tables":       "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.manage_tables":      "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.edit_table":          "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.edit_table":         "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.delete_table":       "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.add_table_hours":    "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.delete_table_hours": "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.manage_interpreters": "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.manage_interpreters": "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.edit_interpreter":    "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.edit_interpreter":   "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.delete_interpreter": "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.add_interpreter_hours": "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.delete_interpreter_hours": "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.manage_times":        "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.manage_times":       "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.edit_times":          "302  403  403  403  403  403  403  200  403  200",
    "POST meetings.edit_times":         "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.delete_times":       "302  403  403  403  403  403  403  in   403  in",
    "POST meetings.copy_times":         "302  403  403  403  403  403  403  in   403  in",
    "GET meetings.absences":            "302  200  200  200  403  403  403  403  403  403",
    "POST meetings.absences":           "302  in   in   in   403  403  403  403  403  403",
    "POST meetings.remove_absence":     "302  404  404  in   404  404  404  in   404  in",
}

FEATURES["messages"] = {
    #                                 anon attd memb repr revw vett chck orga othr admn
    "GET messages.index":             "302  403  403  403  403  403  403  200  403  200",
    "GET messages.create":            "302  403  403  403  403  403  403  200  403  200",
    "POST messages.create":           "302  403  403  403  403  403  403  in   403  in",
    "GET messages.count":             "302  403  403  403  403  403  403  200  403  200",
    "GET messages.show":              "302  403  403  403  403  403  403  200  403  200",
    "GET messages.edit":              "302  403  403  403  403  403  403  200  403  200",
    "POST messages.edit":             "302  403  403  403  403  403  403  in   403  in",
    "GET messages.progress":          "302  403  403  403  403  403  403  200  403  200",
    "POST messages.test":             "302  403  403  403  403  403  403  in   403  in",
    "POST messages.send":             "302  403  403  403  403  403  403  in   403  in",
    "POST messages.copy":             "302  403  403  403  403  403  403  in   403  in",
    "POST messages.delete":           "302  403  403  403  403  403  403  in   403  in",
    "GET messages.texts":             "302  403  403  403  403  403  403  200  403  200",
    "GET messages.text":              "302  403  403  403  403  403  403  200  403  200",
    "POST messages.text":             "302  403  403  403  403  403  403  in   403  in",
    "POST messages.reset_text":       "302  403  403  403  403  403  403  in   403  in",
    "POST messages.send_text_test":   "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["timetable"] = {
    #                              anon attd memb repr revw vett chck orga othr admn
    "GET timetable.manage_index":  "302  403  403  403  403  403  403  200  403  200",
    "POST timetable.manage_index": "302  403  403  403  403  403  403  in   403  in",
    "GET timetable.run":           "302  403  403  403  403  403  403  200  403  200",
    "GET timetable.progress":      "302  403  403  403  403  403  403  200  403  200",
    "POST timetable.stop":         "302  403  403  403  403  403  403  in   403  in",
    "POST timetable.resume":       "302  403  403  403  403  403  403  in   403  in",
    "GET timetable.compare":       "302  403  403  403  403  403  403  200  403  200",
    "GET timetable.publish":       "302  403  403  403  403  403  403  200  403  200",
    "POST timetable.publish":      "302  403  403  403  403  403  403  in   403  in",
    "GET timetable.people":        "302  403  403  403  403  403  403  200  403  200",
    "GET timetable.tables":        "302  403  403  403  403  403  403  200  403  200",
    "GET timetable.repair":        "302  403  403  403  403  403  403  200  403  200",
    "POST timetable.repair":       "302  403  403  403  403  403  403  in   403  in",
    "GET timetable.meeting":       "302  403  403  403  403  403  403  200  403  200",
    "POST timetable.meeting":      "302  403  403  403  403  403  403  in   403  in",
    "POST timetable.pin":          "302  403  403  403  403  403  403  in   403  in",
}

FEATURES["calendars"] = {
    #                           anon attd memb repr revw vett chck orga othr admn
    "GET calendars.agenda_ics": "200  200  200  200  200  200  200  200  200  200",
    "GET calendars.item_ics":   "200  200  200  200  200  200  200  200  200  200",
    "GET calendars.feed":       "404  404  404  404  404  404  404  404  404  404",
    "GET calendars.manage":     "302  200  200  200  200  200  200  200  200  200",
    "POST calendars.manage":    "302  in   in   in   in   in   in   in   in   in",
    "POST calendars.revoke":    "302  in   404  404  404  404  404  404  404  404",
    "GET calendars.edit":       "302  200  404  404  404  404  404  404  404  404",
    "POST calendars.edit":      "302  in   404  404  404  404  404  404  404  404",
    # the address of the world is a person's, so it is not there for organizers
    "GET calendars.manage_event":     "302  403  403  403  403  403  403  200  403  200",
    "POST calendars.manage_event":    "302  403  403  403  403  403  403  in   403  in",
    "POST calendars.revoke_of_event": "302  403  403  403  403  403  403  404  403  404",
}

FEATURES["invitations"] = {
    #                                anon attd memb repr revw vett chck orga othr admn
    "GET invitations.mine":         "302  200  200  200  200  200  200  200  200  200",
    "POST invitations.choose":      "302  in   in   in   in   in   in   in   in   in",
    "GET invitations.manage_index": "302  403  403  403  403  403  403  200  403  200",
}

FEATURES["history"] = {
    #                   anon attd memb repr revw vett chck orga othr admn
    "GET history.show": "200  200  200  200  200  200  200  200  200  200",
    "GET history.csv":  "200  200  200  200  200  200  200  200  200  200",
}
# fmt: on

# Where a path names something else than the first of its kind.
ARGUMENTS: dict[str, dict[str, str]] = {
    "meetings.request": {"registration_id": "host_registration_id"},
    "meetings.person": {"registration_id": "host_registration_id"},
    "meetings.mark": {"registration_id": "host_registration_id"},
    "meetings.unmark": {"registration_id": "host_registration_id"},
    "meetings.no_thanks": {"registration_id": "host_registration_id"},
    "meetings.allow": {"registration_id": "host_registration_id"},
    "meetings.book": {"registration_id": "host_registration_id"},
    "outcomes.note": {"meeting_id": "held_meeting_id"},
    "floor.mark": {"meeting_id": "held_meeting_id"},
    "registration.admit": {"registration_id": "seated_registration_id"},
    "registration.undo": {"registration_id": "seated_registration_id"},
}
ORGANIZATION_PATHS = "/organizations/"


class World:
    """The filled database and the values of path arguments."""

    def __init__(self, database: TestDatabase, arguments: Mapping[str, object]) -> None:
        self.database = database
        self.arguments = arguments
        self.changed = True

    def path(self, rule: Rule) -> str:
        """Address of the route for the world's objects."""
        values = {
            name: self.arguments[ARGUMENTS.get(rule.endpoint, {}).get(name, name)] for name in rule.arguments
        }
        if rule.rule.startswith(ORGANIZATION_PATHS) and "slug" in values:
            values["slug"] = "acme"
        with self.database.app.test_request_context():
            adapter = self.database.app.url_map.bind("localhost")
            return adapter.build(rule.endpoint, values)

    def outcome(self, rule: Rule, method: str, role: str) -> str:
        """What role gets; every request meets the same world."""
        if self.changed:
            self.database.reset()
            self.changed = False
        client = self.database.app.test_client()
        if role != "anonymous":
            with client.session_transaction() as session:
                session[SECRET] = token_of(role)
                session["_user_id"] = str(self.arguments[f"id of {role}"])
                session["_fresh"] = True
        answer = client.open(self.path(rule), method=method)
        if answer.status_code == 302 and answer.location.startswith("/sign-in"):
            return "302"
        if method == "POST" and answer.status_code in (200, 302, 303, 409, 422):
            self.changed = True
            return "in"
        return str(answer.status_code)


@pytest.fixture(scope="module")
def world(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world as the database's pristine state, for the tests of this module."""
    database.reset()
    with database.app.app_context():
        arguments = build(database.app)
        for role in ROLES[1:]:
            user = db.session.scalars(select(User).where(User.email == f"{role}@forum.example")).one()
            arguments[f"id of {role}"] = user.id
        db.session.remove()
        db.engine.dispose()
    pristine = database.template
    database.template = Path(tmp_path_factory.mktemp("world")) / "world.sqlite3"
    shutil.copyfile(database.path, database.template)
    yield World(database, arguments)
    database.template = pristine


def routes(database: TestDatabase) -> dict[str, tuple[Rule, str]]:
    """All routes but static files, by row name."""
    found = {}
    for rule in database.app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                found[f"{method} {rule.endpoint}"] = (rule, method)
    return found


def test_every_route_has_its_row(database: TestDatabase) -> None:
    rows = [row for table in FEATURES.values() for row in table]
    assert sorted(rows) == sorted(routes(database))


@pytest.mark.parametrize("feature", FEATURES)
def test_who_may_come_in(world: World, feature: str) -> None:
    known = routes(world.database)
    actual = {
        row: " ".join(f"{world.outcome(*known[row], role):4}" for role in ROLES).strip()
        for row in FEATURES[feature]
        if row in known
    }
    expected = {
        row: " ".join(f"{word:4}" for word in FEATURES[feature][row].split()).strip() for row in actual
    }
    assert actual == expected


HIDDEN = {
    # what the event is: who must not learn that it exists
    "closed": ("anonymous", "other_organizer"),
    "draft": ("anonymous", "attendee", "member", "representative", "other_organizer"),
}


@pytest.mark.parametrize("state", HIDDEN)
def test_a_hidden_event_answers_as_if_it_were_not_there(world: World, state: str) -> None:
    world.database.reset()
    with world.database.app.app_context(), transaction():
        event = get_event_by_slug("forum")
        if state == "closed":
            event.visibility = Visibility.CLOSED
        else:
            event.published_at = None
    world.changed = False
    told = {}
    for row, (rule, method) in routes(world.database).items():
        if rule.rule.startswith("/events/<slug>/"):
            outcomes = {role: world.outcome(rule, method, role) for role in HIDDEN[state]}
            expected = {"404", "302"} if outcomes["anonymous"] == "302" else {"404"}
            if not set(outcomes.values()) <= expected or "302" in list(outcomes.values())[1:]:
                told[row] = outcomes
    world.changed = True
    assert not told
