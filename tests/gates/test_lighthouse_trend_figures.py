"""The trend's promises on real series: hardly an alarm where nothing changed, and 10% found where a page is calm."""

import random
from statistics import fmean, pstdev

import lighthouse_trend as figures
import pytest


@pytest.mark.soak
@pytest.mark.data
def test_the_promises_hold_on_the_real_series(data, monkeypatch):
    monkeypatch.setenv("RELEASEGATE_DATA", str(data))
    random_ = random.Random(20261124)
    series = figures.pages()
    answers = {
        page: [figures.same(runs, random_) for _ in range(1 + 1000 // len(series))] for page, runs in series.items()
    }
    said = [word for splits in answers.values() for split in splits for word in split]
    assert sum(map(len, answers.values())) >= 1000
    assert said.count("alarm") <= 0.01 * len(said)
    calm = 0
    for page, runs in series.items():
        values = [point.metrics[figures.LCP] for point in runs if figures.LCP in point.metrics]
        if pstdev(values) < 0.05 * fmean(values):
            calm += 1
            words = [word for split in answers[page] for word in split]
            assert words.count("inconclusive") <= 0.20 * len(words), page
            assert sum(figures.found(runs, random_) for _ in range(100)) >= 90, page
    assert calm >= 5
