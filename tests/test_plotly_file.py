"""plotly.js where the browser can fetch it."""

from pathlib import Path

import pytest
from streamlit import config

from kobert_demo.ui.plotly_file import plotly_url, publish_plotly


def test_plotly_is_copied_once_and_replaced_where_it_differs(tmp_path: Path) -> None:
    publish_plotly.clear()
    publish_plotly(tmp_path)
    served = tmp_path / "plotly.min.js"
    first = served.stat()
    assert first.st_size > 1_000_000
    publish_plotly.clear()
    publish_plotly(tmp_path)
    assert served.stat().st_mtime_ns == first.st_mtime_ns
    served.write_text("of another version")
    publish_plotly.clear()
    publish_plotly(tmp_path)
    assert served.stat().st_size == first.st_size
    assert [path.name for path in tmp_path.iterdir()] == ["plotly.min.js"]
    publish_plotly.clear()


@pytest.mark.parametrize(
    ("base", "start"), [("", "/app/static/"), ("kobert/", "/kobert/app/static/")]
)
def test_the_address_follows_the_base_path(base: str, start: str) -> None:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", base)
    try:
        assert plotly_url().startswith(f"{start}plotly.min.js?v=")
    finally:
        config.set_option("server.baseUrlPath", before)
