// Stands before the code of components that ask the server themselves: to run the page's script for an
// answer would cost the server several times as much.

// Ask for `url()` when the clock comes to a multiple of `interval` (milliseconds), so that all pages ask at the
// same moments and share an answer. A page that nobody looks at asks nothing until it is seen. Return how to end.
function poll(url, interval, take) {
  let timer
  let asking = new AbortController()
  const later = () => (timer = setTimeout(ask, interval - (Date.now() % interval)))
  async function ask() {
    clearTimeout(timer)
    if (document.hidden) return
    asking.abort()
    const { signal } = (asking = new AbortController())
    try {
      await take(await fetch(url(), { signal }), signal)
    } catch {} // the server is away: ask again
    if (!signal.aborted) later()
  }
  document.addEventListener("visibilitychange", ask)
  later()
  return () => {
    asking.abort()
    clearTimeout(timer)
    document.removeEventListener("visibilitychange", ask)
  }
}
