"""Figures of the forum for operators: features add what they count, /metrics shows it.

Counted when asked, with one statement each, and kept for some seconds: whoever may read them may ask often.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from forum_app.db import db
from forum_app.queue import queue

KEPT_SECONDS = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge. read: numbers by the value of label; one number under "" when there is no label."""

    name: str
    words: str
    label: str
    read: Callable[[], Mapping[str, int]]

    def metric(self) -> Metric:
        """The numbers of now."""
        numbers = self.read()
        if not self.label:
            return GaugeMetricFamily(self.name, self.words, value=numbers[""])
        family = GaugeMetricFamily(self.name, self.words, labels=[self.label])
        for value, number in sorted(numbers.items()):
            family.add_metric([value], number)
        return family


@dataclass(slots=True)
class Figures:
    """All figures, in the order in which they were added."""

    known: list[Figure] = field(default_factory=list)
    _text: bytes = b""
    _until: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def add(self, name: str, words: str, *, label: str = "", read: Callable[[], Mapping[str, int]]) -> None:
        """A figure more; words: one English sentence."""
        self.known.append(Figure(name, words, label, read))

    def collect(self) -> Iterable[Metric]:
        """What can be counted; what cannot is logged and left out, for the rest is wanted all the more."""
        for figure in self.known:
            try:
                yield figure.metric()
            except Exception:
                db.session.rollback()
                log.exception("no figure for %s", figure.name)

    def text(self, *, kept_seconds: float = KEPT_SECONDS) -> bytes:
        """In Prometheus' format, at most some seconds old."""
        with self._lock:
            if time.monotonic() >= self._until:
                registry = CollectorRegistry()
                registry.register(_Ready(list(self.collect())))
                self._text = generate_latest(registry)
                self._until = time.monotonic() + kept_seconds
            return self._text


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    metrics: list[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


figures = Figures()
figures.add("forum_jobs_waiting", "Jobs in the queue.", read=lambda: {"": queue.pending()})
