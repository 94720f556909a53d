"""The live chart, as a person sees it in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.conftest import PROJECT, App

CHART = "document.querySelector('.live-chart')"
WATCH_FRAMES = """() => {
  const seen = (window.seen = { frames: 0, blank: 0, chart: document.querySelector('.live-chart') })
  const look = () => {
    seen.frames += 1
    const line = document.querySelector('.live-chart .scatterlayer .trace path.js-line')
    if (!line || document.querySelector('.live-chart') !== seen.chart) seen.blank += 1
    requestAnimationFrame(look)
  }
  look()
}"""


class Points:
    """The file that the app under test reads its points from."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def grow_to(self, count: int) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(count))
        partial.replace(self._path)


@pytest.fixture(scope="module")
def chart_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("live chart")
    for name in (".streamlit", "static"):
        (home / name).symlink_to(PROJECT / name)
    (home / "app.py").write_bytes((PROJECT / "tests" / "live_chart_app.py").read_bytes())
    (home / "workspace").mkdir()
    running = App(home / "app.py", home / "workspace")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def points(chart_app: App) -> Points:
    points = Points(chart_app.workspace / "points.json")
    points.grow_to(100)
    return points


@pytest.fixture
def chart(chart_app: App, points: Points, page: Page) -> Page:
    page.goto(chart_app.url)
    wait_for_last_step(page, 100)
    return page


def wait_for_last_step(page: Page, step: int) -> None:
    page.wait_for_function(f"step => {CHART}?.data?.[0].x.at(-1) === step", arg=step)


def steps(page: Page, trace: int = 0) -> list[int]:
    return page.evaluate(f"trace => Array.from({CHART}.data[trace].x)", trace)


def x_range(page: Page) -> list[float]:
    return [round(edge, 3) for edge in page.evaluate(f"{CHART}._fullLayout.xaxis.range")]


def zoom(page: Page) -> list[float]:
    """Drag over a part of the chart, as a person does to zoom; return what is then shown."""
    before = x_range(page)
    area = page.locator(".live-chart .nsewdrag").bounding_box()
    assert area
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, middle, steps=8)
    page.mouse.up()
    page.wait_for_function(f"right => {CHART}._fullLayout.xaxis.range[1] < right", arg=before[1])
    return x_range(page)


@pytest.mark.browser
def test_the_line_grows_in_place_and_never_goes_blank(chart: Page, points: Points) -> None:
    chart.evaluate(WATCH_FRAMES)
    for count in (110, 125, 300):
        points.grow_to(count)
        wait_for_last_step(chart, count)
        assert steps(chart) == list(range(1, count + 1))
        assert steps(chart, 1) == list(range(10, count + 1, 10))
    chart.get_by_role("button", name="run the page again").click()
    points.grow_to(400)
    wait_for_last_step(chart, 400)
    seen = chart.evaluate("({ frames: seen.frames, blank: seen.blank })")
    assert seen["frames"] > 20
    assert seen["blank"] == 0


@pytest.mark.browser
def test_a_line_of_one_point_is_seen(chart_app: App, points: Points, page: Page) -> None:
    dots = page.locator(".live-chart .trace").first.locator("path.point")
    points.grow_to(1)
    page.goto(chart_app.url)
    wait_for_last_step(page, 1)
    assert dots.count() == 1
    points.grow_to(30)
    wait_for_last_step(page, 30)
    expect(dots).to_have_count(0)


@pytest.mark.browser
def test_the_zoom_stays_over_ticks_reruns_and_page_switches(chart: Page, points: Points) -> None:
    zoomed = zoom(chart)
    points.grow_to(250)
    wait_for_last_step(chart, 250)
    assert x_range(chart) == zoomed
    chart.get_by_role("button", name="run the page again").click()
    points.grow_to(260)
    wait_for_last_step(chart, 260)
    assert x_range(chart) == zoomed
    chart.get_by_role("link", name="other").click()
    chart.get_by_text("nothing here").wait_for()
    assert chart.locator(".live-chart").count() == 0
    chart.get_by_role("link", name="chart").click()
    wait_for_last_step(chart, 260)
    assert x_range(chart) == zoomed


