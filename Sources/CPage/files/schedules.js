// The room of schedules: choose one, turn its parameters, see the curve.

import { Problem, getJSON, sendJSON } from './api.js'
import { Chart, swatch } from './chart.js'
import { Copies } from './code.js'
import { announce, debounced, freshID, h, numberText, showProblem } from './dom.js'
import { Fields, pointerNames } from './fields.js'
import { horizon } from './horizon.js'

const START = { type: 'warmup', warmup_steps: 100, then: { type: 'cosine', base_lr: 0.001, end_lr: 0.00001, total_steps: 900 } }
/** The most points that a curve is asked for. */
const POINTS = 1000
const LARGEST = 9007199254740992

/** What else a request may hold, and what it is for. */
const EXTRAS = [
  { name: 'unit', description: 'what the lengths count', kind: 'choice', choices: ['steps', 'epochs', 'samples', 'tokens', 'fraction'], required: false, default: 'steps' },
  { name: 'steps_per_epoch', description: 'optimizer steps in an epoch; for the unit epochs', kind: 'number', range: 'greater than 0', required: false },
  { name: 'stepped', description: 'with epochs: the rate changes once an epoch', kind: 'boolean', required: false, default: false },
  { name: 'batch_size', description: 'samples in a forward pass of one process', kind: 'number', range: 'greater than 0', required: false },
  { name: 'gradient_accumulation', description: 'forward passes in an optimizer step', kind: 'number', range: 'greater than 0', required: false },
  { name: 'processes', description: 'processes that train on data of their own', kind: 'number', range: 'greater than 0', required: false },
  { name: 'tokens_per_sample', description: 'tokens in a sample', kind: 'number', range: 'greater than 0', required: false },
  { name: 'total_steps', description: 'optimizer steps of the whole training; for the unit fraction', kind: 'number', range: 'greater than 0', required: false },
  { name: 'companions', description: 'curves beside it, such as {"weight_decay": {"type": "linear", "base_lr": 0.1, "total_steps": 100}}', kind: 'array of objects', required: false },
  { name: 'groups', description: 'parameter groups, such as [{"name": "head", "multiplier": 10}]', kind: 'array of objects', required: false },
  { name: 'metrics', description: 'what a training reported, one a step; for loss-driven rules', kind: 'array of numbers', required: false },
]
const EXTRA_NAMES = new Set(EXTRAS.map((extra) => extra.name))

function dialect(type) { return type.includes('.') ? type.slice(0, type.indexOf('.')) : 'canonical' }

/** The steps to look at: all of them, or so many that a screen shows no more, the last among them. */
export function selection(count) {
  if (count <= POINTS) return { steps: count }
  const steps = new Set()
  for (let index = 0; index < POINTS; index += 1) steps.add(Math.round((index * (count - 1)) / (POINTS - 1)))
  return { at: [...steps] }
}

export class SchedulesRoom {
  constructor() {
    this.catalog = new Map()
    this.answers = new Map()
    this.isBroken = new Set()
    this.pins = []
    this.refresh = debounced(120, () => this.evaluate())
    this.remember = debounced(250, () => this.writeAddress())
    this.build()
    this.loaded = this.load()
  }

  // The page's parts.

  build() {
    this.search = h('input', {
      type: 'search', id: 'schedule-search', placeholder: 'cosine, torch, warm-up …', autocomplete: 'off', spellcheck: 'false',
      oninput: () => this.filter(),
      onkeydown: (event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'Enter') return
        // What has the words in its name comes before what has them in its description.
        const inputs = [...this.list.querySelectorAll('label:not([hidden]) input')]
        const words = this.words()
        const first = inputs.find((input) => words.every((word) => input.value.toLowerCase().includes(word))) ?? inputs[0]
        if (!first) return
        event.preventDefault()
        first.focus()
        if (event.key === 'Enter') first.click()
      },
    })
    this.found = h('p', { class: 'hint', role: 'status' })
    this.list = h('div', { class: 'catalog', role: 'radiogroup', 'aria-label': 'Schedules' })
    this.catalogBox = h('details', { class: 'catalog-box', open: true }, h('summary', {}, 'Catalog'),
      h('label', { for: 'schedule-search' }, 'Search'), this.search, this.found, this.list)

