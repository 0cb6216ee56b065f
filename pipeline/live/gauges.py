"""Gauges: how the service fares, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Bounds of the histograms' buckets."""


class Gauges:
    """What is counted and measured, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.predictions = Counter(
            "moodline_predictions", "Uploads, by outcome.", ["status"], registry=self.registry
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
