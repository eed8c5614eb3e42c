// A flood, a process of its own: `node bench/send-logins.ts URL RATE` sends so many wrong logins a second until SIGTERM,
// whether they are answered or not, and prints how they were answered as one JSON line.
import { Agent, request } from 'node:http'

export interface FloodResult {
  readonly sentPerSecond: number
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Logins without an answer, and 503 without a Retry-After. */
  readonly errors: number
}

const [url, rate] = [process.argv[2] as string, Number(process.argv[3])]
const agent = new Agent({ keepAlive: true })
const statuses: Record<string, number> = {}
let sent = 0
let errors = 0

/** Another account from another address each time, so that no delay and no limit stands before the password. */
function sendLogin(number: number): void {
  const body = JSON.stringify({
    email: `nobody-${process.pid}-${number}@bench.example`,
    password: 'a wrong password',
  })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-forwarded-for': `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
  }
  const outgoing = request(`${url}/auth/login`, { method: 'POST', agent, headers })
  outgoing.once('error', () => errors++)
  outgoing.once('response', (answer) => {
    const status = String(answer.statusCode)
    statuses[status] = (statuses[status] ?? 0) + 1
    if (status === '503' && answer.headers['retry-after'] === undefined) errors++
    answer.resume()
  })
  outgoing.end(body)
}

const startedAtMs = performance.now()
const elapsedSeconds = (): number => (performance.now() - startedAtMs) / 1000
setInterval(() => {
  while (sent < elapsedSeconds() * rate) sendLogin(sent++)
}, 5)
process.once('SIGTERM', () => {
  const result: FloodResult = { sentPerSecond: sent / elapsedSeconds(), statuses, errors }
  console.log(JSON.stringify(result))
  process.exit(0)
})
console.log(JSON.stringify({ event: 'flooding' }))
