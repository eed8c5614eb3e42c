import { showBoard } from './board.js'
import { readMetrics, sumOf } from './samples.js'
import { currentLanguage, useOtherLanguage, word } from './words.js'

const pollEveryMs = 5_000
const at = (id) => document.getElementById(id)

let timer = 0
/** Counters of the poll before, for rates. */
let before = null
/** What was shown last, to show it again in another language. */
let shown = null

takeTokenFromAddress()
at('language').addEventListener('click', () => {
  useOtherLanguage()
  speak()
  if (shown !== null) showBoard(shown)
})
at('forget').addEventListener('click', () => askForToken())
at('login').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('token', at('token').value.trim())
  at('token').value = ''
  poll()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && sessionStorage.getItem('token') !== null) poll()
})
addEventListener('hashchange', () => {
  takeTokenFromAddress()
  poll()
})
speak()
if (sessionStorage.getItem('token') === null) askForToken()
else poll()

/** `#token=…` is never sent to a server; it leaves the address and the history at once. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token === null) return
  sessionStorage.setItem('token', token)
  history.replaceState(null, '', location.pathname)
}

function askForToken(notice = null) {
  clearTimeout(timer)
  sessionStorage.removeItem('token')
  shown = before = null
  at('board').hidden = at('forget').hidden = true
  at('login').hidden = false
  say(notice)
  at('token').focus()
}

async function poll() {
  clearTimeout(timer)
  if (document.hidden) return
  const token = sessionStorage.getItem('token')
  if (token === null) return askForToken()
  try {
    const answers = await Promise.all(
      [
        '/api/stats/services',
        '/api/stats/top-logins?days=3&limit=3',
        '/api/stats/recent-logins?limit=10',
        '/api/stats/least-active?limit=10',
        '/api/calls?limit=20',
        '/readyz',
        '/metrics',
      ].map((path) => ask(path, token)),
    )
    if (sessionStorage.getItem('token') !== token) return
    if (answers.some(({ status }) => status === 401)) return askForToken('wrongToken')
    const [services, topLogins, recentLogins, leastActive, calls, health, metrics] = answers
    const samples = readMetrics(metrics.body ?? '')
    shown = {
      ...{ services, topLogins, recentLogins, leastActive, calls },
      health: health.body?.stores ?? null,
      samples,
      rate: rateSince(before, samples),
      atMs: Date.now(),
    }
    before = { samples, atMs: shown.atMs }
    at('login').hidden = true
    at('board').hidden = at('forget').hidden = false
    say(null)
    showBoard(shown)
  } catch {
    say('unreachable')
  }
  clearTimeout(timer)
  timer = setTimeout(poll, pollEveryMs)
}

/** Status and body; the body is null when the answer is an error, but for /readyz, whose 503 tells which store. */
async function ask(path, token) {
  const answer = await fetch(path, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  })
  const isJson = (answer.headers.get('content-type') ?? '').startsWith('application/json')
  const body = isJson ? await answer.json() : await answer.text()
  return { status: answer.status, body: answer.ok || path === '/readyz' ? body : null }
}

function rateSince(earlier, samples) {
  if (earlier === null) return null
  const requests = (list) => sumOf(list, 'guichet_http_requests_total')
  const made = requests(samples) - requests(earlier.samples)
  // Fewer than before: the gateway was restarted.
  return made < 0 ? null : (made * 1_000) / (Date.now() - earlier.atMs)
}

function speak() {
  document.documentElement.lang = currentLanguage()
  document.title = `Guichet · ${word('subtitle')}`
  for (const element of document.querySelectorAll('[data-word]'))
    element.textContent = word(element.dataset.word)
  at('language').textContent = word('otherLanguage')
  at('language').lang = currentLanguage() === 'fr' ? 'en' : 'fr'
  if (at('notice').dataset.said) say(at('notice').dataset.said)
}

function say(key) {
  const notice = at('notice')
  notice.hidden = key === null
  notice.dataset.said = key ?? ''
  if (key !== null) notice.textContent = word(key)
}