    this.heading = h('h1', { tabindex: -1 }, 'Schedules')
    this.about = h('p', { class: 'about' })
    this.formula = h('p', { class: 'formula' })
    this.source = h('p', { class: 'hint' })
    this.problem = h('div', { class: 'problem', role: 'alert', hidden: true })
    this.linkProblem = h('div', { class: 'problem', role: 'alert', hidden: true })

    this.steps = h('input', {
      type: 'text', inputmode: 'numeric', id: 'steps', autocomplete: 'off', 'aria-describedby': 'steps-error',
      oninput: () => { this.isFitted = false; this.stepsChanged() },
    })
    this.stepsError = h('p', { class: 'error', id: 'steps-error', hidden: true })
    const scale = freshID('scale')
    this.scales = ['linear', 'log'].map((name) => h('input', { type: 'radio', name: scale, id: `${scale}-${name}`, value: name, onchange: () => {
      this.scale = name
      this.draw()
      this.remember()
    } }))
    this.toolbar = h('div', { class: 'toolbar' },
      h('div', {}, h('label', { for: 'steps' }, 'Steps'), this.steps,
        h('button', { type: 'button', onclick: () => { this.isFitted = true; this.changed() } }, 'Fit'), this.stepsError),
      h('fieldset', { class: 'switch' }, h('legend', {}, 'Rate axis'), this.scales.map((input) => h('label', {}, input, h('span', {}, input.value === 'log' ? 'logarithmic' : 'linear')))),
      h('button', { type: 'button', class: 'primary', onclick: () => this.pin() }, 'Pin this curve'))
    this.chart = new Chart({ title: 'Learning rate', height: 340 })
    this.others = h('div', { class: 'others' })
    this.otherCharts = new Map()
    this.pinList = h('ul', { class: 'pins' })
    this.pinBox = h('section', { 'aria-labelledby': 'pins-title' }, h('h2', { id: 'pins-title' }, 'Curves'), this.pinList)
    this.copies = new Copies()