@pytest.mark.browser
def test_the_line_goes_on_after_the_app_was_restarted(
    chart_app: App, chart: Page, points: Points
) -> None:
    zoomed = zoom(chart)
    chart_app.stop()
    points.grow_to(180)
    chart_app.start()
    wait_for_last_step(chart, 180)
    assert x_range(chart) == zoomed


@pytest.mark.browser
def test_one_click_shows_everything_again(chart: Page) -> None:
    zoom(chart)
    chart.locator(".live-chart").hover()
    chart.locator("[data-title='전체 보기']").click()
    chart.wait_for_function(f"{CHART}._fullLayout.xaxis.range[1] >= 100")


@pytest.mark.browser
def test_missing_points_are_fetched_again(chart: Page, points: Points) -> None:
    chart.evaluate(
        f"Plotly.restyle({CHART}, {{ x: [[1, 2, 3]], y: [[1, 1, 1]] }}, [0]).then(() => 0)"
    )
    assert steps(chart) == [1, 2, 3]
    points.grow_to(140)
    wait_for_last_step(chart, 140)
    assert steps(chart) == list(range(1, 141))


@pytest.mark.browser
def test_values_that_are_no_numbers_leave_a_gap(chart: Page) -> None:
    values = chart.evaluate(f"Array.from({CHART}.data[0].y)")
    assert [step for step, value in zip(steps(chart), values, strict=True) if value is None] == [
        *range(5, 9)
    ]
    pieces = chart.locator(".live-chart .trace").first.locator("path.js-line")
    assert pieces.count() == 2
    assert all("NaN" not in (piece.get_attribute("d") or "NaN") for piece in pieces.all())


@pytest.mark.browser
def test_names_change_with_the_language_and_their_tags_are_shown(chart: Page) -> None:
    # Plotly takes the legend away before it draws the next one: ask until it is there.
    legend = chart.locator(".live-chart .legendtext")
    expect(legend).to_have_text(["<b>loss</b>", "accuracy & baseline", "<i>level</i>"])
    chart.get_by_text("한국어").click()
    expect(legend).to_have_text(["<b>손실</b>", "정확도 & 기준", "<i>level</i>"])


@pytest.mark.browser
def test_names_change_though_the_message_that_changed_them_was_lost(chart: Page) -> None:
    legend = chart.locator(".live-chart .legendtext")
    chart.get_by_text("lose what is sent first").click()
    chart.get_by_text("한국어").click()
    expect(legend).to_have_text(["<b>손실</b>", "정확도 & 기준", "<i>level</i>"])


@pytest.mark.browser
def test_the_chart_follows_light_and_dark(chart: Page, points: Points) -> None:
    title = chart.locator(".live-chart .gtitle")
    expect(title).to_have_css("fill", "rgb(27, 33, 48)")
    chart.emulate_media(color_scheme="dark")
    expect(title).to_have_css("fill", "rgb(232, 235, 242)")
    points.grow_to(130)
    wait_for_last_step(chart, 130)
    expect(title).to_have_css("fill", "rgb(232, 235, 242)")


@pytest.mark.browser
def test_a_tick_sends_new_points_only_however_long_the_line_is(
    chart_app: App, points: Points, page: Page
) -> None:
    received: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    page.on("websocket", listen)

    def bytes_of_ten_points(start: int) -> int:
        points.grow_to(start)
        page.goto(chart_app.url)
        wait_for_last_step(page, start)
        for count in range(start + 2, start + 12, 2):
            points.grow_to(count)
            wait_for_last_step(page, count)
        before = len(received)
        points.grow_to(start + 20)
        wait_for_last_step(page, start + 20)
        return sum(received[before:])

    short, long = bytes_of_ten_points(200), bytes_of_ten_points(20_000)
    assert long < 1.5 * short
