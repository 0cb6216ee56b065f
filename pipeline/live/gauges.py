"""Gauges: how the service fares, as Prometheus reads it."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.exceptions import HTTPException

from pipeline.live.messages import ClientError

SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Bounds of the histograms' buckets."""


class Gauges:
    """What is counted and measured, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.predictions = Counter(
            "moodline_predictions", "Uploads, by HTTP's status.", ["status"], registry=self.registry
        )
        self.prediction_seconds = Histogram(
            "moodline_prediction_seconds",
            "Seconds from an upload's turn to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "moodline_waiting", "Uploads that wait or are at work.", registry=self.registry
        )
        self.live = Gauge("moodline_live_sessions", "Open sockets.", registry=self.registry)
        self.latency_seconds = Histogram(
            "moodline_live_latency_seconds",
            "Seconds from the arrival of what an answer waited for to the answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.frames = Counter(
            "moodline_frames",
            "Frames that came live: judged, or dropped for a newer one.",
            ["fate"],
            registry=self.registry,
        )

    @contextmanager
    def count_prediction(self) -> Iterator[None]:
        """Count an upload by what comes of it: 500 for what nobody foresaw."""
        status = 500
        try:
            yield
            status = 200
        except ClientError as error:
            status = error.status
            raise
        except HTTPException as error:  # of the form's parser, or the gate
            status = error.status_code
            raise
        finally:
            self.predictions.labels(str(status)).inc()
