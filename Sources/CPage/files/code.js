// What can be taken along: the request for curl and as JSON, a session, a link, and the schedule as code of a framework.
//
// All code that is offered gives the numbers that the server gives, for the steps that are looked at: Scripts/page-code runs it.

import { sendJSON } from './api.js'
import { copyButton, freshID, h, quoted } from './dom.js'
import { NoFormula, formula, python } from './formula.js'

/** A text in single quotes for a POSIX shell. */

/** The request as a command. */
export function curl(request) {
  return `curl -s ${quoted(new URL('schedule', document.baseURI).href)} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(request))}`
}

function isWhole(...values) { return values.every((value) => Number.isInteger(value)) }

/** `name(a=1, b=2)`, on several lines where it is long. */
function call(name, values, first = []) {
  const parts = [...first, ...Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${value instanceof Raw ? value.text : python(value)}`)]
  const line = `${name}(${parts.join(', ')})`
  return line.length <= 100 ? line : `${name}(\n    ${parts.join(',\n    ')},\n)`
}

/** Rates are floats for Keras: from a whole number it would make a schedule of whole numbers. */
function asFloats(values) {
  const text = (value) => (Number.isInteger(value) ? `${value}.0` : python(value))
  const isRate = (name) => /rate|alpha|target|power|mul$|values/.test(name)
  return Object.fromEntries(Object.entries(values).map(([name, value]) => {
    if (!isRate(name)) return [name, value]
    if (Array.isArray(value)) return [name, new Raw(`[${value.map(text).join(', ')}]`)]
    return [name, typeof value === 'number' ? new Raw(text(value)) : value]
  }))
}

/** Python that stands as it is. */
class Raw {
  constructor(text) { this.text = text }
}

/** A straight warm-up from `start` to `peak` in `steps`, and what follows it; a schedule without one has no steps of it. */
function splitWarmup(s) {
  if (s.type === 'warmup' && (s.shape ?? 'linear') === 'linear' && 'base_lr' in s.then) {
    const peak = s.then.base_lr
    return { start: peak * (s.start_factor ?? 0), peak, steps: s.warmup_steps, rest: s.then }
  }
  if (s.type === 'sequence' && s.schedules.length === 2 && s.schedules[0].type === 'linear' && (s.base_lr ?? 1) === 1) {
    const [ramp, rest] = s.schedules
    if (ramp.total_steps === s.boundaries[0] && rest.base_lr !== undefined && ramp.end_lr === rest.base_lr) {
      return { start: ramp.base_lr ?? 1, peak: rest.base_lr, steps: ramp.total_steps, rest }
    }
  }
  return { start: s.base_lr ?? 1, peak: s.base_lr ?? 1, steps: 0, rest: s }
}

// torch.

const TORCH = 'torch.optim.lr_scheduler.'

function torchOptimizer(rate, momentum) {
  return `optimizer = torch.optim.SGD(model.parameters(), lr=${python(rate)}${momentum ? ', momentum=0.9' : ''})`
}

function torchCode(call_, rate, momentum) {
  return ['import torch', '', torchOptimizer(rate, momentum), `scheduler = ${call_}`].join('\n')
}

/** A dialect type is the library's own class; its children too. */
function torchCall(s) {
  const { type, base_lr: base, schedulers, ...values } = s
  const name = type.slice('torch.'.length)
  if (name === 'CyclicLR') values.base_lr = base
  const full = name === 'SWALR' ? 'torch.optim.swa_utils.SWALR' : TORCH + name
  if (!schedulers) return call(full, values, ['optimizer'])
  const list = new Raw(`[\n        ${schedulers.map((child) => torchCall(child).replaceAll('\n', '\n        ')).join(',\n        ')},\n    ]`)
  if (name === 'ChainedScheduler') return call(full, { schedulers: list })
  return call(full, { schedulers: list, ...values }, ['optimizer'])
}

function torchOwn(s) {
  const names = [s.type, ...(s.schedulers ?? []).map((child) => child.type)]
  if (names.some((name) => /LambdaLR/.test(name))) return undefined
  const momentum = JSON.stringify(s).match(/torch\.(CyclicLR|OneCycleLR)/) !== null
  return torchCode(torchCall(s), s.base_lr ?? (s.type === 'torch.OneCycleLR' ? s.max_lr : 1), momentum)
}

function torchNative(s, count) {
  const base = s.base_lr ?? 1
  const end = s.end_lr ?? 0
  const make = (name, values) => torchCode(call(TORCH + name, values, ['optimizer']), base)
  switch (s.type) {
    case 'step': return isWhole(s.step_size) ? make('StepLR', { step_size: s.step_size, gamma: s.gamma ?? 0.1 }) : undefined
    case 'multi_step': return isWhole(...s.milestones) ? make('MultiStepLR', { milestones: s.milestones, gamma: s.gamma ?? 0.1 }) : undefined
    case 'exponential': return s.gamma === undefined ? undefined : make('ExponentialLR', { gamma: s.gamma })
    case 'linear':
      // LinearLR multiplies by a factor, at most 1, and from 0 it cannot begin.
      if (!isWhole(s.total_steps) || !(base > 0) || end > base) return undefined
      return make('LinearLR', { start_factor: 1, end_factor: end / base, total_iters: s.total_steps })
    case 'polynomial':
      if (!isWhole(s.total_steps) || end !== 0 || s.cycle) return undefined
      return make('PolynomialLR', { total_iters: s.total_steps, power: s.power ?? 1 })
    case 'cosine':
      // Past T_max it climbs again: the same only where nothing is asked beyond, or where that is meant.
      if (!isWhole(s.total_steps) || (s.exponent ?? 1) !== 1) return undefined
      if ((s.after ?? 'hold') === 'hold' && count > s.total_steps + 1) return undefined
      return make('CosineAnnealingLR', { T_max: s.total_steps, eta_min: end })
    case 'cosine_restarts':
      if (!isWhole(s.first_cycle_steps, s.cycle_multiplier ?? 1) || (s.peak_decay ?? 1) !== 1 || s.cycle_index === 'logarithm') return undefined
      return make('CosineAnnealingWarmRestarts', { T_0: s.first_cycle_steps, T_mult: s.cycle_multiplier ?? 1, eta_min: end })
    case 'cyclic':
      return make('CyclicLR', {
        base_lr: base, max_lr: s.max_lr, step_size_up: s.step_size_up, step_size_down: s.step_size_down ?? s.step_size_up,
        mode: s.mode ?? 'triangular', gamma: s.gamma ?? 1, cycle_momentum: false,
      })
    default: return undefined
  }
}

function lambdaCode(s, forWhom) {
  const { text, imports } = formula(s, 'math')
  const lines = [...imports, 'import torch', '', '', text, '', '',
    '# LambdaLR multiplies the rate of the optimizer: that has to be 1.', 'optimizer = torch.optim.SGD(model.parameters(), lr=1.0)',
    `scheduler = ${TORCH}LambdaLR(optimizer, rate)`]
  if (forWhom) lines.push(forWhom)
  return lines.join('\n')
}

// optax.

function optaxCall(s) {
  const { type, schedules, ...values } = s
  const name = type.slice('optax.'.length)
  if (name === 'piecewise_constant_schedule' || name === 'piecewise_interpolate_schedule') {
    const scales = values.boundaries_and_scales
    values.boundaries_and_scales = new Raw(`{${Object.entries(scales).map(([key, value]) => `${Number(key)}: ${python(value)}`).join(', ')}}`)
  }
  if (schedules) values.schedules = new Raw(`[${schedules.map(optaxCall).join(', ')}]`)
  return call(`optax.${name}`, values)
}

/** A canonical schedule as a call of optax; undefined where optax has none. */
function optaxNative(s) {
  const base = s.base_lr ?? 1
  const end = s.end_lr ?? 0
  switch (s.type) {
    case 'constant': return call('optax.constant_schedule', { value: base })
    case 'linear':
      return isWhole(s.total_steps) ? call('optax.linear_schedule', { init_value: base, end_value: end, transition_steps: s.total_steps }) : undefined
    case 'polynomial':
      if (s.cycle || !isWhole(s.total_steps)) return undefined
      return call('optax.polynomial_schedule', { init_value: base, end_value: end, power: s.power ?? 1, transition_steps: s.total_steps })
    case 'cosine':
      if ((s.after ?? 'hold') !== 'hold' || !(base > 0)) return undefined
      return call('optax.cosine_decay_schedule', { init_value: base, decay_steps: s.total_steps, alpha: end / base, exponent: s.exponent ?? 1 })
    case 'exponential':
      if (s.decay_constant !== undefined || !(base > 0)) return undefined
      if (s.gamma !== undefined) return s.gamma > 0 ? call('optax.exponential_decay', { init_value: base, transition_steps: 1, decay_rate: s.gamma }) : undefined
      if (!isWhole(s.decay_steps ?? 1) || !(s.decay_rate > 0)) return undefined
      return call('optax.exponential_decay', { init_value: base, transition_steps: s.decay_steps ?? 1, decay_rate: s.decay_rate, staircase: s.staircase ?? false })
    case 'step':
      if (!isWhole(s.step_size) || !((s.gamma ?? 0.1) > 0) || !(base > 0)) return undefined
      return call('optax.exponential_decay', { init_value: base, transition_steps: s.step_size, decay_rate: s.gamma ?? 0.1, staircase: true })
    case 'multi_step': {
      if (!isWhole(...s.milestones) || new Set(s.milestones).size !== s.milestones.length || s.milestones.includes(0)) return undefined
      return call('optax.piecewise_constant_schedule', { init_value: base, boundaries_and_scales: new Raw(`{${s.milestones.map((step) => `${step}: ${python(s.gamma ?? 0.1)}`).join(', ')}}`) })
    }
    case 'warmup':
    case 'sequence': {
      const { start, peak, steps, rest } = splitWarmup(s)
      if (steps > 0 && isWhole(steps) && rest.type === 'cosine' && (rest.after ?? 'hold') === 'hold' && peak > 0) {
        return call('optax.warmup_cosine_decay_schedule', {
          init_value: start, peak_value: peak, warmup_steps: steps, decay_steps: steps + rest.total_steps, end_value: rest.end_lr ?? 0, exponent: rest.exponent ?? 1,
        })
      }
      let parts
      if (steps > 0 && isWhole(steps)) parts = [call('optax.linear_schedule', { init_value: start, end_value: peak, transition_steps: steps }), optaxNative(rest)]
      else if (s.type === 'sequence' && (s.base_lr ?? 1) === 1) parts = s.schedules.map(optaxNative)
      if (!parts || parts.includes(undefined)) return undefined
      return call('optax.join_schedules', { schedules: new Raw(`[\n        ${parts.map((part) => part.replaceAll('\n', '\n        ')).join(',\n        ')},\n    ]`), boundaries: steps > 0 ? [steps] : s.boundaries })
    }
    default: return undefined
  }
}

// Keras.

const KERAS = 'keras.optimizers.schedules.'

function kerasNative(s) {
  const base = s.base_lr ?? 1
  const end = s.end_lr ?? 0
  const make = (name, values) => call(KERAS + name, asFloats(values))
  switch (s.type) {
    case 'exponential': {
      const [rate, steps] = s.gamma !== undefined ? [s.gamma, 1] : [s.decay_rate, s.decay_steps ?? 1]
      return rate === undefined ? undefined : make('ExponentialDecay', { initial_learning_rate: base, decay_steps: steps, decay_rate: rate, staircase: s.staircase ?? false })
    }
    case 'step': return !isWhole(s.step_size) ? undefined : make('ExponentialDecay', { initial_learning_rate: base, decay_steps: s.step_size, decay_rate: s.gamma ?? 0.1, staircase: true })
    case 'inverse_time': return make('InverseTimeDecay', { initial_learning_rate: base, decay_steps: s.decay_steps ?? 1, decay_rate: s.decay_rate, staircase: s.staircase ?? false })
    case 'linear': return make('PolynomialDecay', { initial_learning_rate: base, decay_steps: s.total_steps, end_learning_rate: end, power: 1 })
    case 'polynomial':
      return make('PolynomialDecay', { initial_learning_rate: base, decay_steps: s.total_steps, end_learning_rate: end, power: s.power ?? 1, cycle: s.cycle ?? false })
    case 'piecewise_constant':
      return s.side === 'left' && s.boundaries.length > 0 ? make('PiecewiseConstantDecay', { boundaries: s.boundaries, values: s.values }) : undefined
    case 'cosine':
    case 'warmup':
    case 'sequence': {
      const { start, peak, steps, rest } = splitWarmup(s)
      if (rest.type !== 'cosine' || (rest.after ?? 'hold') !== 'hold' || (rest.exponent ?? 1) !== 1 || !(peak > 0)) return undefined
      return make('CosineDecay', {
        initial_learning_rate: start, decay_steps: rest.total_steps, alpha: (rest.end_lr ?? 0) / peak, ...(steps > 0 ? { warmup_target: peak, warmup_steps: steps } : {}),
      })
    }
    default: return undefined
  }
}

function kerasFormula(s) {
  const { text, imports } = formula(s, 'keras')
  return [...imports, '', '', text, '', '', `class Rate(${KERAS}LearningRateSchedule):`, '    def __call__(self, step):', '        return rate(ops.cast(step, "float32"))', '',
    '    def get_config(self):', '        return {}', '', '', 'schedule = Rate()'].join('\n')
}

// Hugging Face.

function hfOwn(s) {
  const { type, base_lr: base, num_warmup_steps: warmup, num_training_steps: training, ...rest } = s
  const name = type.slice(3)
  if (name === 'reduce_lr_on_plateau' || name === 'greedy') return undefined
  const extra = Object.keys(rest).length > 0 ? { scheduler_specific_kwargs: rest } : {}
  const built = call('transformers.get_scheduler', { name, optimizer: new Raw('optimizer'), num_warmup_steps: warmup, num_training_steps: training, ...extra })
  return ['import torch', 'import transformers', '', torchOptimizer(base ?? 1), `scheduler = ${built}`].join('\n')
}

function hfNative(s, count) {
  const { start, peak, steps, rest } = splitWarmup(s)
  if ((steps > 0 && start !== 0) || !isWhole(steps) || !(peak > 0)) return undefined
  const end = rest.end_lr ?? 0
  const total = steps + (rest.total_steps ?? 0)
  const make = (name, values) => ['import torch', 'import transformers', '', torchOptimizer(peak), `scheduler = ${call(`transformers.${name}`, values, ['optimizer'])}`].join('\n')
  const both = { num_warmup_steps: steps, num_training_steps: total }
  if (rest.type === 'constant') return make('get_constant_schedule_with_warmup', { num_warmup_steps: steps })
  if (rest.type === 'inverse_sqrt' && rest.timescale === rest.shift && isWhole(rest.timescale)) {
    return make('get_inverse_sqrt_schedule', { num_warmup_steps: steps, timescale: rest.timescale })
  }
  if (!isWhole(total)) return undefined
  if (rest.type === 'linear' && end === 0) return make('get_linear_schedule_with_warmup', both)
  if (rest.type === 'polynomial' && end < peak && !rest.cycle) return make('get_polynomial_decay_schedule_with_warmup', { ...both, lr_end: end, power: rest.power ?? 1 })
  if (rest.type === 'cosine' && end === 0 && (rest.exponent ?? 1) === 1 && (rest.after ?? 'hold') === 'hold' && count <= total + 1) {
    return make('get_cosine_schedule_with_warmup', both)
  }
  return undefined
}

/** The frameworks that there is code for. */
export const FRAMEWORKS = [
  { name: 'torch', title: 'PyTorch' }, { name: 'optax', title: 'optax' }, { name: 'keras', title: 'Keras' }, { name: 'hf', title: 'Hugging Face' },
]

/**
 * A schedule as code of a framework: { text, note }, or { none: why there is none }.
 *
 * posted is what was asked for, undefined where its lengths are in another unit than steps; canonical what the server says
 * that it is, null where it has no such form; count the number of steps that are looked at.
 */
export function codeOf(framework, posted, canonical, count) {
  const own = posted?.type.startsWith(`${framework}.`)
  if (posted && /plateau|greedy|Plateau/i.test(posted.type)) {
    if (own && framework === 'torch') {
      return { text: torchOwn(posted), note: 'Call scheduler.step(loss) after each report.' }
    }
    return { none: 'It follows the reports: without them it is no function of the step. Open a session with it.' }
  }
  if (own) {
    const text = { torch: () => torchOwn(posted), hf: () => hfOwn(posted),
      optax: () => `import optax\n\nschedule = ${optaxCall(posted)}`,
      keras: () => { const { type, ...values } = posted; return `import keras\n\nschedule = ${call(KERAS + type.slice(6), asFloats(values))}` } }[framework]()
    if (text) return { text, note: "The framework's own." }
  }
  if (canonical === null) return { none: 'The server computes it step by step: there is no formula to write down. Take the rates as JSON, CSV or npy.' }
  const native = { torch: () => torchNative(canonical, count), optax: () => optaxNative(canonical), keras: () => kerasNative(canonical), hf: () => hfNative(canonical, count) }[framework]()
  if (native) {
    const note = "The framework's own schedule gives the same rates."
    if (framework === 'optax') return { text: `import optax\n\nschedule = ${native}`, note }
    if (framework === 'keras') return { text: `import keras\n\nschedule = ${native}`, note }
    return { text: native, note }
  }
  try {
    const note = 'The framework has no schedule of its own for this: here is the formula.'
    if (framework === 'torch') return { text: lambdaCode(canonical), note }
    if (framework === 'hf') return { text: lambdaCode(canonical, '# trainer = transformers.Trainer(..., optimizers=(optimizer, scheduler))'), note }
    if (framework === 'keras') return { text: kerasFormula(canonical), note }
    const { text, imports } = formula(canonical, 'jax')
    return { text: [...imports, '', '', text, '', '', 'def schedule(step):', '    return rate(jnp.asarray(step, dtype=float))'].join('\n'), note }
  } catch (error) {
    if (error instanceof NoFormula) return { none: `There is no code for this: ${error.message}. Take the rates as JSON, CSV or npy.` }
    throw error
  }
}

/** What the server says that a request is in canonical types: null where it has no closed form. */
export async function canonicalOf(request, signal) {
  const { steps, at, metrics, ...rest } = request
  try {
    const answer = await sendJSON('POST', 'schedule?explain=true', metrics ? { ...rest, metrics } : rest, { signal })
    return answer.canonical?.schedule ?? null
  } catch (error) {
    if (error.name === 'AbortError') throw error
    return null
  }
}

/** The part of the page that offers them. */
export class Copies {
  constructor() {
    const group = freshID('copy')
    this.kind = 'curl'
    const kinds = [{ name: 'curl', title: 'curl' }, { name: 'json', title: 'JSON' }, ...FRAMEWORKS]
    this.link = h('a', { class: 'button', href: '#sessions' }, 'Open a session with this')
    this.trial = h('a', { class: 'button', href: '#experiments' }, 'Try it on a problem')
    this.note = h('p', { class: 'hint' })
    this.code = h('code', {})
    this.pre = h('pre', { tabindex: 0, 'aria-label': 'The code' }, this.code)
    this.copy = copyButton('Copy', () => this.code.textContent)
    this.element = h('section', { 'aria-labelledby': `${group}-title` }, h('h2', { id: `${group}-title` }, 'Take it along'),
      h('div', { class: 'actions' }, copyButton('Copy the link', () => location.href), this.link, this.trial),
      h('div', { class: 'copy' },
        h('div', { class: 'copy-head' }, h('fieldset', { class: 'switch' }, h('legend', { class: 'visually-hidden' }, 'As'), kinds.map(({ name, title }) => h('label', {},
          h('input', { type: 'radio', name: group, value: name, checked: name === 'curl', onchange: () => { this.kind = name; this.fill() } }), h('span', {}, title)))), this.copy),
        this.note, this.pre))
  }

  show(request, count, isLossDriven) {
    this.request = request
    this.count = count
    // A session counts in steps.
    this.link.hidden = (request.unit ?? 'steps') !== 'steps'
    const query = new URLSearchParams({ schedule: JSON.stringify(request.schedule) })
    if (isLossDriven) {
      // In a session, a rule is a policy over a schedule.
      const { base_lr, learning_rate, ...policy } = request.schedule
      query.set('schedule', JSON.stringify({ type: 'constant', base_lr: base_lr ?? learning_rate }))
      query.set('policies', JSON.stringify([policy]))
    }
    this.link.href = `#sessions?${query}`
    // An experiment has no reports to follow, and counts in steps too.
    this.trial.hidden = this.link.hidden || isLossDriven
    this.trial.href = `#experiments?${new URLSearchParams({ schedule: JSON.stringify(request.schedule) })}`
    this.fill()
  }

  async fill() {
    const { request, kind } = this
    if (!request) return
    this.controller?.abort()
    if (kind === 'curl') return this.put(curl(request))
    if (kind === 'json') return this.put(JSON.stringify(request, null, 2))
    const controller = new AbortController()
    this.controller = controller
    try {
      const canonical = await canonicalOf(request, controller.signal)
      if (this.controller !== controller || this.kind !== kind) return
      const posted = (request.unit ?? 'steps') === 'steps' ? request.schedule : undefined
      const { text, note, none } = codeOf(kind, posted, canonical, this.count)
      const left = request.groups || request.companions ? ' Groups and companions are left out.' : ''
      this.put(text, none ?? `${note}${left}`)
    } catch (error) {
      if (error.name !== 'AbortError') throw error
    }
  }

  put(text, note = '') {
    this.code.textContent = text ?? ''
    this.pre.hidden = text === undefined
    this.copy.hidden = text === undefined
    this.note.textContent = note
    this.note.hidden = note === ''
  }
}
