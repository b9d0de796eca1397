// Asking the server. Addresses are relative to the page, so that it works behind a proxy's prefix too.

const KEY = 'anneal.token'

/** An error as the server says it (RFC 9457). */
export class Problem extends Error {
  constructor(status, members) {
    super(members.detail ?? `The server answered ${status}`)
    this.status = status
    this.members = members
    this.title = members.title ?? 'The server did not answer as expected'
    this.pointer = members.pointer
    this.parameter = members.parameter
    this.suggestion = members.suggestion
  }
}

let asking

export function hasToken() { return sessionStorage.getItem(KEY) !== null }

export function forgetToken() {
  sessionStorage.removeItem(KEY)
  document.getElementById('token-button').hidden = true
}

/** Asks whoever sits there for a token; once, however many requests wait for it. Resolves to whether there is one. */
function askForToken(problem) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById('token-dialog')
    const input = document.getElementById('token-input')
    const form = document.getElementById('token-form')
    const cancel = document.getElementById('token-cancel')
    document.getElementById('token-detail').textContent = problem.message
    input.value = ''
    let isGiven = false
    form.onsubmit = (event) => {
      event.preventDefault()
      const token = input.value.trim()
      if (!/^[\x21-\x7e]+$/.test(token)) return
      sessionStorage.setItem(KEY, token)
      isGiven = true
      dialog.close()
    }
    cancel.onclick = () => dialog.close()
    dialog.onclose = () => {
      document.getElementById('token-button').hidden = !hasToken()
      asking = undefined
      resolve(isGiven)
    }
    dialog.showModal()
    input.focus()
  })
  return asking
}

async function problemOf(response) {
  let members = {}
  try {
    members = JSON.parse(await response.text())
  } catch {
    // A proxy's page, or nothing: the status has to do.
  }
  return new Problem(response.status, members && typeof members === 'object' ? members : {})
}

/** A request as it is; asks for a token where one is needed. */
export async function ask(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(KEY)
    const headers = { Accept: 'application/json', ...options.headers }
    if (token !== null) headers.Authorization = `Bearer ${token}`
    let response
    try {
      response = await fetch(path, { ...options, headers, credentials: 'omit', cache: 'no-store', redirect: 'error' })
    } catch (error) {
      if (error.name === 'AbortError') throw error
      throw new Problem(0, { title: 'The server does not answer', detail: 'The server cannot be reached.' })
    }
    if (response.ok) return response
    const problem = await problemOf(response)
    // Another request may have brought a token meanwhile: then it is tried first.
    if (response.status !== 401) throw problem
    if (sessionStorage.getItem(KEY) === token && !(await askForToken(problem))) throw problem
  }
}

/** The JSON that a path answers. */
export async function getJSON(path, options) { return (await ask(path, options)).json() }

/** Sends JSON and reads what is answered; undefined for an answer without content. */
export async function sendJSON(method, path, value, options = {}) {
  const response = await ask(path, {
    ...options, method, body: value === undefined ? undefined : JSON.stringify(value),
    headers: { ...(value === undefined ? {} : { 'Content-Type': 'application/json' }), ...options.headers },
  })
  return response.status === 204 ? undefined : response.json()
}

/**
 * Reads Server-Sent Events to the end of an answer: take({ kind, data, id }) for each, which may return false to stop, and
 * batch() when there are no more for the moment.
 *
 * Returns false where it was stopped.
 */
export async function readEvents(response, take, batch = () => {}) {
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return true
    rest += decoder.decode(value, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const event = { kind: 'message', data: '' }
      for (const line of block.split('\n')) {
        if (line.startsWith('id: ')) event.id = Number(line.slice(4))
        else if (line.startsWith('event: ')) event.kind = line.slice(7)
        else if (line.startsWith('data: ')) event.data += line.slice(6)
      }
      if (event.data !== '' && take({ ...event, data: JSON.parse(event.data) }) === false) return false
    }
    batch()
  }
}

/**
 * Follows a stream of Server-Sent Events, and comes back where it broke off. Not by EventSource, which sends no token.
 *
 * - handlers.event(kind, data, id), handlers.state(text): 'live', 'lost'; handlers.failed(problem) for what will not mend.
 * Returns a function that stops it.
 */
export function follow(path, handlers) {
  const controller = new AbortController()
  let last = 0
  let pause = 1000
  const run = async () => {
    while (!controller.signal.aborted) {
      try {
        const headers = { Accept: 'text/event-stream', ...(last > 0 ? { 'Last-Event-ID': String(last) } : {}) }
        const response = await ask(path, { headers, signal: controller.signal })
        handlers.state('live')
        pause = 1000
        if (!(await readEvents(response, take, handlers.batch))) return
      } catch (error) {
        if (controller.signal.aborted) return
        if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) {
          return handlers.failed(error)
        }
      }
      if (controller.signal.aborted) return
      handlers.state('lost')
      await new Promise((resolve) => setTimeout(resolve, pause))
      pause = Math.min(pause * 2, 15000)
    }
  }
  const take = ({ kind, data, id }) => {
    if (id !== undefined) last = id
    if (kind === 'end') {
      handlers.ended(data)
      return false
    }
    handlers.event(kind, data, id)
    return true
  }
  run()
  return () => controller.abort()
}
