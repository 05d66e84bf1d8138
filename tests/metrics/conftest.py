import pytest

from pages import serving


@pytest.fixture
def pages():
    with serving() as shown:
        yield shown
