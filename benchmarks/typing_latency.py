"""How long the answer takes to follow a letter that is typed: `mini`, and a model of KoBERT's size.

In headless Chromium on the machine of the server, as a person types who waits for each answer. Counted is
the time from the field's change to the frame after the one in which the pieces of the changed sentence
stand on the page (the answer is above them and comes before them), by the browser's clock. What the server
spends on the answer itself is counted in this process, letter by letter too, by the function that the page
calls; and so is what it spends on the attribution of whole sentences.
"""

import re
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import torch
from playwright.sync_api import Browser, sync_playwright
from safetensors.torch import load_file

from benchmarks.harness import Result, seconds
from benchmarks.models import EMOTIONS, kobert_sized
from benchmarks.watching import server
from kobert_demo.attribution import attribute
from kobert_demo.config import TrainingConfig
from kobert_demo.importing import import_model
from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.ui.classifiers import load_exact, predict
from tests.conftest import CHROMIUM_OPTIONS, App

BEGUN, TYPED = "오랜만에 ", "친구를 만나서 밤새 이야기했더니 정말 즐거웠어요!"
WHOLE = (
    BEGUN + TYPED,
    "우웩 더러워",
    "으악 귀신이다 너무 무서워서 살려줘!",
    "아 진짜 짜증나게 왜 자꾸 그러는 거야, 그만 좀 해라",
    "할머니가 돌아가셨다는 소식을 듣고 하루 종일 울기만 했어요",
    "세상에, 이게 정말 나한테 온 선물이라고? 전혀 생각도 못 했는데!",
    "내일은 오전에 회의가 있고 오후에는 서울로 출장을 갑니다",
)
STROKES = re.findall(" ?.", TYPED)  # a space alone changes no answer: it goes with its letter
PAUSE = 100  # milliseconds from an answer to the next letter
WATCH = """() => {
  window.answered = []
  document.addEventListener('input', ({ target }) => {
    const typed = performance.now()
    const look = () => {
      if (document.querySelector('.typed-sentence')?.textContent !== target.value.trim())
        requestAnimationFrame(look)
      else requestAnimationFrame(() => window.answered.push(performance.now() - typed))
    }
    look()
  }, true)
}"""


def imported(workspace: Path) -> str:
    """Bring weights of KoBERT's size into the workspace, as from a notebook; return their run."""
    model = kobert_sized().directory
    weights = workspace.with_name("kobert-sized.pt")
    torch.save(load_file(model / "model.safetensors"), weights)
    config = TrainingConfig(model=str(model))
    return import_model(Runs(workspace), weights, EMOTIONS, config, "KoBERT size")


def followed(chromium: Browser, app: App, classifier: str) -> tuple[float, ...]:
    """Return the milliseconds from each letter to the answer that it changes."""
    with chromium.new_context(viewport={"width": 1440, "height": 1000}) as visitor:
        page = visitor.new_page()
        asked = urlencode({"text": BEGUN, "classifier": classifier})
        page.goto(f"{app.url}/classification?{asked}")
        for part in (".typed-sentence", ".typing-hint"):
            page.locator(part).wait_for(timeout=120_000)
        page.locator(".st-key-sentences textarea").click()
        page.keyboard.press("Control+End")
        page.evaluate(WATCH)
        for count, letter in enumerate(STROKES, 1):
            page.wait_for_timeout(PAUSE)
            page.keyboard.insert_text(letter)
            page.wait_for_function("count => window.answered.length === count", arg=count)
        return tuple(page.evaluate("window.answered"))


def answered(classifier: str) -> tuple[float, ...]:
    """Return the milliseconds that the server spends on the answer to each of these sentences."""
    predict(classifier, False, (BEGUN,))  # loads it
    texts = [BEGUN + TYPED[: place + 1] for place in range(len(TYPED))]
    return tuple(1000 * seconds(partial(predict, classifier, False, (text,))) for text in texts)


def attributed(classifier: str) -> tuple[float, ...]:
    """Return the milliseconds that the server spends on what speaks for the answer to each sentence."""
    predictor = load_exact(classifier)
    attribute(
        predictor, BEGUN, predictor.labels[0]
    )  # imports and allocates what the first one needs
    answers = predictor.predict(WHOLE)
    return tuple(
        1000 * seconds(partial(attribute, predictor, answer.text, answer.label))
        for answer in answers
    )


def run(quick: bool) -> list[Result]:
    with ExitStack() as closing:
        workspace = Path(closing.enter_context(tempfile.TemporaryDirectory())) / "workspace"
        models = {"mini": (READY_MADE, 300), "KoBERT size": (imported(workspace), 1_000)}
        driver = closing.enter_context(sync_playwright())
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS
        )
        closing.callback(chromium.close)
        app = closing.enter_context(server(workspace))
        rows = [
            (f"from a letter typed to the answer seen, {size}", followed(chromium, app, run), most)
            for size, (run, most) in models.items()
        ]
    rows.append(("one answer on the server, mini", answered(READY_MADE), 30))
    rows.append(("an attribution on the server, mini", attributed(READY_MADE), 1_000))
    return [Result(name, "ms", taken, (), most, at_most=True) for name, taken, most in rows]
