// Curves against steps, drawn as SVG: linear or logarithmic, with a readout at the pointer or by the arrow keys, and the
// same in words and as a table.

import { freshID, h, numberText, svg } from './dom.js'

const MARGIN = { top: 10, right: 14, bottom: 38, left: 62 }

/** How many curves have a color of their own; the style sheet has them. */
export const COLORS = 7
const DASHES = ['', '7 4', '2 4', '11 4 2 4', '5 3 1 3 1 3', '14 5', '1 5']

/** The line pattern of a slot: told apart from its neighbors without color, too. */
export function dashes(slot) { return DASHES[(slot + Math.floor(slot / COLORS)) % DASHES.length] }

export function colorClass(slot) { return `curve-${slot % COLORS}` }

/** A short piece of the line, for legends. */
export function swatch(slot, solid = false) {
  return svg('svg', { class: `swatch ${colorClass(slot)}`, width: 34, height: 10, viewBox: '0 0 34 10', 'aria-hidden': 'true' },
    svg('path', { d: 'M1 5H33', 'stroke-dasharray': solid ? undefined : dashes(slot) || undefined }))
}

function linearTicks(low, high, count) {
  const span = high - low
  if (!(span > 0)) return [low]
  const raw = span / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999) ?? raw
  const ticks = []
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high * (1 + 1e-12) + step * 1e-9; index += 1) {
    ticks.push(index * step)
  }
  return ticks
}

function logTicks(low, high, count) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]
  const every = Math.max(1, Math.ceil((last - first) / count))
  const factors = last - first <= 2 ? [1, 2, 5] : [1]
  const ticks = []
  for (let power = first; power <= last; power += every) {
    for (const factor of factors) {
      const tick = factor * 10 ** power
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick)
    }
  }
  return ticks
}

function tickText(value, isSmall) {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (isSmall && size < 1) return numberText(Number(value.toPrecision(4)), 4).includes('e') ? numberText(value, 4) : value.toExponential()
  if (size >= 1e5 && size < 1e6 && value % 1e3 === 0) return `${value / 1e3}k`
  if (size >= 1e6 && size < 1e9 && value % 1e5 === 0) return `${value / 1e6}M`
  return numberText(value, 3)
}

