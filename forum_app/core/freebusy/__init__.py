"""Busy time out of an iCalendar file: bytes, a zone and a window in; merged UTC intervals out.

Read by the text of RFC 5545 (with 5546 2.1.5, 7529 and 7953), not by a library: the known ones differ from
it in a quarter of the awkward cases. docs/decisions/0012 tells where the text leaves a choice, and which
was taken. Nothing but times is looked at; titles, places and people never leave the parser.
"""
