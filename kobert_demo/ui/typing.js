// Tells the server what stands in a text field while somebody types in it; the field itself is left alone.
// The next text goes out when the last one is answered, so that a slow model is never flooded.

const PATIENCE = 5000 // milliseconds, after which an answer is taken for lost
const watchers = new WeakMap() // parentElement -> watcher

export default function ({ data, parentElement, setStateValue }) {
  const watcher = watchers.get(parentElement) ?? open(parentElement)
  const fresh = data.version !== watcher.version
  Object.assign(watcher, { version: data.version, field: data.field, setStateValue })
  watcher.hint.textContent = data.hint
  if (fresh || data.answered === watcher.number) {
    watcher.waitsUntil = 0
    if (fresh) watcher.sent = data.told // what differs from it was typed before anybody listened
    follow(watcher)
  }
  return () => close(watcher, parentElement)
}

function open(parentElement) {
  const hint = parentElement.appendChild(document.createElement("div"))
  hint.className = "typing-hint"
  const watcher = { hint, sent: null, number: 0, waitsUntil: 0 }
  watcher.listen = (event) => {
    if (!event.target.matches?.(watcher.field)) return
    follow(watcher)
  }
  // Fired for each letter, those of a syllable that is still being composed included.
  document.addEventListener("input", watcher.listen, true)
  watchers.set(parentElement, watcher)
  return watcher
}

function follow(watcher) {
  const field = document.activeElement
  if (!field?.matches(watcher.field) || field.value === watcher.sent) return
  const now = Date.now()
  if (now < watcher.waitsUntil) {
    clearTimeout(watcher.retry)
    watcher.retry = setTimeout(follow, watcher.waitsUntil - now, watcher)
    return
  }
  Object.assign(watcher, { sent: field.value, number: now, waitsUntil: now + PATIENCE })
  watcher.setStateValue("typed", { version: watcher.version, number: now, text: field.value })
}

function close(watcher, parentElement) {
  watchers.delete(parentElement)
  clearTimeout(watcher.retry)
  document.removeEventListener("input", watcher.listen, true)
  watcher.hint.remove()
}
