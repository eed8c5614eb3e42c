import { EventEmitter } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createListener } from '../listener.ts'
import { startEchoApp } from './echo-app.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { temporaryDirectory } from './test-gateway.ts'

const secret = 'SELECT secret FROM inside'
const lines: string[] = []
const app = createListener({
  log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
  ...{ requestTimeoutMs: 1_000, maxBodyBytes: 1_000, draining: { isDraining: false } },
})
let url: string
const failures: Record<string, () => unknown> = {
  'a handler that throws': () => {
    throw new Error(secret)
  },
  'a handler that rejects': async () => {
    throw new Error(secret)
  },
  'a handler that rejects with null': () => Promise.reject(null),
  'a handler that throws a text': () => {
    throw secret
  },
  'an emitter that nobody listens to': () => new EventEmitter().emit('error', new Error(secret)),
  'a stream that fails before its first byte': () =>
    new Readable({
      read: (): never => {
        throw new Error(secret)
      },
    }),
}

beforeAll(async () => {
  for (const [index, fail] of Object.values(failures).entries()) app.get(`/${index}`, fail)
  app.get('/hook', { onRequest: async () => Promise.reject(new Error(secret)) }, () => 'never')
  app.get('/well', () => 'well')
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

describe.each([
  ...Object.keys(failures).map((name, index) => [name, `/${index}`]),
  ['a hook that rejects', '/hook'],
])('%s', (_name, path) => {
  test('is one 500 that tells nothing, one line that tells all, and the next call is well', async () => {
    lines.length = 0
    const answer = await fetch(url + path)
    const body = await answer.text()
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([500, 'no-store'])
    expect(JSON.parse(body)).toMatchObject({ code: 'internal-error', status: 500 })
    expect(body).not.toContain('secret')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] as string)).toMatchObject({ requestId: JSON.parse(body).requestId })
    expect(await (await fetch(`${url}/well`)).text()).toBe('well')
  })
})

test('errors that nobody handles anywhere are logged, a line each, and the gateway lives', async () => {
  await using directory = await temporaryDirectory()
  await using upstream = await startEchoApp()
  // Loaded into the real process: each signal is a bug of another kind.
  const saboteur = join(directory.path, 'saboteur.mjs')
  await writeFile(
    saboteur,
    `import { EventEmitter } from 'node:events'
    const bugs = [
      () => setImmediate(() => { throw new Error('stray exception') }),
      () => void Promise.reject(new Error('stray rejection')),
      () => setImmediate(() => new EventEmitter().emit('error', new Error('stray event'))),
    ]
    process.on('SIGUSR2', () => bugs.shift()())`,
  )
  await using gateway = await startGatewayProcess({
    ...{ upstream: upstream.url, directory: directory.path },
    env: { NODE_OPTIONS: `--import=${saboteur}` },
  })
  const stray = () =>
    gateway.log().filter(({ msg }) => /nobody handled/.test(String(msg))) as { err: { message: string } }[]
  for (const [index, kind] of ['exception', 'rejection', 'event'].entries()) {
    process.kill(gateway.process.pid, 'SIGUSR2')
    await expect.poll(() => stray().length, { timeout: 5_000 }).toBe(index + 1)
    expect(stray()[index]?.err.message).toBe(`stray ${kind}`)
    expect((await fetch(`${gateway.url}/`)).status).toBe(200)
  }
  expect(await gateway.process.stop()).toEqual({ kind: 'exit', code: 0 })
  expect(gateway.process.stderr).toBe('')
})
