// Making elements. Text from outside only ever becomes text nodes and attribute values, never markup.

const SVG = 'http://www.w3.org/2000/svg'

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'value' || name === 'checked' || name === 'selected') element[name] = value
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false))
  return element
}

/** An HTML element; attributes that begin with `on` are listeners. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children)
}

/** An SVG element. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children)
}

/** Says something to those who listen to the page; sighted readers see it where it happens. */
export function announce(text) {
  const status = document.getElementById('status')
  status.textContent = ''
  // A change in a later task: some readers leave out a text that is there at once.
  setTimeout(() => { status.textContent = text }, 50)
}

/** Shows in a box what went wrong; hides it where nothing did. */
export function showProblem(box, error) {
  box.hidden = !error
  box.replaceChildren(...(error ? [h('b', {}, error.title ?? 'Something went wrong'), ` ${error.message}`] : []))
}

/** A text as a shell takes it for one word. */
export function quoted(text) { return `'${text.replaceAll("'", `'\\''`)}'` }

let count = 0

/** An id that no other element has. */
export function freshID(prefix) {
  count += 1
  return `${prefix}-${count}`
}

/** A number for people: as many digits as are wanted, without zeros that say nothing. */
export function numberText(value, digits = 4) {
  if (typeof value !== 'number') return value === null || value === undefined ? '–' : String(value)
  if (!Number.isFinite(value) || value === 0) return String(value)
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e7) return String(value)
  const text = size < 1e-3 || size >= 1e7 ? value.toExponential(digits - 1) : value.toPrecision(digits)
  return text.replace(/(\.\d*?)0+(e|$)/, '$1$2').replace(/\.(e|$)/, '$1').replace('e+', 'e')
}

/** Calls a function when nothing has asked for it for a while. */
export function debounced(milliseconds, body) {
  let timer
  const call = () => {
    clearTimeout(timer)
    timer = setTimeout(body, milliseconds)
  }
  call.cancel = () => clearTimeout(timer)
  return call
}

/** Puts a text on the clipboard; where the browser forbids that (plain HTTP), by an old way that it still has. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = h('textarea', { class: 'visually-hidden', 'aria-hidden': 'true', value: text })
    const before = document.activeElement
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    before?.focus()
    return done
  }
}

/** A button that copies, and says that it has. */
export function copyButton(name, text) {
  const button = h('button', {
    type: 'button',
    onclick: async () => {
      const done = await copyText(text())
      button.textContent = done ? 'Copied' : 'Select it and copy by hand'
      announce(done ? `${name}: copied` : 'The browser does not let the page copy')
      setTimeout(() => { button.textContent = name }, 1600)
    },
  }, name)
  return button
}
