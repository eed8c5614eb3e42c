// Keeps the page of one's calls true: events say what has changed, the clock moves the rest.
const root = document.getElementById('quota')
const live = document.getElementById('live')
const words = JSON.parse(root.dataset.words)
const mostListed = 5
const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches

let state = JSON.parse(root.dataset.state)
// Times are the gateway's: this is what to add to them on the clock of this page.
let offsetMs = Date.now() - Date.parse(state.at)

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '')

function duration(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

// Only what differs is written: a live region would read the same words again.
function write(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text
}

// The reader's own way to write the time, unless the page is in another language.
const { lang } = document.documentElement
const locale = navigator.language.startsWith(lang) ? navigator.language : lang
const clockTime = (atMs) => new Date(atMs).toLocaleTimeString(locale)

function showMarks(group, waits, windowMs) {
  while (group.childElementCount > waits.length) group.firstElementChild.remove()
  while (group.childElementCount < waits.length) {
    const mark = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
    for (const [name, value] of Object.entries({ y: 8, width: 5, height: 24, rx: 2 })) {
      mark.setAttribute(name, value)
    }
    group.append(mark)
  }
  waits.forEach((ms, i) => {
    group.children[i].setAttribute('x', `${Math.min(100, (ms / windowMs) * 100).toFixed(2)}%`)
  })
}

function showList(list, waits, nowMs) {
  const listed = waits.slice(0, mostListed)
  while (list.childElementCount > listed.length) list.lastElementChild.remove()
  while (list.childElementCount < listed.length) list.append(document.createElement('li'))
  listed.forEach((ms, i) => {
    write(list.children[i], `${fill(words.in, { duration: duration(ms) })} · ${clockTime(nowMs + ms)}`)
  })
}

function show(section, policy, nowMs) {
  const find = (selector) => section.querySelector(selector)
  const isLimited = policy.remaining < 1
  const waits = policy.freeAt.map((time) => Date.parse(time) + offsetMs - nowMs).filter((ms) => ms > 0)
  section.toggleAttribute('data-limited', isLimited)
  write(find('.left strong'), String(policy.remaining))
  write(find('.left span'), fill(words.left, { remaining: '', quota: policy.quota }).trim())
  write(find('.reached'), isLimited ? words.limited : '')
  find('.wait').hidden = !isLimited
  const resetMs = Date.parse(state.at) + offsetMs + policy.resetSeconds * 1000 - nowMs
  write(find('.wait strong'), duration(waits[0] ?? resetMs))
  if (find('svg') === null) return
  showMarks(find('svg g'), waits, policy.windowSeconds * 1000)
  find('.free').hidden = policy.remaining < policy.quota
  showList(find('.next'), waits, nowMs)
  const unlisted = policy.quota - policy.remaining - Math.min(mostListed, policy.freeAt.length)
  write(find('.more'), waits.length > 0 && unlisted > 0 ? fill(words.more, { count: unlisted }) : '')
}

function showAll() {
  const nowMs = Date.now()
  const sections = root.querySelectorAll('section')
  document.getElementById('degraded').hidden = !state.isDegraded
  state.policies.forEach((policy, i) => {
    show(sections[i], policy, nowMs)
  })
}

const layoutOf = ({ account, policies }) =>
  JSON.stringify([
    account,
    policies.map(({ name, appliesTo, windowSeconds }) => [name, appliesTo, windowSeconds]),
  ])

// Asked for anew: to reload a page that answered a form would send the form once more.
const loadAgain = () => location.assign('/auth/account')

// Not again and again while two gateways differ, as when one of them is being replaced.
let isReloading = false
function reloadOnce() {
  if (isReloading) return
  isReloading = true
  setTimeout(loadAgain, Math.max(0, 5000 - performance.now()))
}

function take(newState) {
  // Other limits, or another person: a new page is laid out for them.
  if (layoutOf(newState) !== layoutOf(state)) return reloadOnce()
  state = newState
  offsetMs = Date.now() - Date.parse(state.at)
  showAll()
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// The browser gives up after any refusal: too many open pages, a gateway that is overloaded, a session's end.
async function afterRefusal() {
  write(live, words.away)
  await sleep(2000)
  const answer = await fetch('/quota').catch(() => null)
  // The login page renews a session that can be renewed, and leads back.
  if (answer?.status === 401) return loadAgain()
  if (answer?.ok) take(await answer.json())
  await sleep(8000)
  listen()
}

function listen() {
  const events = new EventSource('/quota/events')
  events.addEventListener('quota', (event) => {
    write(live, words.live)
    take(JSON.parse(event.data))
  })
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) afterRefusal()
    else write(live, words.away)
  })
}

showAll()
listen()
const shortestMs = Math.min(...state.policies.map(({ windowSeconds }) => windowSeconds * 1000))
setInterval(showAll, isCalm || shortestMs > 60_000 ? 1000 : 100)
