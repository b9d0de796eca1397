// The room of experiments: a problem, optimizers, schedules and rates; what came of each, in words and in pictures.

import { ask, getJSON, readEvents } from './api.js'
import { Chart, COLORS, swatch } from './chart.js'
import { announce, copyButton, debounced, freshID, h, numberText, quoted, showProblem } from './dom.js'
import { Fields, pointerNames } from './fields.js'
import { PRESETS } from './presets.js'

/** What a verdict looks like beside its word: told apart without color. */
const MARKS = {
  converged: '✓', slow: '…', oscillating: '∿', diverged: '✕', stalled: '–', underfit: '⌣', overfit: '⌢', noisy_plateau: '≈',
  unfinished: '○',
}

/** How many curves a chart shows in full; the others are faint. */
const LARGEST = COLORS - 1

/** The range test as a schedule: it stands in the catalog of policies. */
const RANGE_TEST = 'range_test'

function words(name) { return name.replaceAll('_', ' ') }

/** The type alone where nothing else is said. */
function short(value) { return Object.keys(value).length === 1 ? value.type : value }

export class ExperimentsRoom {
  constructor() {
    this.isBroken = new Set()
    this.runs = []
    this.remember = debounced(250, () => this.writeAddress())
    this.build()
    this.loaded = this.load()
  }

  // The page's parts.

