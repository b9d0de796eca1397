// Schedules in canonical types as functions in Python: for one step at a time (math), for JAX, and for Keras.

/** What is not written in the same way in all three. `name` is what the functions are found under. */
export const BACKENDS = {
  math: {
    isDouble: true,
    imports: ['import math'],
    where: (condition, a, b) => `(${a} if ${condition} else ${b})`,
    min: (a, b) => `min(${a}, ${b})`,
    max: (a, b) => `max(${a}, ${b})`,
    call: (name, a) => `math.${name}(${a})`,
    count: (list, t, relation) => `sum(boundary ${relation} ${t} for boundary in ${list})`,
    item: (list, index) => `${list}[int(${index})]`,
    pi: 'math.pi',
  },
  jax: {
    imports: ['import jax.numpy as jnp'],
    where: (condition, a, b) => `jnp.where(${condition}, ${a}, ${b})`,
    min: (a, b) => `jnp.minimum(${a}, ${b})`,
    max: (a, b) => `jnp.maximum(${a}, ${b})`,
    call: (name, a) => `jnp.${name}(${a})`,
    count: (list, t, relation) => `jnp.sum(jnp.array(${list}) ${relation} ${t})`,
    item: (list, index) => `jnp.array(${list})[jnp.asarray(${index}, dtype=int)]`,
    pi: 'jnp.pi',
  },
  keras: {
    imports: ['import math', 'import keras', 'from keras import ops'],
    where: (condition, a, b) => `ops.where(${condition}, ${a}, ${b})`,
    min: (a, b) => `ops.minimum(${a}, ${b})`,
    max: (a, b) => `ops.maximum(${a}, ${b})`,
    call: (name, a) => `ops.${name}(${a})`,
    count: (list, t, relation) => `ops.sum(ops.cast(ops.convert_to_tensor(${list}, "float32") ${relation} ${t}, "float32"))`,
    item: (list, index) => `ops.take(ops.convert_to_tensor(${list}, "float32"), ops.cast(${index}, "int32"))`,
    pi: 'math.pi',
  },
}

/** Thrown where a schedule has no such function; the message says why, for people. */
export class NoFormula extends Error {}

