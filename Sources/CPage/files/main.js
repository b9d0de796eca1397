// The frame: rooms, and which of them is open. The fragment of the address says so: #schedules?…, #sessions/run-17.

import { forgetToken, hasToken } from './api.js'
import { announce, h } from './dom.js'
import { ExperimentsRoom } from './experiments.js'
import { SchedulesRoom } from './schedules.js'
import { SessionsRoom } from './sessions.js'

/** Every room: its name in the address, its name for people, and what makes it when it is first entered. */
const rooms = [
  { name: 'schedules', title: 'Schedules', make: () => new SchedulesRoom() },
  { name: 'experiments', title: 'Experiments', make: () => new ExperimentsRoom() },
  { name: 'sessions', title: 'Sessions', make: () => new SessionsRoom() },
]

const main = document.getElementById('main')
const made = new Map()
let open

for (const room of rooms) {
  room.link = h('a', { href: `#${room.name}` }, room.title)
  document.getElementById('rooms').append(h('li', {}, room.link))
}

function go() {
  const text = location.hash.slice(1)
  // The skip link's own fragment is no room.
  if (text === 'main') return
  const [path, query] = [text.split('?')[0], text.split('?').slice(1).join('?')]
  const [name, ...rest] = path.split('/')
  const room = rooms.find((candidate) => candidate.name === name) ?? rooms[0]
  if (!made.has(room.name)) {
    const view = room.make()
    made.set(room.name, view)
    main.append(view.element)
  }
  for (const [other, view] of made) view.element.hidden = other !== room.name
  for (const other of rooms) {
    if (other === room) other.link.setAttribute('aria-current', 'page')
    else other.link.removeAttribute('aria-current')
  }
  document.title = `${room.title} · Anneal`
  if (open && open !== room) {
    made.get(open.name).leave?.()
    announce(room.title)
  }
  open = room
  let part = rest.join('/')
  try {
    part = decodeURIComponent(part)
  } catch {
    // Left as it is written: nothing will be found under it.
  }
  made.get(room.name).enter(part, new URLSearchParams(query))
}

document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
  main.scrollIntoView()
})
const tokenButton = document.getElementById('token-button')
tokenButton.hidden = !hasToken()
tokenButton.addEventListener('click', () => {
  forgetToken()
  announce('The token is forgotten')
  location.reload()
})
window.addEventListener('hashchange', go)
go()
