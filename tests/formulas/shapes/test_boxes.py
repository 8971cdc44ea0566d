import math

import numpy as np
import pytest

from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes, concatenate


def sides(low=(0.0, -1.0), high=(8.0, 1.0), stairs=((), ()), places=((), ()), labels=(("a", "b", "c"),)):
    return BoxSides(
        ("x", "y")[: len(low)],
        np.array(low),
        np.array(high),
        tuple(np.array(edges, dtype=float) for edges in stairs)[: len(low)],
        tuple(np.array(ends, dtype=float) for ends in places)[: len(low)],
        tuple(f"kind{k}" for k in range(len(labels))),
        labels,
    )


def rows(boxes):
    return [
        (low, high, first, last)
        for low, high, first, last in zip(
            boxes.low.tolist(), boxes.high.tolist(), boxes.first.tolist(), boxes.last.tolist(), strict=True
        )
    ]


def test_the_whole_is_one_box_over_all_stairs_and_labels():
    whole = sides(stairs=((2.0, 8.0, 9.0), ())).whole()
    assert rows(whole) == [([0.0, -1.0], [8.0, 1.0], [0, 0, 0], [2, 0, 2])]
    assert whole.share.tolist() == [1.0]
    assert whole.width.tolist() == [[8.0, 2.0]]


def test_a_number_is_cut_in_the_middle_or_at_its_places():
    plain = sides(places=((7.0,), ()))
    whole = plain.whole()
    parts = plain.cut(whole, np.array([1]), 0)
    assert [(low[1], high[1]) for low, high, *_ in rows(parts)] == [(-1.0, 0.0), (0.0, 1.0)]
    assert parts.share.tolist() == [0.5, 0.5]
    parts = plain.cut(whole, np.array([0]), 0)
    assert [(low[0], high[0]) for low, high, *_ in rows(parts)] == [(0.0, 7.0), (7.0, 8.0)]
    assert parts.share.tolist() == [0.875, 0.125]


def test_the_number_in_question_is_cut_at_its_stairs_and_leaves_a_jump():
    stepped = sides(stairs=((2.0, 5.0), (0.0,)))
    parts = stepped.cut(stepped.whole(), np.array([0]), 0)
    assert rows(parts) == [
        ([0.0, -1.0], [5.0, 1.0], [0, 0, 0], [1, 1, 2]),
        ([5.0, -1.0], [8.0, 1.0], [2, 0, 0], [2, 1, 2]),
        ([5.0, -1.0], [5.0, 1.0], [1, 0, 0], [2, 1, 2]),
    ]
    assert parts.jump.tolist() == [False, False, True]
    assert parts.share.tolist() == [0.625, 0.375, 0.0]
    assert stepped.can_cut(parts, 0).tolist() == [[True, True, True], [True, True, True], [False, True, True]]
    # another number's stairs leave none
    assert not stepped.cut(stepped.whole(), np.array([1]), 0).jump.any()


def test_labels_are_cut_in_halves():
    parts = sides().cut(sides().whole(), np.array([2]), 0)
    assert [(first[2], last[2]) for *_, first, last in rows(parts)] == [(0, 1), (2, 2)]
    assert parts.share.tolist() == pytest.approx([2 / 3, 1 / 3])


def test_unbounded_sides_have_a_centre_some_way_from_their_end():
    endless = sides((0.0, -math.inf), (math.inf, math.inf))
    whole = endless.whole()
    assert whole.centre.tolist() == [[1.0, 0.0]]
    assert endless.can_cut(whole, 0).all()
    far = endless.cut(whole, np.array([0]), 0)[np.array([1])]
    assert far.centre.tolist() == [[2.0, 0.0]]
    assert far.share.tolist() == [0.5]
    low, high = endless.window()
    assert np.isfinite([low, high]).all()
    assert (low < high).all()
    points = endless.sample(50)
    assert (points.low >= low).all()
    assert (points.low <= high).all()


def test_short_sides_are_not_worth_a_cut():
    tiny = sides((0.0,), (8.0,), labels=())
    boxes = tiny.whole().at(np.array([[0.0]]))
    assert not tiny.can_cut(boxes, 0).any()
    short = FormulaBoxes(
        np.array([[1.0]]),
        np.array([[1.0 + 1e-10]]),
        np.zeros((1, 1), int),
        np.zeros((1, 1), int),
        np.zeros(1, bool),
        np.ones(1),
    )
    assert not tiny.can_cut(short, 0).any()


def test_samples_are_always_the_same_and_reach_the_corners():
    points = sides().sample(40)
    assert len(points) == 40
    assert (points.low == sides().sample(40).low).all()
    corners = points.low[:10]
    assert np.isin(corners[:, 0], [0.0, 8.0]).all()
    assert set(points.first[:, 2].tolist()) == {0, 1, 2}
    line = sides((0.0,), (8.0,), labels=()).sample(5)
    assert line.low[:, 0].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_boxes_are_taken_and_joined():
    both = concatenate([sides().whole(), sides().whole()])
    assert len(both) == 2
    assert len(both[np.array([True, False])]) == 1
