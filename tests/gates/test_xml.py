"""XML from strangers: what is in memory at once is bounded, whatever the file's elements are."""

import pytest

from releasegate.errors import InconclusiveError
from releasegate.gates import xml


def test_only_so_many_elements_are_in_memory_at_once(monkeypatch):
    monkeypatch.setattr(xml, "MOST", 4)
    assert len(xml.parse(b"<a><b/><b/><b/></a>", "a.xml")) == 3
    with pytest.raises(InconclusiveError) as caught:
        xml.parse(b"<a><b/><b/><b/><b/></a>", "a.xml")
    assert str(caught.value) == "a.xml: holds more than 4 elements; is this one report? Split it"


def test_what_was_handed_over_counts_as_one_element(monkeypatch):
    monkeypatch.setattr(xml, "MOST", 4)
    taken = []
    xml.parse(b"<a><b><c/><c/></b><b><c/></b></a>", "a.xml", {"a/b": lambda found: taken.append(len(found))})
    assert taken == [2, 1]
    with pytest.raises(InconclusiveError):
        xml.parse(b"<a><b><c/><c/></b><b><c/><c/></b></a>", "a.xml", {"a/b": taken.append})
