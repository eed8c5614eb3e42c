import { sumOf } from './samples.js'
import { locale, word } from './words.js'

const at = (id) => document.getElementById(id)

/** Shows one poll's answers, in the language of now. */
export function showBoard({
  services,
  topLogins,
  recentLogins,
  leastActive,
  calls,
  health,
  samples,
  rate,
  atMs,
}) {
  showTiles(samples, rate)
  const most = (rows, key) => Math.max(1, ...(rows ?? []).map((row) => row[key]))
  fill('services', services.body, (row) =>
    bar([row.service], row.calls, row.calls / most(services.body, 'calls')),
  )
  fill('top-logins', topLogins.body, (row) =>
    bar(person(row.account), row.logins, row.logins / most(topLogins.body, 'logins')),
  )
  fill('recent-logins', recentLogins.body, (row) =>
    make(
      'li',
      {},
      line(person(row.account), make('time', { class: 'value when', datetime: row.at }, moment(row.at))),
    ),
  )
  fill('least-active', leastActive.body, (row) =>
    make('li', {}, line(person(row.account), make('span', { class: 'value' }, number(row.calls)))),
  )
  const stores = health === null ? null : Object.entries(health)
  fill('stores', stores, ([name, state]) =>
    make('li', {}, make('span', {}, name), make('span', { class: state }, word(state))),
  )
  showDecisions(samples)
  fill('calls', calls.body, callRow)
  at('updated').textContent = `${word('updated')} ${new Date(atMs).toLocaleTimeString(locale())}`
}

function showTiles(samples, rate) {
  const sessions = samples.find(({ name }) => name === 'guichet_sessions')
  const decided = sumOf(samples, 'guichet_decisions_total')
  const denied = sumOf(samples, 'guichet_decisions_total', { decision: 'denied' })
  const percent = { style: 'percent', maximumFractionDigits: 1 }
  const tiles = [
    ['requestRate', rate === null ? '–' : number(rate, { maximumFractionDigits: 1 })],
    ['deniedShare', decided === 0 ? '–' : number(denied / decided, percent)],
    ['sessions', sessions === undefined ? '–' : number(sessions.value)],
    ['pending', number(sumOf(samples, 'guichet_hits_pending'))],
  ]
  at('tiles').replaceChildren(
    ...tiles.map(([key, value]) => make('div', {}, make('dt', {}, word(key)), make('dd', {}, value))),
  )
}

function showDecisions(samples) {
  const policies = [
    ...new Set(samples.filter((s) => s.name === 'guichet_decisions_total').map((s) => s.labels.policy)),
  ]
  fill('decisions', policies, (policy) => {
    const counts = ['allowed', 'near', 'denied', 'shadow_denied'].map((decision) => [
      decision,
      sumOf(samples, 'guichet_decisions_total', { policy, decision }),
    ])
    const total = counts.reduce((sum, [, count]) => sum + count, 0)
    let from = 0
    const shares = counts.map(([decision, count]) => {
      const share = { class: decision, from, width: total === 0 ? 0 : count / total }
      from += share.width
      return share
    })
    const legend = counts
      .filter(([decision, count]) => decision !== 'shadow_denied' || count > 0)
      .map(([decision, count]) => make('span', {}, make('b', {}, number(count)), ` ${word(decision)}`))
    return make(
      'div',
      { class: 'policy' },
      make('span', {}, policy),
      meter(shares),
      make('div', { class: 'legend' }, ...legend),
    )
  })
}

function callRow({ at, account, accountId, service, method, path, status, durationMs }) {
  const caller = account?.email ?? word(accountId === null ? 'anonymous' : 'gone')
  const duration = `${number(durationMs, { maximumFractionDigits: 1 })} ms`
  return make(
    'tr',
    {},
    make('td', {}, make('time', { datetime: at }, new Date(at).toLocaleTimeString(locale()))),
    make('td', { class: 'caller' }, caller),
    make('td', {}, service),
    make('td', { class: 'call' }, `${method} ${path}`),
    make('td', { class: status < 400 ? 'ok' : 'bad' }, String(status)),
    make('td', { class: 'number' }, duration),
  )
}

/** Replaces a list; null says that a store is away, an empty list that nothing happened yet. */
function fill(id, rows, element) {
  const box = at(id)
  if (rows?.length) return box.replaceChildren(...rows.map(element))
  const text = word(rows === null ? 'unavailable' : 'nothing')
  if (box.tagName === 'TBODY') {
    return box.replaceChildren(make('tr', {}, make('td', { class: 'empty', colspan: 6 }, text)))
  }
  box.replaceChildren(make(box.tagName === 'DIV' ? 'p' : 'li', { class: 'empty' }, text))
}

function person({ firstName, lastName, email }) {
  return [`${firstName} ${lastName}`, make('small', {}, email)]
}

function line(who, value) {
  return make('div', { class: 'line' }, make('span', { class: 'who' }, ...who), value)
}

function bar(who, count, share) {
  const value = make('span', { class: 'value' }, number(count))
  return make('li', {}, line(who, value), meter([{ class: 'share', from: 0, width: share }]))
}

/** Attributes of an SVG, since inline styles are forbidden here. The number stands beside it, so it is decoration. */
function meter(shares) {
  const svg = (name, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }
  const picture = svg('svg', {
    class: 'meter',
    viewBox: '0 0 100 8',
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })
  picture.append(
    svg('rect', { width: 100, height: 8 }),
    ...shares.map(({ class: name, from, width }) =>
      svg('rect', { class: name, x: from * 100, width: width * 100, height: 8 }),
    ),
  )
  return picture
}

/** Text goes in as text: names come from people. */
function make(name, attributes, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

function number(value, options = {}) {
  return value.toLocaleString(locale(), options)
}

function moment(iso) {
  return new Date(iso).toLocaleString(locale(), {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
}