/** A value as Python writes it. */
export function python(value) {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  return `{${Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${python(entry)}`).join(', ')}}`
}

const SHAPES = ['linear', 'cosine', 'polynomial', 'power', 'sqrt', 'one_minus_sqrt', 'exponential', 'normalized_exponential', 'tanh', 'rex', 'logarithmic', 'constant']

/** The functions of formulas that are NumPy's; the rest are Python's own. */
const NUMPY = ['abs', 'atan', 'ceil', 'clip', 'cos', 'exp', 'floor', 'log', 'log10', 'log2', 'sin', 'sqrt', 'tan', 'tanh', 'where']

class Writer {
  constructor(backend) {
    this.b = backend
    this.functions = []
    this.names = new Set()
    this.helpers = []
  }

  name(type) {
    let name = type
    for (let number = 2; this.names.has(name); number += 1) name = `${type}_${number}`
    this.names.add(name)
    return name
  }

  /** Writes a function of the step t, after those that it calls; returns its name. */
  write(schedule, wanted) {
    const make = this[`of_${schedule.type}`]
    if (!make) throw new NoFormula(`${schedule.type} has no short formula`)
    const lines = []
    const result = make.call(this, schedule, (line) => lines.push(line))
    const name = this.name(wanted ?? schedule.type.replace(/^(min|max|sum|repeat|until|step)$/, '$1_of'))
    this.functions.push([`def ${name}(t):`, ...lines.map((line) => `    ${line}`), `    return ${result}`].join('\n'))
    return name
  }

  /** From one value to another, where a part p of the way is gone. */
  shape(schedule, kind, p, from, to, steps, let_) {
    if (!SHAPES.includes(kind)) throw new NoFormula(`the shape ${kind} has no short formula`)
    const { b } = this
    const k = schedule.k_decay ?? 1
    if (k !== 1) let_(`p = (${p}) ** ${k}`)
    else if (p !== 'p') let_(`p = ${p}`)
    const rest = (part) => (to === 0 ? `${from} * ${part}` : `${to} + (${from} - ${to}) * ${part}`)
    switch (kind) {
      case 'linear': return `${from} + (${to} - ${from}) * p`
      case 'cosine': return rest(`(1 + ${b.call('cos', `${b.pi} * p`)}) / 2`)
      case 'polynomial': return rest(`(1 - p) ** ${schedule.power ?? 1}`)
      case 'power': return rest(`(1 - p ** ${schedule.power ?? 1})`)
      case 'sqrt': return rest(`(1 - p ** 0.5)`)
      case 'one_minus_sqrt': return rest('(1 - p) ** 0.5')
      case 'exponential': return `${from} * (${to} / ${from}) ** p`
      case 'normalized_exponential': return rest(`(${schedule.ratio ?? 0.5} ** p - ${schedule.ratio ?? 0.5}) / (1 - ${schedule.ratio ?? 0.5})`)
      case 'tanh': return rest(`(1 - ${b.call('tanh', `${schedule.lower_bound ?? -6} * (1 - p) + ${schedule.upper_bound ?? 3} * p`)}) / 2`)
      case 'rex': return rest(`(1 - p) / (1 - ${schedule.beta ?? 0.5} * p)`)
      case 'logarithmic': return `${from} + (${to} - ${from}) * ${b.min(`${b.call('log', `1 + p * ${steps}`)} / ${Math.log(Math.max(2, steps))}`, '1.0')}`
      default: return b.where('p < 1', `${from} + 0.0 * p`, `${to} + 0.0 * p`)
    }
  }

  /** How often a length has passed. In 32 bits only whole lengths give the whole numbers that 64 bits give. */
  periods(t, length) {
    if (!this.b.isDouble && !Number.isInteger(length)) throw new NoFormula('it computes in 32 bits, in which the steps would fall elsewhere')
    return this.b.call('floor', `${t} / ${length}`)
  }

  /** Whether the step is before a boundary. One that lies a hair above a whole step is that step's end, in 32 bits too. */
  before(boundary) {
    const whole = Math.floor(boundary)
    return boundary > whole && boundary - whole < 1e-6 ? `t <= ${whole}` : `t < ${boundary}`
  }

  part(schedule) { return this.b.min(`t / ${schedule.total_steps}`, '1.0') }

  of_constant({ base_lr: base = 1 }) { return `${base} + 0.0 * t` }

  of_linear(s) { return `${s.base_lr ?? 1} + (${s.end_lr ?? 0} - ${s.base_lr ?? 1}) * ${this.part(s)}` }

  of_budgeted_linear(s) { return `${s.base_lr ?? 1} * (1 - ${this.part(s)})` }

  of_step(s) { return `${s.base_lr ?? 1} * ${s.gamma ?? 0.1} ** ${this.periods('t', s.step_size)}` }

  of_multi_step(s) { return `${s.base_lr ?? 1} * ${s.gamma ?? 0.1} ** ${this.b.count(python(s.milestones), 't', '<=')}` }

  of_piecewise_constant(s) {
    if (s.boundaries.length === 0) return `${s.values[0]} + 0.0 * t`
    return this.b.item(python(s.values), this.b.count(python(s.boundaries), 't', s.side === 'left' ? '<' : '<='))
  }

  of_exponential(s) {
    const base = s.base_lr ?? 1
    if (s.gamma !== undefined) return `${base} * ${s.gamma} ** t`
    if (s.decay_constant !== undefined) return `${base} * ${this.b.call('exp', `-${s.decay_constant} * t`)}`
    const steps = s.decay_steps ?? 1
    return `${base} * ${s.decay_rate} ** ${s.staircase ? this.periods('t', steps) : `(t / ${steps})`}`
  }

  of_inverse_time(s) {
    const steps = s.decay_steps ?? 1
    return `${s.base_lr ?? 1} / (1 + ${s.decay_rate} * ${s.staircase ? this.periods('t', steps) : `(t / ${steps})`})`
  }

  of_polynomial(s, let_) {
    const [base, end, total] = [s.base_lr ?? 1, s.end_lr ?? 0, s.total_steps]
    if (s.cycle) let_(`length = ${total} * ${this.b.max('1.0', `-${this.periods('-t', total)}`)}`)
    return `${end} + (${base} - ${end}) * ${this.b.max('0.0', `1 - t / ${s.cycle ? 'length' : total}`)} ** ${s.power ?? 1}`
  }

  of_cosine(s, let_) {
    const [base, end] = [s.base_lr ?? 1, s.end_lr ?? 0]
    let_(`p = ${(s.after ?? 'hold') === 'hold' ? this.part(s) : `t / ${s.total_steps}`}`)
    const power = (s.exponent ?? 1) === 1 ? '' : ` ** ${s.exponent}`
    return `${end} + (${base} - ${end}) * ((1 + ${this.b.call('cos', `${this.b.pi} * p`)}) / 2)${power}`
  }

  of_cosine_restarts(s, let_) {
    const [base, end, first, growth] = [s.base_lr ?? 1, s.end_lr ?? 0, s.first_cycle_steps, s.cycle_multiplier ?? 1]
    this.cycles(first, growth, s.cycle_index, let_)
    const decay = (s.peak_decay ?? 1) === 1 ? base : `${base} * ${s.peak_decay} ** i`
    return `${end} + (${decay} - ${end}) * (1 + ${this.b.call('cos', `${this.b.pi} * p`)}) / 2`
  }

  /** The number i of the cycle and the part p of it that has passed. */
  cycles(first, growth, index, let_) {
    if (growth < 1 || index === 'logarithm') throw new NoFormula('these cycles have no short formula')
    if (growth === 1) {
      let_(`i = ${this.periods('t', first)}`)
      let_(`p = t / ${first} - i`)
      return
    }
    const starts = []
    for (let k = 1; k <= 40; k += 1) {
      const start = (first * (growth ** k - 1)) / (growth - 1)
      if (start > 1e9) break
      starts.push(start)
    }
    let_(`i = ${this.b.count(python(starts), 't', '<=')}`)
    let_(`p = (t - ${first} * (${growth} ** i - 1) / ${growth - 1}) / (${first} * ${growth} ** i)`)
  }

  of_cyclic(s, let_) {
    const up = s.step_size_up
    const down = s.step_size_down ?? up
    let_(`cycle = ${this.periods('t', up + down)}`)
    let_(`x = t - cycle * ${up + down}`)
    const height = this.b.where(`x <= ${up}`, `x / ${up}`, `(${up + down} - x) / ${down}`)
    const scale = s.mode === 'triangular2' ? ' * 0.5 ** cycle' : s.mode === 'exp_range' ? ` * ${s.gamma ?? 1} ** t` : ''
    return `${s.base_lr ?? 1} + (${s.max_lr} - ${s.base_lr ?? 1}) * ${height}${scale}`
  }

  of_one_cycle(s, let_) {
    const peak = s.max_lr ?? 1
    const low = s.initial_lr ?? peak / (s.div_factor ?? 25)
    const final = s.final_lr ?? low / (s.final_div_factor ?? 1e4)
    const isTorch = s.convention === 'torch'
    const [early, total, pct] = [isTorch ? 1 : 0, s.total_steps, s.pct_start ?? 0.3]
    const knots = [[pct * total - early, peak]]
    if (s.three_phase) knots.push([2 * pct * total - 2 * early, low])
    knots.push([total - early, final])
    let [at, from] = [0, low]
    const phases = knots.map(([end, to]) => {
      const phase = { end, text: this.phase(s.anneal ?? 'cosine', `(t - ${at}) / ${end - at}`, from, to), length: end - at }
      at = end
      from = to
      return phase
    })
    if (isTorch && phases.some((phase) => !(phase.length > 0))) throw new NoFormula('an empty phase has no formula')
    let text = isTorch ? undefined : `${final} + 0.0 * t`
    for (const phase of phases.reverse()) {
      if (!(phase.length > 0)) continue
      text = text === undefined ? phase.text : this.b.where(`t ${isTorch ? '<=' : '<'} ${phase.end}`, phase.text, text)
    }
    return text
  }

  phase(anneal, p, from, to) {
    return anneal === 'linear' ? `${from} + (${to} - ${from}) * (${p})` : `${to} + (${from} - ${to}) / 2 * (1 + ${this.b.call('cos', `${this.b.pi} * (${p})`)})`
  }

  of_inverse_sqrt(s) { return `${s.base_lr ?? 1} * (${s.timescale} / (t + ${s.shift ?? 0})) ** 0.5` }

  of_noam(s) {
    const scale = (s.base_lr ?? 1) / Math.sqrt(s.d_model ?? 512)
    const warmup = s.warmup_steps ?? 4000
    if (warmup === 0) throw new NoFormula('a warm-up of no steps has no formula')
    return `${scale} * ${this.b.where(`t < ${warmup}`, `t * ${warmup ** -1.5}`, `${this.b.max('t', '1e-9')} ** -0.5`)}`
  }

  of_power(s) {
    const cap = s.max_lr
    if (cap === undefined) throw new NoFormula('it has no rate at step 0')
    return this.b.min(`${cap}`, `${s.base_lr ?? 1} * (${this.b.max('t', '1e-30')} * ${s.units_per_step ?? 1}) ** ${s.exponent ?? -0.51}`)
  }

  of_sigmoid(s) { return `${s.base_lr ?? 1} / (1 + ${this.b.call('exp', `${s.gamma} * (t - ${s.center})`)})` }

  of_ramp(s, let_) {
    return this.shape(s, s.shape ?? 'linear', this.part(s), s.base_lr ?? 1, s.end_lr ?? 0, s.total_steps, let_)
  }

  of_tanh(s, let_) { return this.shape(s, 'tanh', this.part(s), s.base_lr ?? 1, s.end_lr ?? 0, s.total_steps, let_) }

  of_rex(s, let_) { return this.shape(s, 'rex', this.part(s), s.base_lr ?? 1, s.end_lr ?? 0, s.total_steps, let_) }

  of_k_decay(s, let_) {
    return this.shape({ k_decay: s.k ?? 2 }, s.shape ?? 'cosine', this.part(s), s.base_lr ?? 1, s.end_lr ?? 0, s.total_steps, let_)
  }

  of_piecewise_linear(s) {
    const points = s.points
    if (points.length > 64) throw new NoFormula('it has too many points')
    let text = `${points[points.length - 1][1]} + 0.0 * t`
    for (let index = points.length - 1; index > 0; index -= 1) {
      const [[from, low], [to, high]] = [points[index - 1], points[index]]
      const p = `(t - ${from}) / ${to - from}`
      const line = s.interpolation === 'cosine' ? this.phase('cosine', p, low, high) : `${low} + (${high} - ${low}) * (${p})`
      text = this.b.where(`t < ${to}`, line, text)
    }
    return this.b.where(`t < ${points[0][0]}`, `${points[0][1]} + 0.0 * t`, text)
  }

  of_table(s) {
    if (s.interpolation === 'linear' || s.values.length > 10000) throw new NoFormula('this table has no short formula')
    const count = s.values.length
    const index = s.after === 'repeat' ? `t % ${count}` : this.b.min('t', `${count - 1}`)
    return `${(s.base_lr ?? 1) === 1 ? '' : `${s.base_lr} * `}${this.b.item(python(s.values), index)}`
  }

  of_warmup(s, let_) {
    const then = this.write(s.then)
    const [w, factor, shape] = [s.warmup_steps, s.start_factor ?? 0, s.shape ?? 'linear']
    if (w === 0) return `${then}(t)`
    let_(`target = ${then}(0.0 * t)`)
    let_(`p = t / ${w}`)
    const ramp = {
      linear: `target * (${factor} + ${1 - factor} * p)`,
      cosine: `target * (${factor} + ${1 - factor} * (1 - ${this.b.call('cos', `${this.b.pi} * p`)}) / 2)`,
      exponential: `target * ${factor} ** (1 - p)`,
      constant: `target * ${factor}`,
    }[shape]
    return this.b.where(`t < ${w}`, ramp, `${then}(${this.b.max(`t - ${w}`, '0.0')})`)
  }

  of_sequence(s) {
    const names = s.schedules.map((child) => this.write(child))
    const last = names.length - 1
    const clock = (index) => (index === 0 ? 't' : this.b.max(`t - ${s.boundaries[index - 1]}`, '0.0'))
    let text = `${names[last]}(${clock(last)})`
    for (let index = last - 1; index >= 0; index -= 1) text = this.b.where(this.before(s.boundaries[index]), `${names[index]}(${clock(index)})`, text)
    return (s.base_lr ?? 1) === 1 ? text : `${s.base_lr} * ${text}`
  }

  of_product(s) { return [...((s.base_lr ?? 1) === 1 ? [] : [s.base_lr]), ...s.schedules.map((child) => `${this.write(child)}(t)`)].join(' * ') }

  of_sum(s) { return s.schedules.map((child) => `${this.write(child)}(t)`).join(' + ') }

  of_min(s) { return s.schedules.map((child) => `${this.write(child)}(t)`).reduce((a, b) => this.b.min(a, b)) }

  of_max(s) { return s.schedules.map((child) => `${this.write(child)}(t)`).reduce((a, b) => this.b.max(a, b)) }

  of_scale(s) { return `${s.by} * ${this.write(s.schedule)}(t)` }

  of_clamp(s) {
    let text = `${this.write(s.schedule)}(t)`
    if (s.min_lr !== undefined) text = this.b.max(text, `${s.min_lr}`)
    return s.max_lr === undefined ? text : this.b.min(text, `${s.max_lr}`)
  }

  of_shift(s) { return `${this.write(s.schedule)}(${this.b.max('0.0', `t + ${s.by}`)})` }

  of_stretch(s) { return `${this.write(s.schedule)}(${s.speed === undefined ? `t / ${s.by}` : `t * ${s.speed}`})` }

  of_quantize(s) { return `${this.write(s.schedule)}(${this.periods('t', s.every)} * ${s.every})` }

  of_hold(s) {
    let time = 't'
    if ((s.from ?? 0) > 0) time = this.b.max(time, `${s.from}`)
    if (s.until !== undefined) time = this.b.min(time, `${s.until}`)
    return `${this.write(s.schedule)}(${time})`
  }

  of_repeat(s, let_) {
    const name = this.write(s.schedule)
    const growth = s.multiplier ?? 1
    this.cycles(s.period, growth, s.cycle_index, let_)
    const value = `${(s.decay ?? 1) === 1 ? '' : `${s.decay} ** i * `}${name}(p * ${s.period})`
    return s.count === undefined ? value : this.b.where(`i < ${s.count}`, value, `${s.final_lr ?? 0} + 0.0 * t`)
  }

  /** The server's language is a part of Python, and its functions are NumPy's, where a division by 0 is no error either. */
  of_expression(s, let_) {
    if (this.b !== BACKENDS.math) throw new NoFormula("a formula of one's own is Python for one step at a time, and is not translated")
    const words = new Set(s.formula.match(/[A-Za-z_]\w*/g) ?? [])
    this.needsNumPy = true
    let_('step = np.float64(t)')
    if (words.has('t')) let_('t = step')
    if (words.has('base_lr')) let_(`base_lr = ${s.base_lr ?? 1}`)
    if (words.has('total_steps')) let_(`total_steps = ${s.total_steps}`)
    for (const name of ['progress', 'p']) if (words.has(name)) let_(`${name} = step / ${s.total_steps}`)
    for (const name of ['pi', 'e']) if (words.has(name)) let_(`${name} = np.${name}`)
    for (const [name, value] of Object.entries(s.constants ?? {})) let_(`${name} = ${value}`)
    for (const name of NUMPY) if (words.has(name)) let_(`${name} = np.${name === 'atan' ? 'arctan' : name}`)
    if (words.has('sigmoid')) let_('sigmoid = lambda x: 1 / (1 + np.exp(-x))')
    return `float(${s.formula})`
  }

  of_until(s) { return `${this.write(s.schedule)}(t)` }
}

/** Functions, the last of which is called `rate`, and what they import. Throws NoFormula. */
export function formula(schedule, backendName) {
  const backend = BACKENDS[backendName]
  const writer = new Writer(backend)
  writer.write(schedule, 'rate')
  const text = writer.functions.join('\n\n\n')
  const imports = backend.imports.filter((line) => line !== 'import math' || text.includes('math.'))
  return { text, imports: writer.needsNumPy ? [...imports, 'import numpy as np'] : imports }
}
