// The room of sessions.

import { h } from './dom.js'

export class SessionsRoom {
  constructor() { this.element = h('section', { class: 'room' }, h('h1', {}, 'Sessions')) }

  enter() {}
}