    this.form = h('div', {})
    this.extraForm = h('div', {})
    this.element = h('section', { class: 'room schedules', 'aria-label': 'Schedules' },
      h('aside', { class: 'column left', 'aria-label': 'Catalog' }, this.catalogBox),
      h('div', { class: 'column middle' }, h('header', {}, this.heading, this.about), this.linkProblem, this.problem, this.toolbar, this.chart.element,
        this.others),
      h('aside', { class: 'column right', 'aria-label': 'Parameters' }, h('h2', {}, 'Parameters'), this.formula, this.source, this.form, this.extraForm),
      h('div', { class: 'column below' }, this.pinBox, this.copies.element))
  }

  async load() {
    try {
      const { schedules } = await getJSON('schedules')
      for (const entry of schedules) this.catalog.set(entry.type, entry)
      this.fillCatalog()
      this.showProblem()
    } catch (error) {
      this.showProblem(error)
    }
  }

  fillCatalog() {
    const groups = new Map()
    for (const entry of this.catalog.values()) {
      const name = dialect(entry.type)
      if (!groups.has(name)) groups.set(name, [])
      groups.get(name).push(entry)
    }
    const group = freshID('type')
    this.list.replaceChildren(...[...groups].map(([name, entries]) => {
      const title = freshID('dialect')
      return h('div', { role: 'group', 'aria-labelledby': title }, h('h3', { id: title }, name), entries.map((entry) => {
        const input = h('input', { type: 'radio', name: group, value: entry.type, onchange: () => this.choose(entry.type) })
        const label = h('label', { title: entry.summary }, input, h('span', {}, entry.type.slice(entry.type.indexOf('.') + 1)))
        label.dataset.words = `${entry.type} ${entry.summary}`.toLowerCase()
        return label
      }))
    }))
    this.filter()
  }

  words() { return this.search.value.toLowerCase().split(/\s+/).filter(Boolean) }

  filter() {
    const words = this.words()
    let count = 0
    for (const section of this.list.children) {
      let here = 0
      for (const label of section.querySelectorAll('label')) {
        label.hidden = !words.every((word) => label.dataset.words.includes(word))
        here += label.hidden ? 0 : 1
      }
      section.hidden = here === 0
      count += here
    }
    this.found.textContent = words.length === 0 ? `${count} schedules` : `${count} of ${this.catalog.size}`
  }

  // The address.

  async enter(_, query) {
    await this.loaded
    if (this.catalog.size === 0) return
    if (this.written !== undefined && this.written === location.hash) return
    this.showProblem(undefined, this.linkProblem)
    let schedule = this.schedule ?? START
    let [extras, pins] = [this.extras ?? {}, this.pins]
    if (query.has('schedule')) {
      try {
        schedule = JSON.parse(query.get('schedule'))
        extras = query.has('with') ? JSON.parse(query.get('with')) : {}
        pins = query.getAll('pin').slice(0, 16).map((text) => JSON.parse(text)).filter((pin) => pin?.schedule && typeof pin.schedule === 'object')
      } catch {
        this.showProblem(new Problem(0, { title: 'The link is broken.', detail: 'What it holds is not JSON; it may have been cut off.' }), this.linkProblem)
        schedule = START
      }
    }
    if (typeof schedule !== 'object' || schedule === null || !this.catalog.has(schedule.type)) {
      this.showProblem(new Problem(0, { title: 'The link names no schedule of this server.', detail: `There is no type '${schedule?.type}' here.` }), this.linkProblem)
      schedule = START
    }
    if (query.has('schedule')) {
      this.pins = pins.map((pin, index) => ({ name: String(pin.name ?? pin.schedule.type), schedule: pin.schedule, extras: pin.with ?? {}, slot: index + 1 }))
    }
    this.scale = query.get('y') === 'log' ? 'log' : this.scale ?? 'linear'
    if (query.has('y')) this.scale = query.get('y') === 'log' ? 'log' : 'linear'
    this.isFitted = !query.has('steps')
    if (query.has('steps')) this.steps.value = query.get('steps')
    this.take(schedule, typeof extras === 'object' && extras !== null ? extras : {})
  }

  writeAddress() {
    const query = new URLSearchParams({ schedule: JSON.stringify(this.schedule) })
    if (Object.keys(this.extras).length > 0) query.set('with', JSON.stringify(this.extras))
    if (!this.isFitted) query.set('steps', this.steps.value)
    if (this.scale === 'log') query.set('y', 'log')
    for (const pin of this.pins) {
      query.append('pin', JSON.stringify({ name: pin.name, schedule: pin.schedule, ...(Object.keys(pin.extras).length > 0 ? { with: pin.extras } : {}) }))
    }
    // As few escapes as a link can do with: it is read by people, too.
    const text = query.toString().replaceAll('%22', '"').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%7B', '{').replaceAll('%7D', '}').replaceAll('%5B', '[').replaceAll('%5D', ']')
    history.replaceState(null, '', `#schedules?${text.replaceAll('"', '%22')}`)
    this.written = location.hash
  }

  // Choosing and turning.

  choose(type) {
    const entry = this.catalog.get(type)
    this.showProblem(undefined, this.linkProblem)
    this.isFitted = true
    const { metrics } = entry.example
    // A rule that follows reports has nothing beside it but those.
    const { metrics: _, ...rest } = this.extras
    const extras = entry.loss_driven && metrics ? { metrics } : rest
    this.take(structuredClone(entry.example.schedule), extras)
    announce(`${type}: ${entry.summary}`)
  }

  /** Shows a schedule with controls of its own. */
  take(schedule, extras) {
    this.schedule = schedule
    this.extras = Object.fromEntries(Object.entries(extras).filter(([name]) => EXTRA_NAMES.has(name)))
    this.isBroken.clear()
    const entry = this.catalog.get(schedule.type)
    this.heading.textContent = schedule.type
    this.about.textContent = entry.summary
    this.formula.textContent = entry.formula
    this.source.textContent = entry.source
    this.fields = new Fields(entry, schedule, (name, value, isBroken) => this.set(this.schedule, name, value, isBroken))
    this.form.replaceChildren(this.fields.element)
    this.extraFields = new Fields({ parameters: EXTRAS }, this.extras, (name, value, isBroken) => this.set(this.extras, name, value, isBroken), false)
    if (this.extraFields.more) {
      this.extraFields.more.firstChild.textContent = 'Units, groups, companions'
    }
    this.extraForm.replaceChildren(this.extraFields.element)
    for (const input of this.list.querySelectorAll('input')) input.checked = input.value === schedule.type
    for (const input of this.scales) input.checked = input.value === this.scale
    if (matchMedia('(max-width: 760px)').matches) this.catalogBox.open = false
    this.changed(0)
  }

  set(object, name, value, isBroken = false) {
    if (isBroken) {
      this.isBroken.add(name)
      this.element.classList.add('stale')
      return this.refresh.cancel()
    }
    this.isBroken.delete(name)
    if (value === undefined) delete object[name]
    else object[name] = value
    this.changed()
  }

  changed(wait) {
    if (this.isFitted) this.steps.value = Array.isArray(this.extras.metrics) ? this.extras.metrics.length : horizon(this.schedule)
    this.remember()
    if (wait === 0) this.evaluate()
    else this.refresh()
  }

  stepsChanged() {
    this.remember()
    this.refresh()
  }

  // Asking and drawing.

  count() {
    const text = this.steps.value.trim()
    const count = Number(text)
    return /^\d+(e\d+)?$/i.test(text) && count >= 1 && count <= LARGEST ? count : undefined
  }

  request(schedule, extras, steps) {
    // A loss-driven rule has as many steps as there are metrics.
    return { schedule, ...extras, ...(extras.metrics ? {} : steps) }
  }

  async rates(request, signal) {
    const key = JSON.stringify(request)
    if (this.answers.has(key)) return this.answers.get(key)
    const answer = await sendJSON('POST', 'schedule', request, { signal })
    if (this.answers.size > 100) this.answers.delete(this.answers.keys().next().value)
    this.answers.set(key, answer)
    return answer
  }

  /** Asks for all curves. An answer that comes after a newer question is dropped. */
  async evaluate() {
    this.refresh.cancel()
    const count = this.count()
    this.stepsError.hidden = count !== undefined
    this.stepsError.textContent = count === undefined ? 'a whole number of steps, at least 1' : ''
    if (count === undefined || this.isBroken.size > 0) return
    this.controller?.abort()
    const controller = new AbortController()
    this.controller = controller
    const steps = selection(count)
    const asked = structuredClone(this.request(this.schedule, this.extras, steps))
    const pins = this.pins.map((pin) => this.rates(this.request(pin.schedule, pin.extras, steps), controller.signal).catch((error) => error))
    try {
      const answer = await this.rates(asked, controller.signal)
      const others = await Promise.all(pins)
      if (this.controller !== controller) return
      const x = steps.at ?? Array.from({ length: answer.learning_rates.length }, (_, index) => index)
      this.shown = { x, answer, pins: this.pins.map((pin, index) => ({ pin, answer: others[index] })) }
      this.fields.clear()
      this.extraFields.clear()
      this.showProblem()
      this.element.classList.remove('stale')
      this.draw()
    } catch (error) {
      if (error.name === 'AbortError' || this.controller !== controller) return
      this.showError(error)
    }
  }

  showError(error) {
    this.fields.clear()
    this.extraFields.clear()
    // The curve that is still there belongs to what was there before.
    this.element.classList.add('stale')
    const names = pointerNames(error.pointer)
    const text = error.message
    if (names[0] === 'steps' || names[0] === 'at') {
      this.stepsError.textContent = text
      this.stepsError.hidden = false
      this.showProblem()
      announce(text)
    } else if ((names[0] === 'schedule' && this.fields.show(names.slice(1), text)) || this.extraFields.show(names, text)) {
      this.showProblem()
      announce(`${names[names.length - 1]}: ${text}`)
    } else {
      this.showProblem(error)
    }
  }

  showProblem(error, box = this.problem) {
    showProblem(box, error)
  }

  draw() {
    if (!this.shown) return
    const { x, answer, pins } = this.shown
    const steps = (values) => (values.length === x.length ? x : Array.from(values.keys()))
    const curves = [{ name: this.schedule.type, slot: 0, x: steps(answer.learning_rates), y: answer.learning_rates }]
    const others = new Map()
    const sort = (result, name, slot) => {
      let next = slot
      for (const [key, value] of Object.entries(result.groups ?? {})) {
        next += 1
        curves.push({ name: `${name} ${key}`, slot: next + 8, x: steps(value), y: value })
      }
      for (const [key, value] of Object.entries(result)) {
        if (key === 'learning_rates' || !Array.isArray(value)) continue
        if (!others.has(key)) others.set(key, [])
        others.get(key).push({ name, slot, x: steps(value), y: value })
      }
    }
    sort(answer, this.schedule.type, 0)
    for (const { pin, answer: result } of pins) {
      if (result instanceof Error) continue
      curves.push({ name: pin.name, slot: pin.slot, x: steps(result.learning_rates), y: result.learning_rates })
      sort(result, pin.name, pin.slot)
    }
    this.chart.set({ curves, scale: this.scale })
    for (const [name, chart] of this.otherCharts) {
      if (others.has(name)) continue
      chart.element.remove()
      this.otherCharts.delete(name)
    }
    for (const [name, list] of others) {
      if (!this.otherCharts.has(name)) {
        const chart = new Chart({ title: name.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase()), height: 170 })
        this.otherCharts.set(name, chart)
        this.others.append(chart.element)
      }
      this.otherCharts.get(name).set({ curves: list, scale: 'linear' })
    }
    this.drawPins()
    this.copies.show(this.request(this.schedule, this.extras, { steps: this.count() }), this.count(), this.catalog.get(this.schedule.type).loss_driven)
  }

  // Pinned curves.

  pin() {
    if (this.pins.length >= 16) return announce('There are sixteen curves: take one away first')
    const slots = new Set(this.pins.map((pin) => pin.slot))
    let slot = 1
    while (slots.has(slot)) slot += 1
    const base = this.schedule.type
    let name = base
    for (let number = 2; this.pins.some((pin) => pin.name === name); number += 1) name = `${base} ${number}`
    this.pins.push({ name, schedule: structuredClone(this.schedule), extras: structuredClone(this.extras), slot })
    announce(`${name} is pinned; turn the parameters to compare`)
    this.changed(0)
  }

  drawPins() {
    const rows = [h('li', {}, swatch(0), h('span', { class: 'name' }, `${this.schedule.type} `, h('small', {}, 'as turned now')),
      this.facts(this.shown.answer))]
    for (const { pin, answer } of this.shown.pins) {
      const id = freshID('pin')
      const input = h('input', { type: 'text', id, value: pin.name, maxlength: 64, autocomplete: 'off', onchange: () => {
        pin.name = input.value.trim() || pin.schedule.type
        this.changed(0)
      } })
      rows.push(h('li', {}, swatch(pin.slot), h('label', { class: 'visually-hidden', for: id }, `Name of ${pin.name}`), input,
        answer instanceof Error ? h('span', { class: 'error' }, answer.message) : this.facts(answer),
        h('button', { type: 'button', onclick: () => { this.take(structuredClone(pin.schedule), structuredClone(pin.extras)); this.heading.focus() }, 'aria-label': `Edit ${pin.name}` }, 'Edit'),
        h('button', { type: 'button', 'aria-label': `Take ${pin.name} away`, onclick: () => {
          this.pins = this.pins.filter((other) => other !== pin)
          announce(`${pin.name} is taken away`)
          this.heading.focus()
          this.changed(0)
        } }, 'Remove')))
    }
    // Not while somebody types a name in it.
    if (!this.pinList.contains(document.activeElement) || document.activeElement.tagName !== 'INPUT') this.pinList.replaceChildren(...rows)
    else if (this.pinList.children.length !== rows.length) this.pinList.replaceChildren(...rows)
  }

  facts(answer) {
    const rates = answer.learning_rates.filter(Number.isFinite)
    if (rates.length === 0) return h('span', { class: 'facts' })
    const peak = rates.reduce((a, b) => Math.max(a, b))
    return h('span', { class: 'facts' }, `first ${numberText(rates[0])} · peak ${numberText(peak)} · last ${numberText(rates[rates.length - 1])}`)
  }

}
