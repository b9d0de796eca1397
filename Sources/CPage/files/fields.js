// Controls for the parameters of a schedule, made from what the catalog says of them.

import { freshID, h, numberText } from './dom.js'

/** Parameters that are written as JSON. */
const WRITTEN = new Set([
  'schedule', 'array of schedules', 'number or schedule', 'array of numbers', 'array of points', 'array of objects',
  'array of texts', 'object of numbers',
])

/** The ends of a range in the catalog's words. */
function rangeOf(words = '') {
  const number = (pattern) => {
    const found = words.match(pattern)
    return found ? Number(found[1]) : undefined
  }
  return {
    low: number(/at least (-?[\d.e+]+)/) ?? number(/greater than (-?[\d.e+]+)/),
    high: number(/at most (-?[\d.e+]+)/) ?? number(/less than (-?[\d.e+]+)/),
  }
}

/** Where a slider begins and ends, and whether by factors; undefined where there is no sense in one. */
function span(parameter, value) {
  const { low, high } = rangeOf(parameter.range)
  const isWhole = parameter.kind === 'integer'
  if (low !== undefined && high !== undefined && high - low <= 1000) return { low, high, isWhole, isLog: false }
  if (!(value > 0)) return undefined
  const least = isWhole ? Math.max(1, low ?? 0) : value / 100
  return { low: isWhole ? least : Math.max(least, low ?? 0), high: value * (isWhole ? 10 : 100), isWhole, isLog: true }
}

/** A text area that is as high as its text. */
function fit(area) {
  area.rows = Math.min(14, Math.max(2, area.value.split('\n').length))
}

function pretty(value) {
  const short = JSON.stringify(value)
  return short.length <= 44 ? short : JSON.stringify(value, null, 1).replace(/\n\s*(-?[\d.e+]+,?)(?=\n)/g, ' $1')
}

/** One parameter: its label, its control, what it means, and what is wrong with it. */
class Field {
  constructor(parameter, value, changed) {
    this.parameter = parameter
    this.changed = changed
    this.id = freshID('field')
    const { name, description, kind, range } = parameter
    this.error = h('p', { class: 'error', id: `${this.id}-error`, hidden: true })
    const facts = [description, range && range !== 'any number' ? range : undefined]
    const hint = h('p', { class: 'hint', id: `${this.id}-hint` }, facts.filter(Boolean).join('; '))
    const common = {
      id: this.id, name, 'aria-describedby': `${this.id}-hint ${this.id}-error`, spellcheck: 'false', autocomplete: 'off',
      'aria-required': parameter.required ? 'true' : undefined,
    }
    const label = h('label', { for: this.id }, name)
    const whole = value === undefined ? parameter.default : value
    if (kind === 'boolean') {
      this.control = h('input', { ...common, type: 'checkbox', checked: whole === true, onchange: () => this.take(this.control.checked) })
      this.element = h('div', { class: 'field check' }, this.control, label, hint, this.error)
    } else if (kind === 'choice') {
      this.control = h('select', { ...common, onchange: () => this.take(this.control.value === '' ? undefined : this.control.value) },
        parameter.required ? null : h('option', { value: '' }, parameter.default === undefined ? '–' : `${parameter.default} (default)`),
        parameter.choices.filter((choice) => parameter.required || choice !== parameter.default).map((choice) => h('option', { value: choice }, choice)))
      this.control.value = value === undefined || value === parameter.default && !parameter.required ? '' : value
      this.element = h('div', { class: 'field' }, label, this.control, hint, this.error)
    } else if (WRITTEN.has(kind)) {
      this.control = h('textarea', {
        ...common, class: 'code', value: value === undefined ? '' : pretty(value),
        placeholder: parameter.default === undefined ? '' : JSON.stringify(parameter.default),
        oninput: () => { fit(this.control); this.takeWritten() },
      })
      fit(this.control)
      this.element = h('div', { class: 'field' }, label, h('span', { class: 'kind' }, 'JSON'), this.control, hint, this.error)
    } else if (kind === 'text') {
      const isLong = /formula|lambda|lr_lambda/.test(name)
      this.control = h(isLong ? 'textarea' : 'input', {
        ...common, class: 'code', type: isLong ? undefined : 'text', value: value ?? '', placeholder: parameter.default ?? '',
        rows: isLong ? 3 : undefined,
        oninput: () => this.take(this.control.value === '' && !parameter.required ? undefined : this.control.value),
      })
      this.element = h('div', { class: 'field' }, label, this.control, hint, this.error)
    } else {
      this.control = h('input', {
        ...common, type: 'text', inputmode: 'decimal', value: value === undefined ? '' : String(value),
        placeholder: parameter.default === undefined ? '' : numberText(parameter.default, 8), oninput: () => this.takeNumber(),
        // A slider that came up now would push away what is about to be clicked.
        onchange: () => { if (this.range) this.placeSlider(true) },
      })
      this.slider = h('input', {
        type: 'range', min: 0, max: 400, step: 1, 'aria-label': `${name}, slider`, tabindex: 0, oninput: () => this.slide(),
      })
      this.element = h('div', { class: 'field number' }, label, this.control, this.slider, hint, this.error)
      this.placeSlider(true, typeof whole === 'number' ? whole : undefined)
    }
  }

