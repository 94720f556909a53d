// A sentence whose parts are chosen by a click, or by arrow keys and Enter. What somebody typed is only ever
// set as text. One part is in the order of the Tab key, so that a long sentence is passed with one press.

const sentences = new WeakMap() // parentElement -> { element, drawn, choose }

export default function ({ data, parentElement, setTriggerValue }) {
  const sentence = sentences.get(parentElement) ?? open(parentElement)
  sentence.choose = (part) => setTriggerValue("chosen", part)
  const { element } = sentence
  const drawn = JSON.stringify(data.segments)
  if (drawn !== sentence.drawn) {
    sentence.drawn = drawn
    element.replaceChildren(...data.segments.map(segment))
  }
  element.setAttribute("aria-label", data.label)
  for (const part of parts(element)) {
    part.setAttribute("aria-pressed", Number(part.dataset.part) === data.chosen)
  }
  const reached = element.querySelector("[tabindex='0'], [aria-pressed=true]") ?? parts(element)[0]
  if (reached) reached.tabIndex = 0
  return () => {
    sentences.delete(parentElement)
    element.remove()
  }
}

function open(parentElement) {
  const element = parentElement.appendChild(document.createElement("div"))
  element.className = "clickable-sentence"
  element.setAttribute("role", "group")
  const sentence = { element, drawn: null }
  element.addEventListener("click", ({ target }) => {
    const part = target.closest("[role=button]")
    if (!part) return
    focus(element, part)
    sentence.choose(Number(part.dataset.part))
  })
  element.addEventListener("keydown", (event) => {
    const all = parts(element)
    const place = all.indexOf(event.target)
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }
    if (event.key === "Enter" || event.key === " ") event.target.click()
    else if (event.key in next) focus(element, all[next[event.key]])
    else return
    event.preventDefault()
  })
  sentences.set(parentElement, sentence)
  return sentence
}

const parts = (element) => [...element.querySelectorAll("[role=button]")]

function focus(element, part) {
  if (!part) return
  for (const other of parts(element)) other.tabIndex = other === part ? 0 : -1
  part.focus()
}

function segment({ part, pieces }) {
  const element = document.createElement("bdi")
  element.append(
    ...pieces.map(({ text, look }) => {
      const piece = document.createElement("span")
      piece.style.cssText = look
      piece.textContent = text
      return piece
    }),
  )
  if (part !== null) {
    element.setAttribute("role", "button")
    element.dataset.part = part
    element.tabIndex = -1
  }
  return element
}
