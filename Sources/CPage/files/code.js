// What can be taken along: the request for curl and as JSON, a session, a link, and the schedule as code.

import { copyButton, h } from './dom.js'

/** A text in single quotes for a POSIX shell. */
function quoted(text) { return `'${text.replaceAll("'", `'\\''`)}'` }

/** The request as a command. */
export function curl(request) {
  return `curl -s ${quoted(new URL('schedule', document.baseURI).href)} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(request))}`
}

function block(title, text, note) {
  return h('div', { class: 'copy' }, h('div', { class: 'copy-head' }, h('h3', {}, title), copyButton('Copy', () => text)),
    note ? h('p', { class: 'hint' }, note) : null, h('pre', { tabindex: 0, 'aria-label': title }, h('code', {}, text)))
}

export function copiesOf(room, box, request) {
  const link = `#sessions?${new URLSearchParams({ schedule: JSON.stringify(request.schedule) })}`
  room.copyActions.replaceChildren(copyButton('Copy the link', () => location.href), h('a', { class: 'button', href: link }, 'Open a session with this'))
  box.replaceChildren(block('curl', curl(request)), block('JSON', JSON.stringify(request, null, 2)))
}
