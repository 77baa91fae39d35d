"""Views: what is drawn beside the canvas while training runs. Each is fed by snapshots and paints."""

from app.views.base import View
from app.views.boundary import DecisionBoundary
from app.views.curves import AccuracyCurve, LossCurve

VIEWS: dict[str, type[View]] = {"loss": LossCurve, "boundary": DecisionBoundary, "accuracy": AccuracyCurve}

__all__ = ["VIEWS", "AccuracyCurve", "DecisionBoundary", "LossCurve", "View"]
