"""The parts of a report: one HTML file that holds all it shows, opens without a network and prints well."""

import html
from collections.abc import Iterable, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from kobert_demo.charts import FONT, percent
from kobert_demo.language import Language

RIGHT, WRONG = "104,149,244", "216,96,105"  # of confusion cells, as red, green, blue


def heading(text: str, level: int = 2) -> str:
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraph(text: str, lead: bool = False) -> str:
    return f"<p{' class=lead' if lead else ''}>{html.escape(text)}</p>"


def listing(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table whose first column stays in sight."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{html.escape(str(first))}</th>"
        + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in others)
        + "</tr>"
        for first, *others in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def chart(figure: go.Figure) -> str:
    figure.update_layout(template="plotly_white")
    text: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return f'<div class="chart">{text}</div>'


def confusion_matrix(counts: NDArray[np.integer], labels: Sequence[str]) -> str:
    """Return a table of counts, (true, predicted), each shaded by its share of its row."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    head = "".join(f"<th>{html.escape(label)}</th>" for label in ("", *labels))
    rows = []
    for true, label in enumerate(labels):
        cells = "".join(
            f'<td style="background:rgba({RIGHT if true == said else WRONG},{share:.2f})" '
            f'title="{percent(share)}">{count:,}</td>'
            for said, (count, share) in enumerate(
                zip(counts[true].tolist(), shares[true].tolist(), strict=True)
            )
        )
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="matrix"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def page(title: str, parts: Iterable[str], language: Language) -> str:
    """Return the whole file; `parts` are HTML, the title is text."""
    return _PAGE.format(
        language=language,
        title=html.escape(title),
        font=FONT,
        plotly=get_plotlyjs(),
        body="\n".join(parts),
    )


_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body {{ font: 15px/1.6 {font}; color: #1b2130; max-width: 1080px; margin: 2rem auto; padding: 0 1rem;
  word-break: keep-all; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.75rem; }} h2 {{ font-size: 1.25rem; margin-top: 2.5rem; }}
h3 {{ font-size: 1rem; margin: 2rem 0 0.5rem; }}
.lead {{ font-size: 1.25rem; }} ul {{ padding-left: 1.25rem; }}
.scroll {{ overflow: auto; max-height: 34rem; border: 1px solid #e1e4eb; border-radius: 0.5rem; }}
table {{ border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.3rem 0.6rem; text-align: left; border-bottom: 1px solid #e1e4eb; }}
tbody th {{ position: sticky; left: 0; background: #fff; font-weight: 600; white-space: nowrap; }}
thead th {{ position: sticky; top: 0; background: #f4f5f8; white-space: nowrap; }}
thead th:first-child {{ left: 0; z-index: 1; }}
td:not(:last-child) {{ white-space: nowrap; }}
.matrix th:not(:first-child), .matrix td {{ text-align: right; min-width: 2.5rem; }}
.pieces {{ display: flex; flex-wrap: wrap; gap: 0.3rem; }}
.pieces span {{ border: 1px solid #c9ced8; border-radius: 0.4rem; padding: 0.1rem 0.45rem; }}
.pieces small {{ display: block; color: #6a7180; }}
@media print {{
  @page {{ margin: 14mm; }}
  body {{ margin: 0; padding: 0; max-width: none; font-size: 11px; print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }}
  h2, h3 {{ break-after: avoid; }} tr, .chart, .pieces, section {{ break-inside: avoid; }}
  .scroll {{ overflow: visible; max-height: none; }}
  tbody th, thead th, td:not(:last-child) {{ position: static; white-space: normal; min-width: 6em; }}
  .matrix {{ table-layout: fixed; }}
  .matrix :is(th, td):nth-child(n) {{ padding: 0.3rem 0.2rem; min-width: 0; }}
  .chart {{ zoom: 0.85; }}
}}
</style><script>{plotly}</script><script>
const fit = width => document.querySelectorAll(".js-plotly-plot").forEach(
  chart => Plotly.relayout(chart, width ? {{width}} : {{width: null, autosize: true}}));
addEventListener("beforeprint", () => fit(776));  // what fits on A4, at 85 %
addEventListener("afterprint", () => fit(null));
</script></head><body>
{body}
</body></html>
"""
