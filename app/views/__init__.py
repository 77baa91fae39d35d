"""Views: what is drawn beside the canvas while training runs. Each is fed by snapshots and paints."""

from app.views.arms import ArmsView
from app.views.base import View
from app.views.board_game import BoardGameView
from app.views.boundary import DecisionBoundary
from app.views.carts import CartsView
from app.views.curves import AccuracyCurve, LossCurve
from app.views.flow import FlowView
from app.views.gradient_check import GradientCheckView
from app.views.hessian import HessianView
from app.views.landscape import LandscapeView
from app.views.maze import MazeView
from app.views.saliency import SaliencyView
from app.views.score import ScoreCurve
from app.views.surface import LossSurfaceView
from app.views.weights import WeightsView

VIEWS: dict[str, type[View]] = {
    "loss": LossCurve,
    "boundary": DecisionBoundary,
    "accuracy": AccuracyCurve,
    "surface": LossSurfaceView,
    "landscape": LandscapeView,
    "weights": WeightsView,
    "flow": FlowView,
    "hessian": HessianView,
    "gradient_check": GradientCheckView,
    "saliency": SaliencyView,
    "maze": MazeView,
    "arms": ArmsView,
    "carts": CartsView,
    "score": ScoreCurve,
    "board_game": BoardGameView,
}

__all__ = [
    "VIEWS", "AccuracyCurve", "ArmsView", "BoardGameView", "CartsView", "DecisionBoundary", "FlowView",
    "GradientCheckView", "HessianView", "LandscapeView", "LossCurve", "LossSurfaceView", "MazeView",
    "SaliencyView", "ScoreCurve", "View", "WeightsView",
]  # fmt: skip
