"""What counts as detected."""

from benchmark.detection import Detection, Detections, share_overtaken


def test_percentiles_are_of_the_changes_that_are_meant() -> None:
    seen = (
        Detection("Flex", 50, is_hot=True, is_followed=False),
        *(Detection("Flex", second, is_hot=True, is_followed=True) for second in (1, 2, 3)),
        Detection("Flex", 60, is_hot=False, is_followed=True),
    )
    detections = Detections("some", seen, overtaken=5)

    assert detections.percentiles() == (2, 50)
    assert detections.percentiles(followed=True) == (2, 3)
    assert detections.seconds(hot=False) == [60]
    assert share_overtaken(detections) == 0.5
