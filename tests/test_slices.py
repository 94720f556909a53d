"""Parts of the sentences, each with its own figures."""

import pytest

from kobert_demo.evaluation.slices import slices
from tests.evaluating import made_up


def test_slices_are_parts_of_the_data_with_their_own_figures() -> None:
    texts = ["ㅋㅋ 좋아", "ㅠㅠ", "정말?", "와!", "😀 안녕하세요 반갑습니다", "ㅋ 하나는 아니다"]
    true = [0, 1, 0, 1, 0, 1]
    logits = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    parts = {str(part.name): part for part in slices(made_up(texts, true, logits))}
    for trait in ("ㅋㅋ", "ㅠㅠ", "?", "!", "an emoji"):
        assert parts[f"with {trait}"].support == 1
        assert parts[f"without {trait}"].support == 5
    assert parts["with ㅠㅠ"].accuracy == 0
    assert parts["without ㅠㅠ"].accuracy == pytest.approx(4 / 5)
    assert parts["1 to 10 characters"].support == 5
    assert parts["11 to 20 characters"].support == 1
