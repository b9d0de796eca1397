// One session, live: its rates and reports as they come, and the ways to change its course.

import { ask, follow, getJSON, sendJSON } from './api.js'
import { Chart } from './chart.js'
import { announce, copyButton, debounced, freshID, h, numberText, showProblem } from './dom.js'
import { Fields, pointerNames } from './fields.js'
import { ago, freshKey, stateMark } from './sessions.js'

/** The most points that a series keeps; beyond, every second one goes. */
const LARGEST = 60000
/** The most ranks that have a curve each. */
const RANKS = 7

/** Values by step, ascending, however they come. */
class Series {
  x = []
  y = []

  add(step, value) {
    const last = this.x.length - 1
    if (last < 0 || step > this.x[last]) {
      this.x.push(step)
      this.y.push(value)
      if (this.x.length > LARGEST) {
        this.x = this.x.filter((_, index) => index % 2 === 0)
        this.y = this.y.filter((_, index) => index % 2 === 0)
      }
      return
    }
    let [low, high] = [0, last]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.x[middle] < step) low = middle + 1
      else high = middle
    }
    if (this.x[low] === step) this.y[low] = value
    else {
      this.x.splice(low, 0, step)
      this.y.splice(low, 0, value)
    }
  }

  /** Takes off what is at the step and after it. */
  cut(step) {
    const rest = new Series()
    let index = this.x.length
    while (index > 0 && this.x[index - 1] >= step) index -= 1
    rest.x = this.x.splice(index)
    rest.y = this.y.splice(index)
    return rest
  }
}

/** What was reported; "nan", "inf" and "-inf" are no points of a curve. */
function reported(value) { return typeof value === 'number' ? value : NaN }

const CHANGES = {
  factor: { title: 'Multiply the rate', parameters: [{ name: 'factor', description: 'what the rate is multiplied by', kind: 'number', range: 'at least 0', required: true }], start: { factor: 0.5 } },
  learning_rate: { title: 'Set the rate', parameters: [{ name: 'learning_rate', description: 'the rate, whatever schedule and policies say', kind: 'number', range: 'at least 0', required: true }], start: {} },
  cooldown: {
    title: 'Cool down', start: { steps: 200 }, isNested: true,
    parameters: [
      { name: 'steps', description: 'the length of the cooldown', kind: 'integer', range: 'at least 1', required: true },
      { name: 'shape', description: 'its form', kind: 'choice', choices: ['1-sqrt', 'linear', 'cosine'], required: false, default: '1-sqrt' },
      { name: 'floor', description: 'the rate that it ends at', kind: 'number', range: 'at least 0', required: false, default: 0 },
    ],
  },
  schedule: { title: 'Another schedule', parameters: [{ name: 'schedule', description: 'takes the place of the schedule; steps stay as they are counted', kind: 'schedule', required: true }], start: {} },
}
const WHEN = [
  { name: 'effective_step', description: 'the first step that changes; without it, the first that is not sealed', kind: 'integer', required: false },
  { name: 'until_step', description: 'the last step that changes; without it, for ever', kind: 'integer', required: false },
]
const WHY = [
  { name: 'reason', description: 'why; it stays in the record', kind: 'text', required: true },
  { name: 'author', description: 'who', kind: 'text', required: false },
]

/** A form over fields, which shows what is wrong beside the field that it is about. */
class ChangeForm {
  /** send(value) does it; checked before: what is required and empty. */
  constructor({ parameters, value = {}, button, danger = false, send }) {
    this.value = { ...value }
    this.broken = new Set()
    this.error = h('div', { class: 'problem', role: 'alert', hidden: true })
    this.fields = new Fields({ parameters }, this.value, (name, entry, isBroken) => {
      if (isBroken) this.broken.add(name)
      else this.broken.delete(name)
      if (entry === undefined) delete this.value[name]
      else this.value[name] = entry
      this.changed?.()
    })
    this.parameters = parameters
    this.button = h('button', { type: 'submit', class: danger ? 'danger' : '' }, button)
    this.actions = h('div', { class: 'actions' }, this.button)
    this.element = h('form', { class: 'change', onsubmit: (event) => { event.preventDefault(); this.attempt(send) } }, this.fields.element, this.error, this.actions)
  }

  async attempt(send) {
    if (this.broken.size > 0 || !this.isComplete()) return
    this.fields.clear()
    this.error.hidden = true
    this.button.disabled = true
    try {
      await send(this.value)
    } catch (problem) {
      this.fail(problem)
    } finally {
      this.button.disabled = false
    }
  }

