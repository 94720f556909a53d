// Draws one live chart. A message with `drawing` holds all points; any other one holds the points of
// each trace past the step `after`, some of which may be here already. It may come from live_run.js. Both hold
// the traces' names: the message that had other ones drawn may have been lost.

const MOST_POINTS = 8000 // of one trace; past it, all points are asked for again: they come thinned
const FEW_POINTS = 10 // of a line; each is drawn as a dot: a line of one point is invisible
const MANY_POINTS = 60 // whose dots would melt into a band
const NARROW = 420 // pixels, where four names need two rows
const ASK_AGAIN = 3000 // milliseconds
const charts = new WeakMap() // parentElement -> chart
const drawn = (globalThis.kobertCharts ??= new Map()) // chart name -> what live_run.js asks of it
const zooms = (globalThis.kobertZooms ??= new Map()) // chart name -> axis -> range

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = charts.get(parentElement) ?? open(parentElement)
  chart.askForAll = () => {
    if (Date.now() - chart.asked < ASK_AGAIN) return
    chart.asked = Date.now()
    setTriggerValue("resync", chart.asked)
  }
  chart.ready = chart.ready.then(() => show(chart, data)).catch(console.error)
  return () => close(chart, parentElement)
}

function open(parentElement) {
  const element = parentElement.appendChild(document.createElement("div"))
  element.className = "live-chart"
  const chart = { element, name: null, asked: 0, ready: Promise.resolve() }
  chart.observer = new ResizeObserver(() => chart.name && Plotly.Plots.resize(element))
  chart.observer.observe(element)
  charts.set(parentElement, chart)
  return chart
}

function close(chart, parentElement) {
  charts.delete(parentElement)
  forget(chart)
  chart.closed = true
  chart.observer.disconnect()
  if (chart.name) Plotly.purge(chart.element)
  chart.element.remove()
}

// Another element may draw the chart of this name by now.
function forget({ name, element }) {
  if (drawn.get(name)?.element === element) drawn.delete(name)
}

async function show(chart, message) {
  if (message.drawing) {
    chart.element.style.height = `${message.drawing.height}px`
    await loadPlotly(message.drawing.plotly)
  }
  if (chart.closed) return
  if (message.drawing) await draw(chart, message)
  else if (lacks(chart, message)) chart.askForAll()
  else await grow(chart, message)
}

function loadPlotly(url) {
  return (globalThis.kobertPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = url
    script.onload = resolve
    script.onerror = reject
    document.head.append(script)
  }))
}

function modeOf(mode, count) {
  if (count < FEW_POINTS) return "lines+markers"
  return count > MANY_POINTS ? "lines" : mode
}

const lastOf = (steps) => (steps.length ? steps[steps.length - 1] : -1)

function lacks({ name, names, element }, message) {
  if (name !== message.chart || names.join() !== message.names.join()) return true
  return element.data.some(({ x }, i) => lastOf(x) < message.after[i] || x.length > MOST_POINTS)
}

async function draw(chart, { chart: name, names, drawing, x, y }) {
  const { element } = chart
  const traces = drawing.traces.map((trace, i) => ({
    type: "scatter",
    x: x[i],
    y: y[i],
    name: names[i],
    mode: modeOf(trace.mode, x[i].length),
    line: { color: trace.colour, width: 2 },
    marker: { color: trace.colour, size: 7 },
    hovertemplate: "%{y:.4~g}",
  }))
  Object.assign(chart, { names, drawing, asked: 0, theme: themeOf(element) })
  await Plotly.react(element, traces, layout(name, chart), config(chart))
  if (chart.name === null) element.on("plotly_relayout", (change) => keepZoom(chart, change))
  if (chart.name !== name) forget(chart)
  chart.name = name
  drawn.set(name, {
    element,
    lasts: () => element.data.map(({ x }) => lastOf(x)),
    take: (message) => {
      const named = { ...message, names: chart.names }
      chart.ready = chart.ready.then(() => show(chart, named)).catch(console.error)
    },
  })
}

