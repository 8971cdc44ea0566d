"""Colours must be told apart, by people with colour-blindness too, and be read on their background."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from kanopt.pages.charts import ALARM, FAINT, INK, MUTED, PAPER, SERIES

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision deficiency",
# IEEE Trans. Vis. Comput. Graph. 15(6), severity 1, on linear RGB
VISION = {
    "normal": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
# Ottosson (2020), OKLab: from linear RGB to cones, and from their cube roots to lightness and two opponents
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_series_are_told_apart(theme: str, vision: str) -> None:
    seen = [np.clip(np.asarray(VISION[vision]) @ linear(getattr(colour, theme)), 0, 1) for colour in SERIES]
    lab = [LAB @ np.cbrt(CONES @ colour) for colour in seen]
    assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 0.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_stand_out_from_the_paper(theme: str) -> None:
    paper = getattr(PAPER, theme)
    # series colour names too, which are small
    assert all(contrast(getattr(colour, theme), paper) > 4.5 for colour in (INK, MUTED, ALARM, *SERIES))
    assert contrast(getattr(MUTED, theme), getattr(FAINT, theme)) > 4.5