  isComplete() {
    for (const { name, required } of this.parameters) {
      const value = this.value[name]
      if (!required || (value !== undefined && String(value).trim() !== '')) continue
      const text = name === 'reason' ? 'Say why: it stays in the record.' : 'This is needed.'
      this.fields.show([name], text)
      this.fields.fields.get(name).control.focus()
      announce(`${name}: ${text}`)
      return false
    }
    return true
  }

  fail(problem) {
    let names = pointerNames(problem.pointer)
    if (names.length > 1 && !this.fields.fields.has(names[0])) names = names.slice(1)
    if (names.length > 0 && this.fields.show(names, problem.message)) return announce(problem.message)
    this.error.replaceChildren(h('b', {}, problem.title ?? 'Something went wrong'), ` ${problem.message}`)
    this.error.hidden = false
  }
}

export class SessionView {
  constructor(id) {
    this.id = id
    this.path = `sessions/${encodeURIComponent(id)}`
    this.rates = new Series()
    this.metrics = new Map()
    this.past = []
    this.record = []
    this.marks = []
    this.redraw = this.paced(() => this.draw())
    this.reload = debounced(250, () => this.load())
    this.build()
    this.load()
    this.stop = follow(`${this.path}/events`, {
      event: (kind, data, revision) => this.take(kind, data, revision),
      batch: () => { this.redraw(); this.reload.soon() },
      state: (state) => this.connection(state),
      ended: (data) => this.connection('ended', data.reason),
      failed: (problem) => this.showProblem(problem),
    })
    // Not put off again and again by reports that come all the time.
    this.reload.soon = this.paced(() => this.load(), 700)
    this.timer = setInterval(() => this.load(), 15000)
  }

  close() {
    this.isClosed = true
    this.stop()
    clearInterval(this.timer)
  }

  /** At most once in so many milliseconds, and once more after the last call. */
  paced(body, milliseconds = 120) {
    let isWaiting = false
    return () => {
      if (isWaiting) return
      isWaiting = true
      setTimeout(() => {
        isWaiting = false
        if (!this.isClosed) body()
      }, milliseconds)
    }
  }

  build() {
    this.heading = h('h1', { tabindex: -1 }, this.id)
    this.state = h('span', {})
    this.live = h('span', { class: 'live', role: 'status' }, 'connecting …')
    this.problem = h('div', { class: 'problem', role: 'alert', hidden: true })
    this.facts = h('dl', { class: 'facts' })
    this.rateChart = new Chart({ title: 'Learning rate', height: 260 })
    this.metricChart = new Chart({ title: 'Reports', height: 260 })
    this.metric = h('select', { id: freshID('metric'), onchange: () => this.draw() })
    this.rateScale = this.scaleSwitch('Rate axis')
    this.metricScale = this.scaleSwitch('Report axis')
    this.log = h('ol', { class: 'log' })
    this.range = h('section', { class: 'panel', hidden: true, 'aria-label': 'Range test' })
    this.overrides = h('ul', { class: 'changes' })
    this.commands = h('ul', { class: 'changes' })
    const room = (title, ...parts) => h('details', { class: 'panel' }, h('summary', {}, title), parts)
    this.overrideBox = h('div', {})
    this.buildOverride('factor')
    this.tools = h('div', { class: 'column' },
      h('section', { class: 'panel', 'aria-label': 'Changes of the course' }, h('h2', {}, 'Changes of the course'), this.overrides, this.commands),
      h('details', { class: 'panel', open: true }, h('summary', {}, 'Change the rate'), this.overrideBox),
      room('Command to the trainer', this.commandForm()),
      room('Fork', this.forkForm()),
      this.notesBox = room('Notes and labels'),
      room('Check the record', this.checkForm()),
      room('How a trainer reports', this.trainerHelp()),
      room('Delete', this.deleteForm()))
    this.element = h('div', { class: 'session' },
      h('div', { class: 'column' }, h('nav', { 'aria-label': 'Back' }, h('a', { href: '#sessions' }, '← All sessions')),
        h('header', { class: 'session-head' }, this.heading, this.state, this.live), this.problem, this.facts,
        h('div', { class: 'toolbar' }, this.rateScale.element), this.rateChart.element,
        h('div', { class: 'toolbar' }, h('div', {}, h('label', { for: this.metric.id }, 'Metric'), this.metric), this.metricScale.element),
        this.metricChart.element, this.range,
        h('section', { class: 'panel', 'aria-label': 'Record' }, h('h2', {}, 'Record'), this.log,
          h('p', { class: 'hint' }, 'Restarts, changes, commands, what the policies did, and reports that are no finite number. ',
            'All of it: ', h('code', {}, `GET /${this.path}/history`), '.'))),
      this.tools)
  }

