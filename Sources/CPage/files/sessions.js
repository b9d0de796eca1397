// The room of sessions: the list, and a form to open one. A single session is in session.js.

import { getJSON, sendJSON } from './api.js'
import { announce, copyButton, debounced, h, numberText, showProblem } from './dom.js'
import { Fields, pointerNames } from './fields.js'
import { SessionView } from './session.js'

const STATES = ['waiting', 'running', 'stalled', 'stopped']
/** How often the list is asked for anew, in milliseconds. */
const PAUSE = 4000

/** What a new session is made of. */
const SPECIFICATION = [
  { name: 'id', description: 'its name; without one the server chooses', kind: 'text', required: false },
  { name: 'schedule', description: 'as in the room of schedules', kind: 'schedule', required: true },
  { name: 'policies', description: 'what reacts to the reports', kind: 'array of objects', required: false },
  { name: 'bounds', description: 'no rate is below min or above max, as in {"min": 1e-7, "max": 0.01}', kind: 'object of numbers', required: false },
  { name: 'groups', description: 'a multiplier for each parameter group, as in {"head": 1, "backbone": 0.1}', kind: 'object of numbers', required: false },
  { name: 'ranks', description: 'as in {"mode": "quorum", "world_size": 8}', kind: 'object of numbers', required: false },
  { name: 'look_ahead', description: 'how many steps may be sealed beyond the last report', kind: 'integer', range: 'at least 1', required: false },
  { name: 'on_nonfinite', description: 'what a report that is no finite number does', kind: 'choice', choices: ['hold', 'back_off', 'roll_back', 'stop'], required: false, default: 'hold' },
  { name: 'fallback', description: 'what the trainer does without the server', kind: 'choice', choices: ['schedule', 'hold'], required: false, default: 'schedule' },
  { name: 'lease', description: 'seconds without a report until it counts as stalled', kind: 'integer', range: 'at least 1', required: false, default: 900 },
  { name: 'retain', description: 'seconds without a change until it is deleted', kind: 'integer', range: 'at least 1', required: false, default: 2592000 },
  { name: 'seed', description: 'for schedules with noise that have none of their own', kind: 'integer', range: 'at least 0', required: false },
  { name: 'token', description: 'give it a token of its own, which is told once', kind: 'boolean', required: false, default: false },
  { name: 'labels', description: 'as in {"team": "vision"}', kind: 'object of numbers', required: false },
]

/** A name for a request, so that it is safe to send again. */
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, '0')).join('')
}

