"""Optimizers with a pace for each parameter, as the texts and their papers print them; momentum as libraries keep it."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import Case, Draw, Drawing, reference
from tests.references.updates import adam_update, stepping


def rooted(walking: int, settings: int) -> Drawing:
    """As `stepping`, with ε in either place."""
    plain = stepping(walking, settings)

    def drawing(draw: Draw, primitive: Primitive) -> Case:
        return plain(draw, primitive)._replace(attributes=draw(st.sampled_from([{}, {"outside": True}])))

    return drawing


def root(square, epsilon, outside):
    return np.sqrt(square) + epsilon if outside else np.sqrt(square + epsilon)


@reference("adagrad_update", rooted(3, 2))
def adagrad_update(w, g, a, rate, epsilon, outside=False):
    a = a + g**2
    return w - rate / root(a, epsilon, outside) * g, a


@reference("rmsprop_update", rooted(3, 3))
def rmsprop_update(w, g, a, rate, rho, epsilon, outside=False):
    a = rho * a + (1 - rho) * g**2
    return w - rate / root(a, epsilon, outside) * g, a


@reference("rmsprop_nesterov_update", rooted(4, 4))
def rmsprop_nesterov_update(w, g, a, v, rate, rho, beta, epsilon, outside=False):
    """The book's own form: w stands for W + βV, and the gradient was taken there."""
    book_w = w - beta * v
    a = rho * a + (1 - rho) * g**2
    v = beta * v - rate / root(a, epsilon, outside) * g
    book_w = book_w + v
    return book_w + beta * v, a, v


@reference("adadelta_update", stepping(4, 3))
def adadelta_update(w, g, a, d, rate, rho, epsilon):
    a = rho * a + (1 - rho) * g**2
    change = np.sqrt((d + epsilon) / (a + epsilon)) * g
    return w - rate * change, a, rho * d + (1 - rho) * change**2


@reference("adam_text_update", stepping(4, 6))
def adam_text_update(w, g, f, a, rate, rho_f, rho, epsilon, rho_f_to_t, rho_to_t):
    f = rho_f * f + (1 - rho_f) * g
    a = rho * a + (1 - rho) * g**2
    return w - rate * np.sqrt(1 - rho_to_t) / (1 - rho_f_to_t) / np.sqrt(a + epsilon) * f, f, a


@reference("adamw_update", stepping(4, 7))
def adamw_update(w, g, m, v, rate, beta1, beta2, epsilon, beta1_to_t, beta2_to_t, decay):
    stepped, m, v = adam_update(w * (1 - rate * decay), g, m, v, rate, beta1, beta2, epsilon, beta1_to_t, beta2_to_t)
    return stepped, m, v


@reference("delta_bar_delta_update", stepping(4, 4))
def delta_bar_delta_update(w, g, pace, trace, rate, kappa, phi, theta):
    """The rate of each parameter is a multiple of the one that was set: what is added to it is so much of that."""
    agreed = trace * g
    pace = np.where(agreed > 0, pace + kappa / rate, np.where(agreed < 0, pace * (1 - phi), pace))
    return w - rate * pace * g, pace, (1 - theta) * g + theta * trace


@reference("gradient_momentum_update", stepping(3, 2))
def gradient_momentum_update(w, g, v, rate, momentum):
    v = momentum * v + g
    return w - rate * v, v


@reference("gradient_nesterov_update", stepping(3, 2))
def gradient_nesterov_update(w, g, v, rate, momentum):
    v = momentum * v + g
    return w - rate * (g + momentum * v), v
