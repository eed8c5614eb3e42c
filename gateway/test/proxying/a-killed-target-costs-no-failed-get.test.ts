import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { freePort } from '../servers/free-port.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { ask, echoed } from './ask.ts'
import { inTurns, openBalancedGateway, startTargetProcess, tally } from './balanced.ts'
import { startRawApp } from './raw-app.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a target that is killed under load', () => {
  it('costs no failed GET, and has its share again when it is back', async () => {
    const [port, otherPort] = [await freePort(), await freePort()]
    const killed = opened.use(await startTargetProcess(port))
    opened.use(await startTargetProcess(otherPort))
    const { url } = opened.use(
      await openBalancedGateway({
        targets: [{ url: `http://127.0.0.1:${port}` }, { url: `http://127.0.0.1:${otherPort}` }],
        upstream: { eject: { failures: 3, for: '300ms' } },
      }),
    )
    const calls = inTurns(3_000, 20, async () => {
      const response = await fetch(url)
      return `${response.status} ${await response.text()}`
    })
    await wait(500)
    await killed.stop('SIGKILL')
    const counts = tally(await calls)
    expect(Object.keys(counts).toSorted()).toEqual([`200 ${port}`, `200 ${otherPort}`].toSorted())
    expect(counts[`200 ${port}`]).toBeGreaterThan(0)

    opened.use(await startTargetProcess(port))
    await wait(300)
    const back = tally(await inTurns(200, 10, async () => (await fetch(url)).text()))
    expect(Math.abs((back[port] ?? 0) - 100)).toBeLessThanOrEqual(10)
  })

  it('is sent no POST twice, and none of those that it was not sent fails', async () => {
    const [port, otherPort] = [await freePort(), await freePort()]
    // Slow enough to have some in hand when it dies.
    const killed = opened.use(await startTargetProcess(port, 20))
    const other = opened.use(await startTargetProcess(otherPort, 20))
    const { url } = opened.use(
      await openBalancedGateway({
        targets: [{ url: `http://127.0.0.1:${port}` }, { url: `http://127.0.0.1:${otherPort}` }],
        upstream: { eject: { failures: 3, for: '10s' } },
      }),
    )
    const calls = inTurns(600, 20, async (index) => {
      const { status } = await fetch(`${url}/order-${index}`, { method: 'POST', body: `order ${index}` })
      return String(status)
    })
    await wait(200)
    await killed.stop('SIGKILL')
    const statuses = await calls
    const arrived = tally(`${killed.stdout}${other.stdout}`.match(/\/order-\d+/g) ?? [])
    expect(Object.entries(arrived).filter(([, times]) => times > 1)).toEqual([])
    // What failed had been sent: at most what was running there.
    expect(statuses.filter((status) => status === '502').length).toBeLessThanOrEqual(20)
    expect(statuses.filter((status) => status !== '200' && status !== '502')).toEqual([])
  })
})

describe('a call that could not be sent goes to another target', () => {
  it('with its whole body, whatever its method', async () => {
    const app = opened.use(await startEchoApp())
    const dead = { url: `http://127.0.0.1:${await freePort()}`, weight: 50 }
    const { url } = opened.use(await openBalancedGateway({ targets: [dead, { url: app.url }] }))
    const body = 'x'.repeat(300_000)
    expect(echoed(await ask(url, '/x', { method: 'POST', body })).body).toBe(body)
    const chunks = Readable.from(['first, ', 'second'])
    expect(echoed(await ask(url, '/x', { method: 'PATCH', body: chunks })).body).toBe('first, second')
    expect(app.seen).toHaveLength(2)
  })

  it('and counts once in the caller’s quota', async () => {
    const app = opened.use(await startEchoApp())
    const broken = opened.use(await startRawApp((socket) => socket.destroy()))
    const gateway = opened.use(
      await openTestGateway({
        upstream: '',
        config: { upstreams: { app: { targets: [{ url: broken.url, weight: 50 }, { url: app.url }] } } },
      }),
    )
    await addAccount(gateway)
    const { authorization: headers } = await logIn(gateway)
    for (const left of [9, 8, 7]) {
      const { status, headers: answered } = await ask(gateway.url, '/api/achat', { headers })
      expect([status, answered.ratelimit]).toEqual([200, expect.stringContaining(`r=${left};`)])
    }
    expect(app.seen).toHaveLength(3)
    expect(broken.received).toHaveLength(3)
  })
})

it('an app’s own 503 is its answer: it passes untouched, and nobody else is asked', async () => {
  const busy = opened.use(
    await startEchoApp((_, response) => response.writeHead(503, { 'retry-after': '7' }).end('later')),
  )
  const { url } = opened.use(
    await openBalancedGateway({
      targets: [{ url: busy.url }, { url: busy.url.replace('127.0.0.1', 'localhost') }],
      upstream: { eject: { failures: 1, for: '1m' } },
    }),
  )
  for (let i = 1; i <= 6; i++) {
    const { status, headers, body } = await ask(url, '/x')
    expect([status, headers['retry-after'], body, busy.seen.length]).toEqual([503, '7', 'later', i])
  }
})