/** How long ago a time was. */
export function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - time) / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86400)} d ago`
}

export function stateMark(state) { return h('span', { class: `state state-${state}` }, state) }

export class SessionsRoom {
  constructor() {
    this.rows = new Map()
    this.element = h('section', { class: 'room', 'aria-label': 'Sessions' })
    this.refresh = debounced(200, () => this.load())
    this.build()
  }

  build() {
    const filter = (name, control) => h('div', {}, h('label', { for: control.id }, name), control)
    this.search = h('input', { type: 'search', id: 'session-search', autocomplete: 'off', spellcheck: 'false', oninput: () => this.show() })
    this.state = h('select', { id: 'session-state', onchange: () => this.load() }, h('option', { value: '' }, 'any'), STATES.map((state) => h('option', {}, state)))
    this.label = h('input', { type: 'text', id: 'session-label', placeholder: 'name=value', autocomplete: 'off', spellcheck: 'false', oninput: () => this.refresh() })
    this.found = h('p', { class: 'hint', role: 'status' })
    this.problem = h('div', { class: 'problem', role: 'alert', hidden: true })
    this.body = h('tbody', {})
    this.more = h('button', { type: 'button', hidden: true, onclick: () => this.load(this.cursor) }, 'Show more')
    this.heading = h('h1', { tabindex: -1 }, 'Sessions')
    this.table = h('div', { class: 'scroll panel', tabindex: 0, role: 'region', 'aria-label': 'List of sessions' }, h('table', { class: 'wide' },
      h('thead', {}, h('tr', {}, ['Name', 'State', 'Step', 'Attempt', 'Labels', 'Last word'].map((name) => h('th', { scope: 'col' }, name)))), this.body))
    this.creation = h('div', {})
    this.creationBox = h('details', { class: 'panel', ontoggle: () => { if (this.creationBox.open && !this.fields) this.fillCreation({ schedule: { type: 'cosine', base_lr: 0.1, total_steps: 1000 } }) } },
      h('summary', {}, 'Open a session'), this.creation)
    this.list = h('div', { class: 'column' },
      h('header', {}, this.heading, h('p', { class: 'about' }, 'A session serves one training job: the trainer reports its loss and gets the next rate; you watch, and may change the course.')),
      this.creationBox, h('div', { class: 'toolbar' }, filter('Search', this.search), filter('State', this.state), filter('Label', this.label)),
      this.found, this.problem, this.table, this.more)
    this.element.append(this.list)
  }

  enter(id, query) {
    this.view?.close()
    this.view?.element.remove()
    this.view = undefined
    clearInterval(this.timer)
    this.list.hidden = id !== ''
    if (id !== '') {
      this.view = new SessionView(id)
      this.element.append(this.view.element)
      this.view.heading.focus({ preventScroll: true })
      return
    }
    if (query.has('schedule')) {
      let wanted
      try {
        wanted = { schedule: JSON.parse(query.get('schedule')) }
        if (query.has('policies')) wanted.policies = JSON.parse(query.get('policies'))
      } catch {
        wanted = undefined
      }
      if (wanted) {
        this.fillCreation(wanted)
        this.creationBox.open = true
        this.creationBox.querySelector('input, textarea')?.focus()
      }
    }
    this.load()
    this.timer = setInterval(() => { if (document.visibilityState === 'visible' && !this.cursorUsed) this.load() }, PAUSE)
  }

  leave() {
    clearInterval(this.timer)
    this.view?.close()
    this.view?.element.remove()
    this.view = undefined
  }

  // The list.

  async load(cursor) {
    const query = new URLSearchParams({ limit: 200 })
    if (this.state.value !== '') query.set('state', this.state.value)
    if (this.label.value.includes('=')) query.set('label', this.label.value)
    if (cursor !== undefined) query.set('cursor', cursor)
    this.cursorUsed = cursor !== undefined
    try {
      const page = await getJSON(`sessions?${query}`)
      this.sessions = cursor === undefined ? page.sessions : [...this.sessions, ...page.sessions]
      this.cursor = page.cursor
      this.more.hidden = page.cursor === undefined
      showProblem(this.problem)
      this.show()
    } catch (error) {
      showProblem(this.problem, error)
      if (error.status === 401) clearInterval(this.timer)
    }
  }

  show() {
    if (!this.sessions) return
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const shown = this.sessions.filter((session) => {
      const text = `${session.id} ${Object.entries(session.labels ?? {}).map((pair) => pair.join('=')).join(' ')}`.toLowerCase()
      return words.every((word) => text.includes(word))
    })
    const text = this.sessions.length === 0 ? 'There are no sessions. Open one here, or let a trainer do it: PUT /sessions/NAME.'
      : `${shown.length} of ${this.sessions.length}${this.cursor === undefined ? '' : ' so far'}`
    if (this.found.textContent !== text) this.found.textContent = text
    // Rows are kept, so that the focus on one of them is not lost.
    const rows = shown.map((session) => {
      if (!this.rows.has(session.id)) {
        const cells = Array.from({ length: 5 }, () => h('td', {}))
        this.rows.set(session.id, { cells, row: h('tr', {}, h('th', { scope: 'row' }, h('a', { href: `#sessions/${encodeURIComponent(session.id)}` }, session.id)), cells) })
      }
      const { row, cells } = this.rows.get(session.id)
      cells[0].replaceChildren(stateMark(session.state))
      cells[1].textContent = session.last_step === null ? '–' : numberText(session.last_step, 8)
      cells[2].textContent = session.attempt
      cells[3].textContent = Object.entries(session.labels ?? {}).map((pair) => pair.join('=')).join(', ')
      cells[4].textContent = ago(session.updated_at)
      return row
    })
    const before = [...this.body.children]
    if (before.length !== rows.length || rows.some((row, index) => row !== before[index])) this.body.replaceChildren(...rows)
    this.table.hidden = rows.length === 0
  }

  // Opening one.

  async fillCreation(specification) {
    const wanted = { ...specification }
    const error = h('div', { class: 'problem', role: 'alert', hidden: true })
    const broken = new Set()
    let key = freshKey()
    this.fields = new Fields({ parameters: SPECIFICATION }, { id: '', ...wanted, policies: wanted.policies ?? [] }, (name, value, isBroken) => {
      if (isBroken) broken.add(name)
      else broken.delete(name)
      if (value === undefined) delete wanted[name]
      else wanted[name] = value
      key = freshKey()
    }, false)
    const policies = this.fields.fields.get('policies')
    const choice = h('select', { 'aria-label': 'Add a policy', onchange: () => {
      const entry = this.policies?.find((candidate) => candidate.type === choice.value)
      choice.value = ''
      if (!entry) return
      const example = { ...entry.example }
      // In a session the rate is the schedule's.
      delete example.base_lr
      let list = []
      try {
        list = JSON.parse(policies.control.value)
      } catch {
        // What was there is no list yet.
      }
      policies.control.value = JSON.stringify([...(Array.isArray(list) ? list : []), example], null, 1)
      policies.control.dispatchEvent(new Event('input'))
      policies.control.focus()
    } }, h('option', { value: '' }, 'Add a policy …'))
    policies.element.append(choice)
    const submit = async (event) => {
      event.preventDefault()
      if (broken.size > 0) return
      this.fields.clear()
      error.hidden = true
      const { id, ...body } = wanted
      if (Array.isArray(body.policies) && body.policies.length === 0) delete body.policies
      try {
        const session = id ? await sendJSON('PUT', `sessions/${encodeURIComponent(id)}`, body)
          : await sendJSON('POST', 'sessions', body, { headers: { 'Idempotency-Key': key } })
        announce(`The session ${session.id} is open`)
        this.creationBox.open = false
        if (session.token) this.showToken(session)
        else location.hash = `#sessions/${encodeURIComponent(session.id)}`
      } catch (problem) {
        const names = pointerNames(problem.pointer)
        if (names.length > 0 && this.fields.show(names, problem.message)) return announce(problem.message)
        error.replaceChildren(h('b', {}, problem.title ?? 'Something went wrong'), ` ${problem.message}`)
        error.hidden = false
      }
    }
    this.creation.replaceChildren(h('form', { onsubmit: submit, class: 'creation' }, this.fields.element, error,
      h('div', { class: 'actions' }, h('button', { type: 'submit', class: 'primary' }, 'Open it'))))
    try {
      this.policies ??= (await getJSON('policies')).policies
      choice.append(...this.policies.map((entry) => h('option', { value: entry.type }, entry.type)))
    } catch {
      choice.hidden = true
    }
  }

  showToken(session) {
    this.creation.replaceChildren(h('div', { class: 'notice', role: 'alert' }, h('p', {}, h('b', {}, `The token of ${session.id}`), ', told this once: its trainer needs it.'),
      h('pre', { tabindex: 0 }, session.token), h('div', { class: 'actions' }, copyButton('Copy the token', () => session.token),
        h('a', { href: `#sessions/${encodeURIComponent(session.id)}` }, 'To the session'))))
    this.fields = undefined
    this.creationBox.open = true
  }
}
