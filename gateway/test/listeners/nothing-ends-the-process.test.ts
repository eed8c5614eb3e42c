import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { startProcess } from '../servers/child-process.ts'
import { freePort } from '../servers/free-port.ts'
import { temporaryDirectory, testConfig } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
afterAll(() => opened.disposeAsync())

const main = fileURLToPath(new URL('../../main.ts', import.meta.url))

interface Prepared {
  readonly url: string
  readonly adminUrl: string
  /** What starts it, for a shell. */
  readonly command: string
  readonly args: string[]
}

/** A gateway to be started at known places, since its output may go nowhere. */
async function prepare(directory: string): Promise<Prepared> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const file = join(directory, 'gateway.yaml')
  const config = {
    listen: { host: '127.0.0.1', port, publicUrl: 'http://localhost' },
    admin: { host: '127.0.0.1', port: adminPort, token: 'test-admin-token-0123456789' },
    log: { level: 'info' },
  }
  await writeFile(file, JSON.stringify(testConfig({ upstream: app.url, directory, config })))
  const args = [main, 'run', '--config', file]
  const command = [process.execPath, ...args].map((word) => `'${word}'`).join(' ')
  return { url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}`, command, args }
}

const statusOf = (url: string): Promise<number | string> =>
  fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) }).then(
    async (answer) => {
      await answer.text()
      return answer.status
    },
    () => 'none',
  )

const untilUp = ({ adminUrl }: Prepared): Promise<void> =>
  expect.poll(() => statusOf(`${adminUrl}/readyz`), { timeout: 30_000, interval: 100 }).toBe(200)

it('a full disk under the log costs lines, no answer', async () => {
  await using directory = await temporaryDirectory()
  const gateway = await prepare(directory.path)
  await using running = await startProcess('sh', ['-c', `exec ${gateway.command} > /dev/full`])
  await untilUp(gateway)
  for (let i = 0; i < 50; i++) expect(await statusOf(`${gateway.url}/x`)).toBe(200)
  expect(await running.stop()).toEqual({ kind: 'exit', code: 0 })
})

it('a reader of the log that leaves does not take the gateway with it', async () => {
  await using directory = await temporaryDirectory()
  const gateway = await prepare(directory.path)
  const child = spawn(process.execPath, gateway.args, { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await untilUp(gateway)
    child.stdout.destroy()
    for (let i = 0; i < 50; i++) expect(await statusOf(`${gateway.url}/x`)).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
})

it('a process that may open no more than 64 files turns callers away, and serves again when they have gone', async () => {
  await using directory = await temporaryDirectory()
  const gateway = await prepare(directory.path)
  await using running = await startProcess('sh', ['-c', `ulimit -n 64; exec ${gateway.command}`])
  await untilUp(gateway)
  const { hostname, port } = new URL(gateway.url)
  const sockets: Socket[] = []
  const hoard = Array.from({ length: 200 }, async () => {
    const socket = connect(Number(port), hostname).on('error', () => {})
    sockets.push(socket)
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    // Closed with our bytes unread, a connection is reset.
    const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => ['reset'])
    return Buffer.isBuffer(first) ? Number(first.toString('latin1').slice(9, 12)) : 'closed'
  })
  const outcomes = await Promise.all(hoard)
  // Whoever is let in is served, nobody waits for ever, and none is closed that the figures do not know of.
  const served = outcomes.filter((outcome) => outcome === 200).length
  expect(served).toBeGreaterThanOrEqual(8)
  expect(outcomes.filter((outcome) => outcome === 'closed')).toHaveLength(200 - served)
  const scraped = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  expect(scraped).toContain(`guichet_dropped_connections_total ${200 - served}\n`)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => statusOf(`${gateway.url}/x`), { timeout: 10_000 }).toBe(200)
  expect(await running.stop()).toEqual({ kind: 'exit', code: 0 })
})