  take(value) {
    // What is as the library has it anyway need not be said.
    const isDefault = value === this.parameter.default && !this.parameter.required
    this.changed(this.parameter.name, isDefault && this.parameter.kind === 'boolean' ? undefined : value)
  }

  takeNumber() {
    const text = this.control.value.trim()
    if (text === '') return this.take(undefined)
    // What is no number goes as it is: the server says what is wrong with it.
    const number = Number(text)
    this.take(Number.isFinite(number) && /^[-+.\d]/.test(text) && !/^0x/i.test(text) ? number : text)
    this.placeSlider(false)
  }

  takeWritten() {
    const text = this.control.value.trim()
    if (text === '') return this.take(undefined)
    let value
    try {
      value = JSON.parse(text)
    } catch (error) {
      this.show(`This is not JSON yet: ${error.message}`)
      this.changed(this.parameter.name, undefined, true)
      return
    }
    this.take(value)
  }

  placeSlider(mayMove, otherwise) {
    const text = this.control.value.trim()
    const value = text === '' ? otherwise ?? this.parameter.default : Number(text)
    const fits = this.range && value >= this.range.low && value <= this.range.high
    if (mayMove && !fits) this.range = span(this.parameter, value) ?? this.range
    this.slider.hidden = this.range === undefined
    if (!this.range) return
    const { low, high, isLog } = this.range
    if (Number.isFinite(value)) {
      const part = isLog ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low)
      this.slider.value = Math.round(400 * part)
    }
    this.slider.setAttribute('aria-valuetext', text === '' ? 'as by default' : text)
  }

  slide() {
    const { low, high, isWhole, isLog } = this.range
    const part = this.slider.value / 400
    const exact = isLog ? low * (high / low) ** part : low + (high - low) * part
    const value = isWhole ? Math.round(exact) : Number(exact.toPrecision(3))
    this.control.value = String(value)
    this.slider.setAttribute('aria-valuetext', String(value))
    this.take(value)
  }

  show(text) {
    this.error.textContent = text ?? ''
    this.error.hidden = !text
    if (text) this.control.setAttribute('aria-invalid', 'true')
    else this.control.removeAttribute('aria-invalid')
  }
}

/** The parameters of one type of schedule. */
export class Fields {
  /** changed(name, value, isBroken): a parameter has another value; undefined for none. isOpen: all are shown at once. */
  constructor(entry, schedule, changed, isOpen = entry.parameters.length <= 14) {
    this.fields = new Map()
    const make = (parameter) => {
      const field = new Field(parameter, schedule[parameter.name], (name, value, isBroken) => {
        if (!isBroken) field.show()
        changed(name, value, isBroken)
      })
      this.fields.set(parameter.name, field)
      return field.element
    }
    const isShown = (parameter) => parameter.required || parameter.name in schedule
    const [shown, others] = [entry.parameters.filter(isShown), entry.parameters.filter((parameter) => !isShown(parameter))]
    this.more = others.length === 0 ? null : h('details', { class: 'more', open: isOpen },
      h('summary', {}, `${others.length} more`), h('div', { class: 'fields' }, others.map(make)))
    this.element = h('div', { class: 'fields' }, shown.map(make), this.more)
    // In the catalog's order where all are shown: the first is what most people turn.
  }

  clear() { for (const field of this.fields.values()) field.show() }

  /** Puts an error beside the field that a JSON Pointer leads to; returns whether there is one. */
  show(names, text) {
    const field = this.fields.get(names[0])
    if (!field) return false
    field.show(names.length > 1 ? `${names.slice(1).join(' / ')}: ${text}` : text)
    if (this.more?.contains(field.element)) this.more.open = true
    return true
  }
}

/** The names that a JSON Pointer is made of. */
export function pointerNames(pointer = '') {
  return pointer.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}
