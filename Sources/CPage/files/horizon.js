// How many steps of a schedule are worth a look: a guess from the names of its parameters.

const LENGTHS = /(^|_)(steps?|iters?|epochs?|updates?|size|timescale|milestones|boundaries|period|periods|until|center|end|last_step|t_initial|decay_t|warmup_t|cooldown_t|patience|size_up|size_down)$|^(T_max|T_0|total|t_max)$|boundaries_and_scales/i
const CYCLES = /^(T_0|first_cycle_steps|first_decay_steps|step_size|step_size_up|step_size_down|t_initial|decay_t|period|lr_period_updates|cycle_len)$/
const RATES = /lr|rate|value|factor/i

function numbers(value) {
  if (typeof value === 'number') return [value]
  if (Array.isArray(value)) return value.flatMap((element) => (Array.isArray(element) ? numbers(element[0]) : numbers(element)))
  return []
}

function length(schedule) {
  if (typeof schedule !== 'object' || schedule === null) return 0
  let own = 0
  for (const [name, value] of Object.entries(schedule)) {
    if (name === 'points') own = Math.max(own, ...numbers(value))
    if (name === 'values' && schedule.type === 'table') own = Math.max(own, value?.length ?? 0)
    if (name === 'boundaries_and_scales' && value) own = Math.max(own, ...Object.keys(value).map(Number))
    if (RATES.test(name) || !LENGTHS.test(name)) continue
    const largest = Math.max(0, ...numbers(value).filter(Number.isFinite))
    own = Math.max(own, CYCLES.test(name) ? largest * 4 : largest)
  }
  if (schedule.type === 'until') return schedule.last_step ?? 0
  if (schedule.type === 'wsd') own = (schedule.warmup_steps ?? 0) + (schedule.stable_steps ?? 0) + (schedule.decay_steps ?? 0)
  for (const [name, base] of [['gamma', 1], ['decay_constant', 0]]) {
    const rate = schedule[name]
    if (own > 0 || !(rate > 0)) continue
    own = base === 1 ? (rate < 1 ? Math.log(0.01) / Math.log(rate) : 0) : 4.6 / rate
  }
  const children = ['then', 'schedule', 'schedules', 'schedulers', 'learning_rate', 'scheds', 'param_scheduler']
    .flatMap((name) => schedule[name] ?? []).map(length)
  if (children.length === 0) return own
  if (schedule.type === 'warmup' || /LinearWarmup/.test(schedule.type)) return own + children[0]
  if (/sequence|Sequential|join/.test(schedule.type)) return own + children[children.length - 1]
  return Math.max(own, ...children)
}

/** A number of steps that shows all of the schedule. */
export function horizon(schedule) {
  const steps = Math.ceil(length(schedule))
  return Math.min(Number.isFinite(steps) && steps > 0 ? steps + 1 : 101, 10_000_000)
}