async function grow(chart, { x, y }) {
  const { element } = chart
  const fresh = x.map((steps, i) => steps.filter((step) => step > lastOf(element.data[i].x)).length)
  const grown = fresh.flatMap((count, i) => (count ? [i] : []))
  const tails = (rows) => grown.map((i) => rows[i].slice(-fresh[i]))
  for (const i of grown) {
    const line = element.data[i]
    line.mode = modeOf(chart.drawing.traces[i].mode, line.x.length + fresh[i])
  }
  if (grown.length) await Plotly.extendTraces(element, { x: tails(x), y: tails(y) }, grown)
  const theme = themeOf(element)
  if (theme.key !== chart.theme.key) {
    chart.theme = theme
    await Plotly.react(element, element.data, layout(chart.name, chart), config(chart))
  }
}

function keepZoom({ name, element }, change) {
  const zoom = zooms.get(name) ?? {}
  for (const axis of ["xaxis", "yaxis"]) {
    const zoomed = Object.keys(change).some((path) => path.startsWith(`${axis}.range`))
    if (zoomed) zoom[axis] = [...element.layout[axis].range]
  }
  zooms.set(name, zoom)
}

function showAll(chart) {
  zooms.delete(chart.name)
  Plotly.react(chart.element, chart.element.data, layout(chart.name, chart), config(chart))
}

function config(chart) {
  const click = () => showAll(chart)
  const button = { name: "all", title: chart.drawing.titles.all, icon: Plotly.Icons.home, click }
  const displayModeBar = coarsePointer() ? false : "hover"
  return { displayModeBar, displaylogo: false, doubleClick: false, modeBarButtons: [[button]] }
}

const coarsePointer = () => matchMedia("(pointer: coarse)").matches

function themeOf(element) {
  const style = getComputedStyle(element)
  const colour = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const theme = {
    text: colour("text-color"),
    quiet: colour("gray-text-color"),
    line: colour("border-color"),
    ground: colour("background-color"),
  }
  return { ...theme, key: Object.values(theme).join() }
}

function layout(name, { drawing, theme, element }) {
  const zoom = zooms.get(name) ?? {}
  const axis = (range) => ({
    ...(range ? { range, autorange: false } : { autorange: true }),
    gridcolor: theme.line,
    linecolor: theme.line,
    zeroline: false,
    exponentformat: "e",
    automargin: true,
    nticks: 6,
  })
  const { x, y } = drawing.titles
  const names = drawing.traces.length + Object.keys(drawing.levels).length
  const twoRows = names > 3 && element.clientWidth < NARROW
  return {
    title: {
      text: y,
      font: { size: 14, color: theme.text, weight: 600 },
      x: 0,
      xref: "paper",
      y: 1,
      yref: "container",
      yanchor: "top",
      pad: { t: 6 },
    },
    xaxis: {
      ...axis(zoom.xaxis),
      title: { text: x, standoff: 6, font: { size: 12 } },
      rangemode: "tozero",
      showgrid: false,
      showline: true,
    },
    yaxis: {
      ...axis(zoom.yaxis ?? drawing.y_range),
      rangemode: drawing.from_zero ? "tozero" : "nonnegative",
    },
    shapes: Object.entries(drawing.levels).map(([label, value]) => level(label, value, theme)),
    font: { family: drawing.font, size: 12, color: theme.quiet },
    hoverlabel: { bgcolor: theme.ground, bordercolor: theme.line, font: { color: theme.text } },
    legend: {
      orientation: "h",
      x: 1,
      xanchor: "right",
      y: 1.02,
      yanchor: "bottom",
      font: { size: 11 },
      uirevision: name,
    },
    showlegend: names > 1,
    margin: { l: 8, r: 12, t: names < 2 ? 34 : twoRows ? 68 : 48, b: 8 },
    modebar: { bgcolor: "transparent", color: theme.quiet, activecolor: theme.text },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    hovermode: "x unified",
    // A finger scrolls the page; only a mouse zooms.
    dragmode: coarsePointer() ? false : "zoom",
  }
}

function level(name, value, theme) {
  return {
    type: "line",
    name,
    showlegend: true,
    xref: "paper",
    x0: 0,
    x1: 1,
    y0: value,
    y1: value,
    line: { color: theme.quiet, width: 1.5, dash: "dot" },
  }
}