  build() {
    this.problemBox = h('div', { class: 'problem', role: 'alert', hidden: true })
    const preset = freshID('preset')
    this.preset = h('select', { id: preset, onchange: () => this.takePreset() }, h('option', { value: '' }, 'One of your own'),
      PRESETS.map((entry, index) => h('option', { value: index }, entry.name)))
    this.presetWords = h('p', { class: 'hint' })

    const type = freshID('problem')
    this.problemType = h('select', { id: type, onchange: () => { this.setProblem({ type: this.problemType.value }); this.changed() } })
    this.problemAbout = h('p', { class: 'hint' })
    this.problemFormula = h('p', { class: 'formula' })
    this.problemForm = h('div')

    this.optimizerBoxes = h('div', { class: 'checks' })
    this.optimizerForms = h('div', { class: 'fields' })
    this.optimizerError = h('p', { class: 'error', hidden: true })

    const schedule = freshID('schedule')
    this.scheduleType = h('select', { id: schedule })
    this.scheduleForms = h('div', { class: 'fields' })

    const [rates, steps] = [freshID('rates'), freshID('steps')]
    const note = { autocomplete: 'off', spellcheck: 'false' }
    this.ratesError = h('p', { class: 'error', id: `${rates}-error`, hidden: true })
    this.rates = h('input', {
      ...note, id: rates, type: 'text', inputmode: 'text', 'aria-describedby': `${rates}-hint ${rates}-error`,
      oninput: () => { this.experiment.rates = this.rates.value; this.changed() },
    })
    this.ratesHint = h('p', { class: 'hint', id: `${rates}-hint` })
    this.stepsError = h('p', { class: 'error', id: `${steps}-error`, hidden: true })
    this.steps = h('input', {
      ...note, id: steps, type: 'text', inputmode: 'numeric', 'aria-describedby': `${steps}-error`,
      oninput: () => { this.experiment.steps = Number(this.steps.value.trim() || NaN); this.changed() },
    })
    this.ratesField = h('div', { class: 'field' }, h('label', { for: rates }, 'Rates'), this.rates, this.ratesHint, this.ratesError)
    this.stepsField = h('div', { class: 'field number' }, h('label', { for: steps }, 'Steps'), this.steps, this.stepsError)

    this.runButton = h('button', { type: 'button', class: 'primary', onclick: () => { this.run(); this.lookAtResults() } }, 'Run')
    this.stopButton = h('button', { type: 'button', disabled: true, onclick: () => this.stop() }, 'Stop')
    this.progress = h('progress', { max: 1, value: 0, 'aria-label': 'How much is done', hidden: true })
    this.state = h('p', { class: 'hint' })

    const form = h('aside', { class: 'column left', 'aria-label': 'The experiment' },
      h('div', { class: 'field' }, h('label', { for: preset }, 'Begin with'), this.preset, this.presetWords),
      h('section', { class: 'fields' }, h('h2', {}, 'Problem'),
        h('div', { class: 'field' }, h('label', { for: type }, 'type'), this.problemType, this.problemAbout), this.problemFormula, this.problemForm),
      h('section', { class: 'fields' }, h('h2', {}, 'Optimizers'),
        h('fieldset', {}, h('legend', { class: 'visually-hidden' }, 'Optimizers'), this.optimizerBoxes), this.optimizerError, this.optimizerForms),
      h('section', { class: 'fields' }, h('h2', {}, 'Schedules'), this.scheduleForms,
        h('div', { class: 'field' }, h('label', { for: schedule }, 'another'), this.scheduleType,
          h('button', { type: 'button', onclick: () => this.addSchedule() }, 'Add'))),
      h('section', { class: 'fields' }, h('h2', {}, 'Rates and steps'), this.ratesField, this.stepsField),
      h('div', { class: 'actions' }, this.runButton, this.stopButton))

    this.heading = h('h1', { tabindex: -1 }, 'Experiments')
    this.theory = h('p', { class: 'about' })
    this.verdicts = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'What came of it' })
    this.detail = h('div', { class: 'panel verdict', hidden: true })
    const scale = freshID('scale')
    this.scale = 'log'
    this.scales = h('fieldset', { class: 'switch' }, h('legend', {}, 'Loss axis'), ['log', 'linear'].map((name) =>
      h('label', {}, h('input', { type: 'radio', name: scale, value: name, checked: name === this.scale, onchange: () => { this.scale = name; this.draw() } }),
        h('span', {}, name === 'log' ? 'logarithmic' : 'linear'))))
    this.lossChart = new Chart({ title: 'Loss', height: 320 })
    this.rateChart = new Chart({ title: 'Learning rate', height: 200 })
    this.ownChart = new Chart({ title: 'The parameters’ own rates: least, median, largest', height: 220 })
    this.picture = h('figure', { class: 'chart', hidden: true })
    this.suggestions = h('div', { class: 'panel', hidden: true })
    this.copies = h('div', { class: 'panel' }, h('h2', {}, 'Take it along'), h('div', { class: 'actions' },
      copyButton('Copy as curl', () => `curl -s ${location.origin}${location.pathname}experiments -d ${quoted(JSON.stringify(this.request()))}`),
      copyButton('Copy as JSON', () => JSON.stringify(this.request(), null, 2)),
      copyButton('Copy as a command', () => this.command()),
      copyButton('Copy the link', () => { this.writeAddress(); return location.href })))
    this.costs = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'What optimizers cost' })
    this.charts = h('div', { class: 'others', hidden: true }, this.scales, this.lossChart.element, this.rateChart.element, this.ownChart.element)
    this.element = h('section', { class: 'room experiments', 'aria-label': 'Experiments' }, form,
      h('div', { class: 'column' }, h('header', {}, this.heading, this.theory), this.problemBox, this.progress, this.state,
        h('div', { class: 'panel', hidden: true }, this.verdicts), this.detail, this.suggestions, this.picture, this.charts, this.copies,
        h('details', { class: 'panel' }, h('summary', {}, 'What optimizers cost'), this.costs)))
  }

  async load() {
    try {
      const [catalog, { schedules }, { policies }] = await Promise.all([getJSON('experiments'), getJSON('schedules'), getJSON('policies')])
      this.problems = new Map(catalog.problems.map((entry) => [entry.type, entry]))
      this.optimizers = new Map(catalog.optimizers.map((entry) => [entry.type, entry]))
      // What is driven by reports has nothing to follow here; a range test has.
      this.schedules = new Map(schedules.filter((entry) => !entry.loss_driven).map((entry) => [entry.type, { ...entry, example: entry.example.schedule }]))
      const test = policies.find((entry) => entry.type === RANGE_TEST)
      if (test) this.schedules.set(RANGE_TEST, { ...test, parameters: test.parameters.filter(({ name }) => !['metric', 'start_step'].includes(name)) })
      this.problemType.replaceChildren(...[...this.problems.keys()].map((name) => h('option', { value: name }, words(name))))
      const types = [...this.schedules.keys()].sort((a, b) => (b === RANGE_TEST) - (a === RANGE_TEST) || a.includes('.') - b.includes('.'))
      this.scheduleType.replaceChildren(...types.map((name) => h('option', { value: name }, name)))
      this.scheduleType.value = 'cosine'
      this.fillCosts()
    } catch (error) {
      this.showProblem(error)
    }
  }

  fillCosts() {
    const most = Math.max(...[...this.optimizers.values()].map((entry) => entry.cost.operations))
    this.costs.replaceChildren(h('table', { class: 'wide' },
      h('thead', {}, h('tr', {}, ['optimizer', 'operations', 'beside the most', 'divisions', 'roots', 'octets of state'].map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, [...this.optimizers.values()].map(({ type, cost }) => h('tr', {}, h('th', { scope: 'row' }, type), h('td', {}, cost.operations),
        h('td', {}, h('meter', { min: 0, max: most, value: cost.operations, 'aria-hidden': 'true' })), h('td', {}, cost.divisions), h('td', {}, cost.square_roots),
        h('td', {}, cost.state_octets))))),
    h('p', { class: 'hint' }, 'For one parameter in one update.'))
  }

  // The address.

  async enter(_, query) {
    await this.loaded
    if (!this.problems) return
    if (query.toString() === this.written && this.experiment) return
    let experiment = PRESETS[0].experiment
    try {
      if (query.has('e')) experiment = { ...experiment, ...JSON.parse(query.get('e')) }
      else if (query.has('schedule')) experiment = { ...PRESETS[4].experiment, ...this.adopted(JSON.parse(query.get('schedule'))) }
      else if (this.experiment) return
      this.take(experiment)
      this.run()
    } catch (error) {
      this.take(PRESETS[0].experiment)
      this.showProblem({ title: 'The link cannot be read', message: error.message })
    }
  }

  /** A schedule from another room, with the rates that it has itself. */
  adopted(schedule) {
    const total = schedule.total_steps ?? schedule.T_max
    return { schedules: [schedule], rates: '', ...(total > 0 && total <= 1e5 ? { steps: total } : {}) }
  }

  writeAddress() {
    const query = new URLSearchParams({ e: JSON.stringify(this.experiment) })
    this.written = query.toString()
    history.replaceState(null, '', `#experiments?${query}`)
  }

  // The experiment.

  takePreset() {
    const entry = PRESETS[this.preset.value]
    if (!entry) return
    this.take(entry.experiment)
    this.lookAtResults()
    this.presetWords.textContent = entry.words
    announce(`${entry.name}: ${entry.words}`)
    this.run()
  }

  take(given) {
    const full = (value) => (typeof value === 'string' ? { type: value } : value)
    this.isBroken.clear()
    this.experiment = structuredClone({ ...given, problem: full(given.problem), optimizers: given.optimizers.map(full) })
    const known = this.problems.has(this.experiment.problem.type) && this.experiment.optimizers.every(({ type }) => this.optimizers.has(type))
      && this.experiment.schedules.every(({ type }) => this.schedules.has(type))
    if (!known) throw new Error('it names something that this server does not have')
    this.rates.value = this.experiment.rates
    this.steps.value = this.experiment.steps
    this.setProblem(this.experiment.problem)
    this.setOptimizers()
    this.setSchedules()
    const preset = PRESETS.findIndex((entry) => entry.experiment === given)
    this.preset.value = preset < 0 ? '' : preset
    this.presetWords.textContent = preset < 0 ? '' : PRESETS[preset].words
    this.changed(true)
  }

  changed(isPreset = false) {
    if (!isPreset) {
      this.preset.value = ''
      this.presetWords.textContent = ''
    }
    const isTest = this.isRangeTest()
    this.ratesField.hidden = isTest
    this.stepsField.hidden = isTest
    this.ratesHint.textContent = 'A list, such as 0.001, 0.01, 0.1, or 0.001 to 1 in 4. Schedules are multiplied with each; empty: their own rates are meant.'
    this.remember()
  }

  isRangeTest() { return this.experiment.schedules[0]?.type === RANGE_TEST }

  edit(object, key) {
    return (name, value, isBroken = false) => {
      if (isBroken) return this.isBroken.add(`${key} ${name}`)
      this.isBroken.delete(`${key} ${name}`)
      if (value === undefined) delete object[name]
      else object[name] = value
      this.changed()
    }
  }

  setProblem(problem) {
    this.experiment.problem = problem
    const entry = this.problems.get(problem.type)
    this.problemType.value = problem.type
    this.problemAbout.textContent = entry.summary
    this.problemFormula.textContent = entry.formula
    this.problemFields = new Fields(entry, problem, this.edit(problem, 'problem'), false)
    this.problemForm.replaceChildren(this.problemFields.element)
  }

  setOptimizers() {
    this.optimizerBoxes.replaceChildren(...[...this.optimizers.values()].map((entry) => h('label', { title: entry.summary },
      h('input', {
        type: 'checkbox', value: entry.type, checked: this.experiment.optimizers.some(({ type }) => type === entry.type),
        onchange: (event) => {
          const rest = this.experiment.optimizers.filter(({ type }) => type !== entry.type)
          this.experiment.optimizers = event.target.checked ? [...rest, { type: entry.type }] : rest
          this.fillOptimizers()
          this.changed()
        },
      }), h('span', {}, entry.type))))
    this.fillOptimizers()
  }

  fillOptimizers() {
    this.optimizerFields = this.experiment.optimizers.map((optimizer, index) =>
      new Fields(this.optimizers.get(optimizer.type), optimizer, this.edit(optimizer, `optimizer ${index}`), true))
    this.optimizerForms.replaceChildren(...this.experiment.optimizers.map((optimizer, index) => h('details', { class: 'more' },
      h('summary', {}, optimizer.type), h('p', { class: 'formula' }, this.optimizers.get(optimizer.type).formula), this.optimizerFields[index].element)))
  }

  addSchedule() {
    const type = this.scheduleType.value
    const schedule = structuredClone(this.schedules.get(type).example)
    // Beside rates a schedule is a factor.
    if (type !== RANGE_TEST && this.rates.value.trim() !== '') delete schedule.base_lr
    this.experiment.schedules = type === RANGE_TEST || this.isRangeTest() ? [schedule] : [...this.experiment.schedules, schedule]
    this.setSchedules()
    this.changed()
    announce(`${type} is added`)
  }

  setSchedules() {
    this.scheduleFields = this.experiment.schedules.map((schedule, index) => {
      const entry = this.schedules.get(schedule.type)
      // A rate of its own is no must here.
      const parameters = entry.parameters.map((parameter) => (parameter.name === 'base_lr' ? { ...parameter, required: false } : parameter))
      return new Fields({ ...entry, parameters }, schedule, this.edit(schedule, `schedule ${index}`), false)
    })
    this.scheduleForms.replaceChildren(...this.experiment.schedules.map((schedule, index) => h('details', { class: 'more', open: this.experiment.schedules.length === 1 },
      h('summary', {}, schedule.type), this.scheduleFields[index].element,
      this.experiment.schedules.length < 2 ? null : h('button', {
        type: 'button', onclick: () => {
          this.experiment.schedules.splice(index, 1)
          this.setSchedules()
          this.changed()
          announce(`${schedule.type} is taken away`)
        },
      }, `Take ${schedule.type} away`))))
  }

  /** The rates in the field; what is no number goes as it is: the server says what is wrong with it. */
  rateList() {
    const text = this.experiment.rates.trim()
    const range = text.match(/^(\S+) to (\S+) in (\d+)$/)
    if (range) {
      const [low, high, count] = range.slice(1).map(Number)
      if (low > 0 && high > 0 && count >= 1 && count <= 256) {
        return Array.from({ length: count }, (_, index) => Number((low * (high / low) ** (count === 1 ? 0 : index / (count - 1))).toPrecision(3)))
      }
    }
    return text.split(/[,;\s]+/).filter(Boolean).map((part) => (Number.isFinite(Number(part)) ? Number(part) : part))
  }

  request() {
    const { problem, optimizers, schedules, steps } = this.experiment
    const request = { problem: short(problem), optimizers: optimizers.map(short) }
    if (this.isRangeTest()) return { ...request, schedule: schedules[0] }
    request.schedules = schedules
    const rates = this.rateList()
    if (rates.length > 0) request.rates = rates
    if (Number.isFinite(steps)) request.steps = steps
    return request
  }

  /** The same on the command line. */
  command() {
    const word = (value) => (typeof value === 'string' ? value : quoted(JSON.stringify(value)))
    const { problem, optimizers, schedule, schedules, rates, steps } = this.request()
    const parts = [`anneal experiment ${word(problem)}`, `--optimizer ${optimizers.map(word).join(' ')}`]
    parts.push(`--schedule ${(schedule ? [schedule] : schedules).map(word).join(' ')}`)
    if (rates) parts.push(`--rate ${rates.join(' ')}`)
    if (steps) parts.push(`--steps ${steps}`)
    return parts.join(' ')
  }

  // Running.

  async run() {
    this.stop()
    this.clearErrors()
    if (this.isBroken.size > 0) return this.showProblem({ title: 'Not yet', message: 'A field holds what is not JSON.' })
    const controller = new AbortController()
    this.controller = controller
    const request = this.request()
    this.shownRequest = request
    this.runs = []
    this.chosen = undefined
    this.best = undefined
    this.setRunning(true)
    this.state.textContent = 'It begins …'
    try {
      const response = await ask('experiments', {
        method: 'POST', body: JSON.stringify(request), signal: controller.signal,
        headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      })
      await readEvents(response, ({ kind, data }) => this.receive(kind, data, request), () => this.draw())
      this.setRunning(false)
      await this.drawPicture(request, controller.signal)
    } catch (error) {
      if (this.controller !== controller) return
      this.setRunning(false)
      if (error.name === 'AbortError') return
      this.showError(error)
    }
  }

  /** Where the form stands above the results, they come into sight. */
  lookAtResults() {
    if (matchMedia('(max-width: 900px)').matches) this.heading.scrollIntoView()
  }

  stop() {
    if (!this.controller) return
    this.controller.abort()
    this.controller = undefined
    if (!this.stopButton.disabled) this.state.textContent = `Stopped: ${this.runs.length} runs are there.`
    this.setRunning(false)
  }

  setRunning(isRunning) {
    this.stopButton.disabled = !isRunning
    this.progress.hidden = !isRunning
    this.element.setAttribute('aria-busy', isRunning ? 'true' : 'false')
    if (isRunning) {
      this.progress.value = 0
      for (const part of [this.verdicts.parentElement, this.detail, this.suggestions, this.picture, this.charts]) part.hidden = true
    }
  }

  receive(kind, data, request) {
    if (kind === 'experiment') {
      this.problem = data.problem
      this.all = data.runs_in_all
      const limit = data.problem.stable_rate
      this.theory.textContent = limit === undefined ? `${words(this.experiment.problem.type)}: ${data.problem.parameters} parameters`
        : `The steepest curvature is ${numberText(data.problem.largest_curvature)}: plain gradient descent is stable below 2/λ = ${numberText(limit)}.`
    } else if (kind === 'progress') {
      this.progress.value = data.part
      this.state.textContent = `${data.runs_done} of ${this.all} runs`
    } else if (kind === 'run') {
      this.runs.push({ ...data, name: this.nameOf(data, request) })
    } else if (kind === 'range_test') {
      this.runs.push(data)
    } else if (kind === 'summary') {
      this.best = data.best
      const counts = Object.entries(data.outcomes ?? {}).map(([name, count]) => `${count} ${words(name)}`)
      this.state.textContent = counts.length > 0 ? `${this.runs.length} runs: ${counts.join(', ')}.` : 'The range test is done.'
      announce(this.state.textContent)
    } else if (kind === 'error') {
      throw Object.assign(new Error(data.detail ?? 'the experiment broke off'), { title: data.title })
    }
  }

  /** What tells a run from the others. */
  nameOf(run, request) {
    const parts = []
    if (request.optimizers.length > 1) parts.push(run.optimizer.type)
    if (request.schedules.length > 1) parts.push(run.schedule_name)
    if (run.rate !== undefined && (request.rates.length > 1 || parts.length === 0)) parts.push(numberText(run.rate))
    return parts.join(', ') || run.optimizer.type
  }

  // What came of it.

  draw() {
    const isTest = this.runs.some((run) => run.curve)
    if (isTest) return this.drawTests()
    if (this.runs.length === 0) return
    // The best and the chosen in full, then the first ones: more than a few lines cannot be told apart.
    const order = [this.chosen, this.best, ...this.runs.map((run) => run.index)].filter((index) => index !== undefined)
    const full = [...new Set(order)].slice(0, LARGEST).sort((a, b) => a - b)
    this.drawTable(full)
    this.charts.hidden = false
    const curve = (run, y, more = {}) => ({ name: run.name, slot: full.includes(run.index) ? full.indexOf(run.index) : COLORS - 1, x: run.trace.steps, y, faint: !full.includes(run.index), ...more })
    const numbers = (values) => values.map((value) => value ?? NaN)
    const faintFirst = [...this.runs].sort((a, b) => full.includes(a.index) - full.includes(b.index))
    const losses = faintFirst.flatMap((run) => {
      const training = curve(run, numbers(run.trace.losses), { solid: true })
      if (!run.trace.validation_losses) return [training]
      const validation = curve(run, numbers(run.trace.validation_losses), { name: `${run.name}, validation` })
      // The color of the training's, and dashed.
      return [{ ...training, name: `${run.name}, training` }, { ...validation, slot: validation.slot + COLORS }]
    })
    this.lossChart.set({ curves: losses, scale: this.scale })
    this.rateChart.set({ curves: faintFirst.map((run) => curve(run, numbers(run.trace.learning_rates))), scale: 'linear' })
    const one = this.runs.find((run) => run.index === (this.chosen ?? this.best)) ?? this.runs[0]
    const own = Object.entries(one.trace.effective_rates).map(([name, values], slot) => ({ name: `${one.name}, ${name}`, slot, x: one.trace.steps, y: numbers(values) }))
    this.ownChart.set({ curves: own, scale: 'log' })
  }

  /** full: the runs whose curves are drawn in full, in the order of their colors. */
  drawTable(full) {
    const validates = this.runs.some((run) => run.final_validation_loss !== undefined)
    const heads = ['curve', 'verdict', 'optimizer', 'schedule', ...(this.shownRequest.rates ? ['rate'] : []), 'at step', 'final loss', ...(validates ? ['validation'] : [])]
    this.verdicts.parentElement.hidden = false
    const focused = this.verdicts.contains(document.activeElement) ? document.activeElement.dataset.index : undefined
    this.verdicts.replaceChildren(h('table', { class: 'wide verdicts' },
      h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, this.runs.map((run) => h('tr', { class: run.index === this.chosen ? 'chosen' : undefined },
        h('td', {}, h('button', {
          type: 'button', 'aria-pressed': run.index === this.chosen ? 'true' : 'false', 'data-index': run.index, 'aria-label': `Look at ${run.name}`,
          onclick: () => { this.chosen = this.chosen === run.index ? undefined : run.index; this.draw(); this.drawDetail() },
        }, run.index === this.best ? '★' : '◦', full.includes(run.index) ? swatch(full.indexOf(run.index), true) : null)),
        h('th', { scope: 'row', class: `outcome outcome-${run.verdict.outcome}` }, `${MARKS[run.verdict.outcome] ?? ''} ${words(run.verdict.outcome)}`,
          run.index === this.best ? h('span', { class: 'hint' }, ' best') : null),
        h('td', {}, run.optimizer.type), h('td', {}, run.schedule_name), this.shownRequest.rates ? h('td', {}, numberText(run.rate)) : null,
        h('td', {}, run.verdict.step ?? ''), h('td', {}, run.final_loss === null ? 'not finite' : numberText(run.final_loss)),
        validates ? h('td', {}, numberText(run.final_validation_loss)) : null)))))
    if (focused !== undefined) this.verdicts.querySelector(`[data-index="${focused}"]`)?.focus()
    if (this.all === 1) this.chosen = 0
    this.drawDetail()
  }

  drawDetail() {
    const run = this.runs.find((candidate) => candidate.index === this.chosen)
    this.detail.hidden = !run
    if (!run) return
    this.detail.replaceChildren(h('h2', {}, run.name), h('p', {}, run.verdict.words), h('dl', { class: 'facts' },
      Object.entries(run.verdict.evidence).map(([name, value]) => h('div', {}, h('dt', {}, words(name)), h('dd', {}, numberText(value))))))
  }

  drawTests() {
    this.suggestions.hidden = false
    this.suggestions.replaceChildren(h('h2', {}, 'Suggested rates'), h('div', { class: 'scroll' }, h('table', { class: 'wide' },
      h('thead', {}, h('tr', {}, ['optimizer', 'suggestion', 'rate', 'next'].map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, this.runs.flatMap((test) => test.suggestions.map((entry) => h('tr', {}, h('td', {}, test.optimizer.type), h('th', { scope: 'row', title: entry.source }, words(entry.name)),
        h('td', {}, typeof entry.learning_rate === 'number' ? numberText(entry.learning_rate, 3) : 'none'),
        h('td', {}, typeof entry.learning_rate !== 'number' ? null : h('button', { type: 'button', onclick: () => this.adopt(test, entry) }, 'Try it')))))))))
  }

  /** A constant rate that a range test has suggested, run. */
  adopt(test, suggestion) {
    this.take({ ...this.experiment, optimizers: [test.optimizer], schedules: [{ type: 'constant' }], rates: numberText(suggestion.learning_rate, 3), steps: 1000 })
    this.run()
  }

  /** The server's picture: paths over the plane, a grid as colors, a range test. */
  async drawPicture(request, signal) {
    const isPlane = this.runs.some((run) => run.trace?.path)
    const isTest = this.runs.some((run) => run.curve)
    const chart = isPlane && this.runs.length <= 12 ? 'path' : this.runs.length > LARGEST ? 'grid' : undefined
    if (!isTest && !chart) return
    const query = new URLSearchParams({ format: 'svg', width: Math.max(320, Math.min(900, this.heading.parentElement.clientWidth - 26)), height: isTest ? 360 : 460 })
    if (!isTest) query.set('chart', chart)
    const response = await ask(`experiments?${query}`, {
      method: 'POST', body: JSON.stringify(request), signal, headers: { 'Content-Type': 'application/json', Accept: 'image/svg+xml' },
    })
    const text = await response.text()
    // Not parsed as a document: its style sheet would be held against this page's policy.
    const words = (text.match(/<desc>([^<]*)<\/desc>/)?.[1] ?? '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
    this.picture.replaceChildren(h('img', { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`, alt: words }))
    this.picture.hidden = false
  }

  // Errors.

  clearErrors() {
    for (const fields of [this.problemFields, ...this.optimizerFields, ...this.scheduleFields]) fields.clear()
    for (const error of [this.ratesError, this.stepsError, this.optimizerError]) error.hidden = true
    this.rates.removeAttribute('aria-invalid')
    this.steps.removeAttribute('aria-invalid')
    this.showProblem()
  }

  showError(error) {
    this.state.textContent = ''
    const names = pointerNames(error.pointer)
    const put = (element, control) => {
      element.textContent = error.message
      element.hidden = false
      control?.setAttribute('aria-invalid', 'true')
      return true
    }
    const open = (forms, index) => { if (forms.children[index]) forms.children[index].open = true }
    let isPut = false
    if (names[0] === 'problem') isPut = this.problemFields.show(names.slice(1), error.message)
    else if (names[0] === 'optimizers' && names.length > 2) {
      isPut = this.optimizerFields[names[1]]?.show(names.slice(2), error.message) === true
      open(this.optimizerForms, names[1])
    } else if (names[0] === 'optimizers') isPut = put(this.optimizerError)
    else if (names[0] === 'schedules' || names[0] === 'schedule') {
      const [index, rest] = names[0] === 'schedule' ? [0, names.slice(1)] : [names[1], names.slice(2)]
      isPut = this.scheduleFields[index]?.show(rest, error.message) === true
      open(this.scheduleForms, index)
    } else if (names[0] === 'rates') isPut = put(this.ratesError, this.rates)
    else if (names[0] === 'steps') isPut = put(this.stepsError, this.steps)
    if (isPut) announce(error.message)
    else this.showProblem(error)
  }

  showProblem(error) {
    showProblem(this.problemBox, error)
  }
}
