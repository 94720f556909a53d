// Shows how far a run is and its figures (looks in style.py). While the run goes on, it asks the server each
// second for what is new, and hands the points of the curves to the charts that live_chart.js has drawn.

const INTERVAL = 1000 // milliseconds
const BODY = `
  <div class="run-progress">
    <p></p>
    <div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div></div></div>
  </div>
  <div class="run-figures"><dl></dl><p></p></div>`
const drawn = (globalThis.kobertCharts ??= new Map()) // chart name -> what can be asked of it
const views = new WeakMap() // parentElement -> { element, end }

export default function ({ data, parentElement, setTriggerValue }) {
  const view = views.get(parentElement) ?? open(parentElement)
  view.end()
  show(view.element, data)
  if (data.url) view.end = follow(view.element, data, () => setTriggerValue("changed", Date.now()))
  return () => {
    view.end()
    view.element.remove()
    views.delete(parentElement)
  }
}

function open(parentElement) {
  const element = parentElement.appendChild(document.createElement("div"))
  element.innerHTML = BODY
  const view = { element, end() {} }
  views.set(parentElement, view)
  return view
}

function follow(element, data, redraw) {
  let after
  const question = () => {
    const charts = data.charts.map((key) => [key, drawn.get(`${key} ${data.run}`)])
    after = Object.fromEntries(charts.flatMap(([key, it]) => (it ? [[key, it.lasts()]] : [])))
    return `${data.url}?${new URLSearchParams({ language: data.language, ...after })}`
  }
  return poll(question, INTERVAL, async (answer, signal) => {
    if (answer.status === 404) redraw()
    if (!answer.ok) return
    const told = await answer.json()
    if (signal.aborted) return
    if (told.stage !== data.stage) return redraw()
    show(element, { ...data, ...told })
    for (const [key, lines] of Object.entries(told.charts)) {
      const chart = `${key} ${data.run}`
      const [x, y] = [0, 1].map((axis) => lines.map((line) => line[axis]))
      drawn.get(chart)?.take({ chart, after: after[key], x, y })
    }
  })
}

function show(element, { text, share, figures, note }) {
  const [progress, all] = element.children
  progress.hidden = !text
  progress.firstElementChild.textContent = text
  const bar = progress.lastElementChild
  bar.ariaLabel = text
  bar.ariaValueNow = Math.floor(100 * share)
  bar.firstElementChild.style.width = `${100 * share}%`
  all.hidden = !figures.length
  all.lastElementChild.textContent = note
  const list = all.firstElementChild
  while (list.children.length < figures.length) {
    list.appendChild(document.createElement("div")).innerHTML = "<dt></dt><dd></dd>"
  }
  figures.forEach((figure, i) =>
    [...list.children[i].children].forEach((cell, j) => (cell.textContent = figure[j])),
  )
}