  scaleSwitch(title) {
    const group = freshID('scale')
    const control = { value: 'linear' }
    control.element = h('fieldset', { class: 'switch' }, h('legend', {}, title), ['linear', 'log'].map((name) => h('label', {},
      h('input', { type: 'radio', name: group, value: name, checked: name === 'linear', onchange: () => { control.value = name; this.draw() } }),
      h('span', {}, name === 'log' ? 'logarithmic' : 'linear'))))
    return control
  }

  connection(state, reason) {
    const texts = { live: 'live', lost: 'connection lost; trying again', ended: reason === 'gone' ? 'the session is deleted' : `the stream has ended${reason ? `: ${reason}` : ''}` }
    if (this.live.textContent !== texts[state]) this.live.textContent = texts[state]
    this.live.className = `live live-${state}`
  }

  showProblem(problem) {
    showProblem(this.problem, problem)
    if (problem) this.live.textContent = ''
  }

  // What comes.

  async load() {
    if (this.isClosed) return
    try {
      this.show(await getJSON(this.path))
      this.problem.hidden = true
    } catch (problem) {
      if (!this.isClosed) this.showProblem(problem)
    }
  }

  show(session) {
    const isNew = this.session === undefined
    const before = this.session
    this.session = session
    this.state.replaceChildren(stateMark(session.state))
    if (before && before.state !== session.state) announce(`The session is ${session.state}`)
    const facts = [
      ['Step', session.last_step === null ? 'none yet' : numberText(session.last_step, 9)],
      ['Rate', numberText(session.learning_rate, 6)],
      ['Sealed to', session.sealed_until === null ? '–' : session.sealed_until > 1e15 ? 'the end' : numberText(session.sealed_until, 9)],
      ['Attempt', session.attempt === 1 ? '1' : `${session.attempt}, from step ${session.resume_step}`],
      ['Ranks', session.world_size], ['Reports', numberText(session.reports, 9)],
      ['Last word', ago(session.updated_at)], ['Schedule', session.specification.schedule.type],
      ...session.policies.map((policy) => [policy.type, policy.effect]),
      ...Object.entries(session.labels ?? {}),
      ...(session.lineage ? [['Forked from', `${session.lineage.parent ?? session.lineage.id ?? session.lineage.from ?? ''} at ${session.lineage.at_step ?? '?'}`]] : []),
    ]
    this.facts.replaceChildren(...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value)))))
    this.showChanges(session)
    if (isNew) this.fillNotes(session)
    if (session.specification.policies?.some((policy) => policy.type === 'range_test')) this.loadRange()
  }

  take(kind, data, revision) {
    if (kind === 'reports') return this.takeReports(data)
    const note = (text) => {
      this.record.unshift({ time: data.time, text })
      this.record.length = Math.min(this.record.length, 60)
    }
    if (kind === 'attempt') {
      this.cut(data.resume_step)
      this.marks.push({ x: data.resume_step, text: `attempt ${data.attempt}` })
      note(`Attempt ${data.attempt} goes on from step ${data.resume_step}`)
    } else if (kind === 'override') {
      note(`Change ${data.override.id} from step ${data.override.effective_step}: ${describeChange(data.override)}${because(data.override)}`)
      this.marks.push({ x: data.override.effective_step, text: `change ${data.override.id}` })
    } else if (kind === 'withdrawn') {
      this.marks = this.marks.filter((mark) => mark.text !== `change ${data.id}`)
      note(`Change ${data.id} is withdrawn`)
    } else if (kind === 'command') note(`Command ${data.command.type} at step ${data.command.at_step}${because(data.command)}`)
    else if (kind === 'created') note('Opened')
    else if (kind === 'restored') note('Restored from a saved state')
    else if (kind === 'patched') note('Notes or labels changed')
  }

  takeReports(data) {
    for (const report of data.reports) {
      if (typeof report.learning_rate === 'number') this.rates.add(report.step, report.learning_rate)
      for (const [name, value] of Object.entries(report)) {
        if (!name.startsWith('metrics.')) continue
        const metric = name.slice(8)
        if (!this.metrics.has(metric)) this.metrics.set(metric, new Map())
        const ranks = this.metrics.get(metric)
        const rank = report.rank ?? 0
        if (!ranks.has(rank)) {
          if (ranks.size >= RANKS) continue
          ranks.set(rank, new Series())
        }
        ranks.get(rank).add(report.step, reported(value))
        if (typeof value === 'string') {
          this.record.unshift({ time: data.time, text: `Step ${report.step}: ${metric} is ${value}${rank > 0 ? ` on rank ${rank}` : ''}` })
        }
      }
    }
    for (const decision of data.decisions ?? []) {
      this.record.unshift({ time: data.time, text: `${decision.type}: ${decision.effect}` })
    }
    this.record.length = Math.min(this.record.length, 60)
  }

  /** A restart: what came after its step was run in vain, and is shown faintly. */
  cut(step) {
    const rest = this.rates.cut(step)
    if (rest.x.length > 1) this.past.push({ metric: undefined, series: rest })
    for (const [metric, ranks] of this.metrics) {
      for (const series of ranks.values()) {
        const old = series.cut(step)
        if (old.x.length > 1) this.past.push({ metric, series: old })
      }
    }
    this.past = this.past.slice(-24)
  }

  draw() {
    // One line in a chart needs no dashes, and a noisy one is hard to read with them.
    const curve = (name, slot, series, faint, solid) => ({ name, slot, x: series.x, y: series.y, faint, solid })
    const past = (metric) => this.past.filter((piece) => piece.metric === metric).map((piece) => curve('an earlier attempt', 6, piece.series, true))
    this.rateChart.set({ curves: [curve('rate', 0, this.rates), ...past(undefined)], scale: this.rateScale.value, marks: this.marks })
    const names = [...this.metrics.keys()]
    if (names.length !== this.metric.options.length) {
      const chosen = this.metric.value
      this.metric.replaceChildren(...names.map((name) => h('option', { value: name }, name)))
      this.metric.value = names.includes(chosen) ? chosen : names.includes('loss') ? 'loss' : names[0]
    }
    const metric = this.metric.value
    const ranks = [...(this.metrics.get(metric) ?? new Map())].sort(([a], [b]) => a - b)
    this.metricChart.set({
      curves: [...ranks.map(([rank, series], index) => curve(ranks.length > 1 ? `rank ${rank}` : metric, index + 1, series, false, ranks.length === 1)), ...past(metric)],
      scale: this.metricScale.value, marks: this.marks,
    })
    this.log.replaceChildren(...this.record.slice(0, 40).map((entry) => h('li', {}, h('time', { datetime: new Date(entry.time).toISOString() },
      new Date(entry.time).toLocaleTimeString()), ' ', entry.text)))
  }

  // Changes of the course.

  showChanges(session) {
    // Rebuilt only when it is another list: a button in it may have the focus.
    const text = JSON.stringify([session.overrides, session.commands])
    if (text === this.changesText && this.sealedBefore === (session.sealed_until ?? -1)) return
    const isSame = text === this.changesText
    this.changesText = text
    this.sealedBefore = session.sealed_until ?? -1
    const hasFocus = this.overrides.contains(document.activeElement)
    if (isSame && hasFocus) return
    this.overrides.replaceChildren(...(session.overrides.length === 0 ? [h('li', { class: 'hint' }, 'None.')] : session.overrides.map((override) => {
      const isPending = override.effective_step > this.sealedBefore
      return h('li', {}, h('b', {}, override.id), ` from step ${override.effective_step}${override.until_step === undefined ? '' : ` to ${override.until_step}`}: ${describeChange(override)}${because(override)} `,
        isPending ? h('button', { type: 'button', 'aria-label': `Withdraw ${override.id}`, onclick: () => this.withdraw(override.id) }, 'Withdraw') : h('span', { class: 'hint' }, 'in force'))
    })))
    this.commands.replaceChildren(...session.commands.map((command) => h('li', {}, h('b', {}, command.id), ` ${command.type} at step ${command.at_step}${because(command)} `, h('span', { class: 'hint' }, 'not carried out yet'))))
  }

  async withdraw(id) {
    try {
      await sendJSON('DELETE', `${this.path}/overrides/${encodeURIComponent(id)}`)
      announce(`Change ${id} is withdrawn`)
      this.heading.focus({ preventScroll: true })
      await this.load()
    } catch (problem) {
      this.showProblem(problem)
    }
  }

  buildOverride(kind) {
    const change = CHANGES[kind]
    const id = freshID('kind')
    const select = h('select', { id, onchange: () => { this.buildOverride(select.value); this.overrideBox.querySelector('select').focus() } },
      Object.entries(CHANGES).map(([name, { title }]) => h('option', { value: name }, title)))
    select.value = kind
    const preview = h('div', {})
    const start = kind === 'learning_rate' && this.session?.learning_rate ? { learning_rate: this.session.learning_rate }
      : kind === 'schedule' && this.session ? { schedule: this.session.specification.schedule } : change.start
    const form = new ChangeForm({
      parameters: [...change.parameters, ...WHEN, ...WHY], value: { effective_step: undefined, ...start }, button: 'Preview',
      send: (value) => this.preview(form, change, kind, value, preview),
    })
    // A preview is of what it was asked for.
    form.changed = () => preview.replaceChildren()
    this.overrideBox.replaceChildren(h('div', { class: 'field' }, h('label', { for: id }, 'Kind'), select), form.element, preview)
  }

  overrideBody(change, kind, value) {
    if (!change.isNested) return { ...value }
    const names = new Set(change.parameters.map((parameter) => parameter.name))
    const entries = Object.entries(value)
    return { [kind]: Object.fromEntries(entries.filter(([name]) => names.has(name))), ...Object.fromEntries(entries.filter(([name]) => !names.has(name))) }
  }

  async preview(form, change, kind, value, box) {
    const body = this.overrideBody(change, kind, value)
    const answer = await sendJSON('POST', `${this.path}/overrides?dry_run=true`, body)
    const chart = new Chart({ title: 'Before and after', height: 200 })
    const { steps, before, after } = answer.preview
    const key = freshKey()
    const apply = h('button', { type: 'button', class: 'primary', onclick: async () => {
      apply.disabled = true
      try {
        const made = await sendJSON('POST', `${this.path}/overrides`, { ...body, effective_step: body.effective_step ?? undefined }, { headers: { 'Idempotency-Key': key } })
        box.replaceChildren()
        announce(`Change ${made.id} stands from step ${made.effective_step}`)
        this.buildOverride(kind)
        this.overrideBox.querySelector('select').focus()
        await this.load()
      } catch (problem) {
        form.fail(problem)
        apply.disabled = false
      }
    } }, 'Apply this change')
    box.replaceChildren(h('div', { class: 'preview' }, h('p', {}, `From step ${answer.effective_step}: ${describeChange(answer)}.`), chart.element, h('div', { class: 'actions' }, apply)))
    chart.set({ curves: [{ name: 'after', slot: 0, x: steps, y: after }, { name: 'before', slot: 1, x: steps, y: before }], scale: this.rateScale.value })
    announce(`Preview: from step ${answer.effective_step}. ${chart.summary.textContent}`)
  }

  commandForm() {
    const form = new ChangeForm({
      parameters: [
        { name: 'command', description: 'what the trainer is to do', kind: 'choice', choices: ['checkpoint', 'roll_back', 'stop'], required: true },
        { name: 'at_step', description: 'when; without it, at the first step that all ranks can still keep', kind: 'integer', required: false },
        { name: 'resume_step', description: 'of a roll-back: where to', kind: 'integer', required: false },
        WHY[0],
      ], value: { command: 'checkpoint' }, button: 'Send the command',
      send: async (value) => {
        const made = await sendJSON('POST', `${this.path}/overrides`, value, { headers: { 'Idempotency-Key': freshKey() } })
        announce(`The command ${made.type ?? ''} ${made.id} is sent to the trainer`)
        await this.load()
      },
    })
    return form.element
  }

  forkForm() {
    const form = new ChangeForm({
      parameters: [
        { name: 'at_step', description: "the first step that is the fork's own; without it, the one after the last report", kind: 'integer', required: false },
        { name: 'id', description: 'its name; without one the server chooses', kind: 'text', required: false },
        { name: 'schedule', description: 'another schedule from there on; without it, the same', kind: 'schedule', required: false },
      ], button: 'Fork it',
      send: async (value) => {
        const made = await sendJSON('POST', `${this.path}/fork`, value, { headers: { 'Idempotency-Key': freshKey() } })
        announce(`The session ${made.id} is open`)
        location.hash = `#sessions/${encodeURIComponent(made.id)}`
      },
    })
    return form.element
  }

  fillNotes(session) {
    const form = new ChangeForm({
      parameters: [
        { name: 'notes', description: 'for people', kind: 'text', required: false },
        { name: 'labels', description: 'as in {"team": "vision"}', kind: 'object of numbers', required: false },
      ], value: { notes: session.notes, labels: session.labels }, button: 'Save',
      send: async (value) => {
        const etag = `"${this.session.revision}"`
        await sendJSON('PATCH', this.path, { notes: value.notes ?? '', labels: value.labels ?? {} }, this.session.state === 'running' ? {} : { headers: { 'If-Match': etag } })
        announce('Saved')
        await this.load()
      },
    })
    this.notesBox.append(form.element)
  }

  checkForm() {
    const result = h('p', { role: 'status' })
    const button = h('button', { type: 'button', onclick: async () => {
      button.disabled = true
      result.textContent = 'Computing …'
      try {
        const answer = await sendJSON('POST', `${this.path}/replay`, {})
        result.textContent = answer.verified ? `Computed anew from ${answer.events} events: every rate and every decision is the same.`
          : `It differs: ${JSON.stringify(answer.divergence)}`
      } catch (problem) {
        result.textContent = problem.message
      }
      button.disabled = false
    } }, 'Compute it anew')
    return [h('p', { class: 'hint' }, 'Folds the log again and compares every rate with what was handed out.'), h('div', { class: 'actions' }, button), result]
  }

  trainerHelp() {
    const url = new URL(`${this.path}/next`, document.baseURI).href
    const text = `curl -s '${url}' -H 'Content-Type: application/json' -d '{"step": 0, "loss": 2.31}'`
    return [h('p', { class: 'hint' }, 'After each step; the answer has the rate of the next one.'), h('pre', { tabindex: 0, 'aria-label': 'A report with curl' }, text), h('div', { class: 'actions' }, copyButton('Copy', () => text))]
  }

  deleteForm() {
    const form = new ChangeForm({
      parameters: [{ name: 'name', description: `write ${this.id} here; it cannot be undone, and the name stays taken`, kind: 'text', required: true }],
      button: 'Delete the session', danger: true,
      send: async (value) => {
        if (value.name !== this.id) {
          form.fields.show(['name'], 'This is not its name.')
          return
        }
        await ask(this.path, { method: 'DELETE' })
        announce(`The session ${this.id} is deleted`)
        location.hash = '#sessions'
      },
    })
    return form.element
  }

  // Range tests.

  async loadRange() {
    if (this.isClosed || this.rangeRevision === this.session.reports) return
    this.rangeRevision = this.session.reports
    let found
    try {
      found = await getJSON(`${this.path}/suggestions`)
    } catch {
      return
    }
    if (this.range.hidden) {
      this.rangeChart = new Chart({ title: 'Loss against rate', height: 220, axis: 'rate' })
      this.rangeState = h('p', { class: 'hint' })
      this.rangeRows = h('tbody', {})
      this.range.append(h('h2', {}, 'Range test'), this.rangeState, this.rangeChart.element, h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Suggestions' },
        h('table', {}, h('thead', {}, h('tr', {}, ['Suggestion', 'Rate', 'By'].map((name) => h('th', { scope: 'col' }, name)))), this.rangeRows)))
      this.range.hidden = false
    }
    this.rangeState.textContent = `The test is ${found.state}.`
    const x = found.learning_rates.map(Math.log10)
    this.rangeChart.axis = 'log10 of the rate'
    this.rangeChart.set({ curves: [{ name: 'smoothed', slot: 0, x, y: found.smoothed.map(reported) }, { name: 'loss', slot: 1, x, y: found.losses.map(reported) }],
      marks: found.suggestions.filter((entry) => entry.learning_rate > 0).map((entry) => ({ x: Math.log10(entry.learning_rate), text: entry.name })) })
    this.rangeRows.replaceChildren(...found.suggestions.map((entry) => h('tr', {}, h('th', { scope: 'row' }, entry.name), h('td', {}, numberText(entry.learning_rate, 4)), h('td', {}, entry.source))))
  }
}

function describeChange(override) {
  if (override.factor !== undefined) return `the rate times ${numberText(override.factor)}`
  if (override.learning_rate !== undefined) return `the rate is ${numberText(override.learning_rate)}`
  if (override.cooldown !== undefined) return `a cooldown of ${override.cooldown.steps} steps (${override.cooldown.shape}) to ${numberText(override.cooldown.floor)}`
  if (override.schedule !== undefined) return `another schedule, ${override.schedule.type}`
  return ''
}

function because({ reason, author }) {
  return `${reason ? ` – ${reason}` : ''}${author ? ` (${author})` : ''}`
}