/** A chart. `element` is what to put into the page. */
export class Chart {
  /** title: what it shows; height in pixels; unit: what the horizontal axis counts. */
  constructor({ title, height = 320, axis = 'step' }) {
    this.title = title
    this.height = height
    this.axis = axis
    this.curves = []
    this.scale = 'linear'
    this.cursor = null
    const summary = freshID('summary')
    this.picture = svg('svg', { 'aria-hidden': 'true', focusable: 'false', height })
    this.plot = h('div', {
      class: 'plot', tabindex: 0, role: 'group', 'aria-label': `${title}, a chart: arrow keys read it out`,
      'aria-describedby': summary,
      onkeydown: (event) => this.key(event),
      onpointermove: (event) => this.point(event),
      onpointerdown: (event) => this.point(event),
      onpointerleave: () => this.move(null),
      onblur: () => this.move(null),
    }, this.picture)
    this.readout = h('p', { class: 'readout', 'aria-live': 'polite' })
    this.summary = h('p', { class: 'summary', id: summary })
    this.table = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}, as a table` })
    this.details = h('details', { class: 'data', ontoggle: () => this.fillTable() }, h('summary', {}, 'As a table'), this.table)
    this.element = h('figure', { class: 'chart' }, h('figcaption', {}, title), this.plot, this.readout, this.summary, this.details)
    this.move(null)
    new ResizeObserver(() => this.draw()).observe(this.plot)
  }

  /**
   * What to show: curves of { name, slot, x, y, faint, solid }, x ascending; scale 'linear' or 'log'; marks of { x, text } are
   * upright lines.
   */
  set({ curves, scale = this.scale, marks = [] }) {
    this.curves = curves
    this.scale = scale
    this.marks = marks
    this.summary.textContent = curves.filter((curve) => !curve.faint).map(describe).join(' ')
    this.draw()
    this.fillTable()
    if (this.cursor !== null) this.move(this.cursor)
  }

  draw() {
    const width = Math.floor(this.plot.clientWidth)
    if (width < 40) return
    this.width = width
    const height = this.height
    this.picture.setAttribute('width', width)
    this.picture.setAttribute('viewBox', `0 0 ${width} ${height}`)
    const isLog = this.scale === 'log'
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity]
    for (const curve of this.curves) {
      for (let index = 0; index < curve.x.length; index += 1) {
        const [x, y] = [curve.x[index], curve.y[index]]
        if (x < left) left = x
        if (x > right) right = x
        if (!Number.isFinite(y) || (isLog && y <= 0)) continue
        if (y < low) low = y
        if (y > high) high = y
      }
    }
    if (!(right >= left)) [left, right] = [0, 1]
    if (right === left) right = left + 1
    if (!(high >= low)) [low, high] = isLog ? [0.1, 1] : [0, 1]
    if (isLog) {
      // A curve that touches zero would make the axis endless.
      low = Math.max(low, high * 1e-12)
      if (high / low < 1.01) [low, high] = [low / 2, high * 2]
      ;[low, high] = [low / 1.15, high * 1.15]
    } else {
      if (low > 0 && low < high * 0.6) low = 0
      if (high === low) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1]
      const room = (high - low) * 0.04
      high += room
      if (low !== 0) low -= room
    }
    const value = isLog ? Math.log : (number) => number
    const [from, to] = [value(low), value(high)]
    this.x = (step) => MARGIN.left + ((step - left) / (right - left)) * (width - MARGIN.left - MARGIN.right)
    this.y = (rate) => {
      const part = (value(isLog ? Math.max(rate, low) : rate) - from) / (to - from)
      return height - MARGIN.bottom - part * (height - MARGIN.top - MARGIN.bottom)
    }
    this.bounds = { left, right }
    const [bottom, end] = [height - MARGIN.bottom, width - MARGIN.right]
    const parts = []
    const ticks = (isLog ? logTicks : linearTicks)(low, high, 5)
    // All of an axis in the same spelling.
    const isSmall = ticks.some((tick) => tick !== 0 && Math.abs(tick) < 1e-3)
    for (const tick of ticks) {
      const y = Math.round(this.y(tick)) + 0.5
      parts.push(svg('line', { class: 'grid', x1: MARGIN.left, x2: end, y1: y, y2: y }))
      parts.push(svg('text', { class: 'tick', x: MARGIN.left - 8, y: y + 4, 'text-anchor': 'end' }, tickText(Number(tick.toPrecision(6)), isSmall)))
    }
    for (const tick of linearTicks(left, right, Math.max(2, Math.floor(width / 110)))) {
      const x = Math.round(this.x(tick)) + 0.5
      parts.push(svg('line', { class: 'grid', x1: x, x2: x, y1: MARGIN.top, y2: bottom }))
      parts.push(svg('text', { class: 'tick', x, y: bottom + 17, 'text-anchor': 'middle' }, tickText(tick)))
    }
    parts.push(svg('line', { class: 'axis', x1: MARGIN.left, x2: end, y1: bottom + 0.5, y2: bottom + 0.5 }))
    parts.push(svg('text', { class: 'tick', x: end, y: height - 4, 'text-anchor': 'end' }, this.axis))
    const marks = (this.marks ?? []).filter((mark) => mark.x >= left && mark.x <= right).sort((a, b) => a.x - b.x)
    for (const [index, mark] of marks.entries()) {
      const x = Math.round(this.x(mark.x)) + 0.5
      parts.push(svg('line', { class: 'mark', x1: x, x2: x, y1: MARGIN.top, y2: bottom }, svg('title', {}, mark.text)))
      // In steps, so that neighbors do not write over each other; at the right end, to the left of the line.
      const isLate = x > end - 110
      parts.push(svg('text', { class: 'mark-text', x: x + (isLate ? -4 : 4), y: MARGIN.top + 10 + 13 * (index % 4), 'text-anchor': isLate ? 'end' : 'start' }, mark.text))
    }
    // The first curve is the one that is worked on: it is drawn last, on top.
    for (const curve of [...this.curves].reverse()) {
      const line = { class: `curve ${colorClass(curve.slot)}${curve.faint ? ' faint' : ''}`, d: this.path(curve, isLog) }
      parts.push(svg('path', { ...line, 'stroke-dasharray': curve.solid ? undefined : dashes(curve.slot) || undefined }))
      if (curve.x.length <= 40 && !curve.faint) {
        for (let index = 0; index < curve.x.length; index += 1) {
          if (!Number.isFinite(curve.y[index]) || (isLog && curve.y[index] <= 0)) continue
          parts.push(svg('circle', {
            class: `dot ${colorClass(curve.slot)}`, r: 2.6, cx: this.x(curve.x[index]), cy: this.y(curve.y[index]),
          }))
        }
      }
    }
    this.hair = svg('g', { class: 'hair' })
    parts.push(this.hair)
    this.picture.replaceChildren(...parts)
  }

  /** The line of a curve; where there are many points to a pixel, the lowest and the highest of them. */
  path(curve, isLog) {
    const pieces = []
    let isDown = false
    const add = (x, y) => {
      pieces.push(`${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`)
      isDown = true
    }
    const many = curve.x.length > 3 * this.width
    let column
    const flush = () => {
      if (!column) return
      for (const point of [...new Set([column.first, column.low, column.high, column.last])].sort((a, b) => a - b)) {
        add(this.x(curve.x[point]), this.y(curve.y[point]))
      }
      column = undefined
    }
    for (let index = 0; index < curve.x.length; index += 1) {
      const y = curve.y[index]
      if (!Number.isFinite(y) || (isLog && y <= 0)) {
        flush()
        // A zero on a logarithmic axis lies at its foot, so that a warm-up from 0 does not begin in the void.
        if (isLog && y === 0) add(this.x(curve.x[index]), this.y(0))
        else isDown = false
        continue
      }
      if (!many) {
        add(this.x(curve.x[index]), this.y(y))
        continue
      }
      const pixel = Math.floor(this.x(curve.x[index]))
      if (!column || column.pixel !== pixel) {
        flush()
        column = { pixel, first: index, low: index, high: index, last: index }
      }
      if (y < curve.y[column.low]) column.low = index
      if (y > curve.y[column.high]) column.high = index
      column.last = index
    }
    flush()
    return pieces.join('')
  }

  // The readout.

  point(event) {
    if (!this.bounds) return
    const box = this.picture.getBoundingClientRect()
    const part = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right)
    const step = this.bounds.left + part * (this.bounds.right - this.bounds.left)
    this.move(Math.min(Math.max(step, this.bounds.left), this.bounds.right))
  }

  key(event) {
    const { x } = this.longest() ?? { x: [] }
    if (x.length === 0) return
    const at = this.cursor === null ? 0 : nearest(x, this.cursor)
    const page = Math.max(1, Math.round(x.length / 20))
    const moves = {
      ArrowRight: at + 1, ArrowLeft: at - 1, PageUp: at + page, PageDown: at - page, Home: 0, End: x.length - 1,
    }
    if (event.key === 'Escape') return this.move(null)
    if (!(event.key in moves)) return
    event.preventDefault()
    this.move(x[this.cursor === null && event.key === 'ArrowRight' ? 0 : Math.min(Math.max(moves[event.key], 0), x.length - 1)])
  }

  longest() {
    return this.curves.filter((curve) => !curve.faint).reduce((a, b) => (a && a.x.length >= b.x.length ? a : b), undefined)
  }

  move(step) {
    this.cursor = step
    this.hair?.replaceChildren()
    if (step === null || !this.bounds) {
      this.readout.replaceChildren(h('span', { class: 'hint' }, 'Point at the chart, or focus it and use the arrow keys.'))
      return
    }
    const guide = this.longest()
    if (!guide || guide.x.length === 0) return
    const at = guide.x[nearest(guide.x, step)]
    const x = this.x(at)
    const parts = [svg('line', { x1: x, x2: x, y1: MARGIN.top, y2: this.height - MARGIN.bottom })]
    const words = [h('span', { class: 'at' }, `${this.axis} ${numberText(at, 8)}`)]
    for (const curve of this.curves) {
      if (curve.faint) continue
      const index = nearest(curve.x, at)
      if (index < 0 || Math.abs(curve.x[index] - at) > Math.max(1, (this.bounds.right - this.bounds.left) / 200)) continue
      const y = curve.y[index]
      if (Number.isFinite(y) && (this.scale !== 'log' || y > 0)) {
        parts.push(svg('circle', { class: `dot ${colorClass(curve.slot)}`, r: 4, cx: x, cy: this.y(y) }))
      }
      words.push(h('span', {}, swatch(curve.slot, curve.solid), ` ${curve.name} `, h('b', {}, numberText(y, 6))))
    }
    this.hair.replaceChildren(...parts)
    this.readout.replaceChildren(...words)
  }

  fillTable() {
    if (!this.details.open) return
    const curves = this.curves.filter((curve) => !curve.faint)
    const guide = this.longest()
    if (!guide) return this.table.replaceChildren(h('p', {}, 'There is nothing yet.'))
    const count = Math.min(guide.x.length, 21)
    const rows = []
    for (let row = 0; row < count; row += 1) {
      const step = guide.x[count === 1 ? 0 : Math.round((row * (guide.x.length - 1)) / (count - 1))]
      rows.push(h('tr', {}, h('th', { scope: 'row' }, numberText(step, 8)), curves.map((curve) => {
        const index = nearest(curve.x, step)
        return h('td', {}, index >= 0 && curve.x[index] === step ? numberText(curve.y[index], 6) : '')
      })))
    }
    this.table.replaceChildren(h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, this.axis), curves.map((curve) => h('th', { scope: 'col' }, curve.name)))),
      h('tbody', {}, rows)))
  }
}

/** The index of the value that is nearest, in ascending values; −1 where there are none. */
function nearest(values, target) {
  let [low, high] = [0, values.length - 1]
  if (high < 0) return -1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (values[middle] <= target) low = middle
    else high = middle
  }
  return Math.abs(values[high] - target) < Math.abs(values[low] - target) ? high : low
}

/** A curve in a sentence. */
function describe(curve) {
  const points = [...curve.y.keys()].filter((index) => Number.isFinite(curve.y[index]))
  if (points.length === 0) return `${curve.name}: no values yet.`
  let [low, high] = [points[0], points[0]]
  for (const index of points) {
    if (curve.y[index] < curve.y[low]) low = index
    if (curve.y[index] > curve.y[high]) high = index
  }
  const [first, last] = [points[0], points[points.length - 1]]
  const at = (index) => `${numberText(curve.y[index])} at ${numberText(curve.x[index], 8)}`
  const words = [`${curve.name}: ${at(first)}`]
  if (high !== first && high !== last) words.push(`highest ${at(high)}`)
  if (low !== first && low !== last && low !== high) words.push(`lowest ${at(low)}`)
  words.push(`then ${at(last)}`)
  return `${words.join(', ')}.`
}
