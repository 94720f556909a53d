// Asks which runs go on, and has them looked at where they are not those that this page knows of.

const views = new WeakMap() // parentElement -> how to end its asking

export default function ({ data, parentElement, setTriggerValue }) {
  views.get(parentElement)?.()
  const end = poll(() => data.url, data.interval, async (answer) => {
    const active = answer.ok ? await answer.text() : data.active
    if (active !== data.active) setTriggerValue("changed", Date.now())
  })
  views.set(parentElement, end)
  return () => {
    views.get(parentElement)?.()
    views.delete(parentElement)
  }
}
