"""Meetings into slots, tables and interpreters: the largest weight first, then the fewest breaks.

Nothing here imports a solver library by itself: `problem`, `reading` and `checker` are light, so that the
web process can use them. `solver` and what lies below it load OR-Tools and python-sat; they are meant for
a process of their own (`python -m forum_app.core.scheduling`).
"""
