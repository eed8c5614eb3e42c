import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { freePort } from '../servers/free-port.ts'
import { openTestGateway } from '../test-gateway.ts'
import { ask, echoed } from './ask.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const log: string[] = []
const { url } = opened.use(
  await openTestGateway({
    upstream: app.url,
    onLog: (line) => log.push(line),
    config: {
      upstreams: {
        app: { url: app.url },
        dead: { url: `http://127.0.0.1:${await freePort()}` },
      },
      routes: [
        { path: '/app', upstream: 'app', access: 'public' },
        { path: '/dead', upstream: 'dead', access: 'public' },
        { path: '/private', upstream: 'app', access: 'connected' },
      ],
    },
  }),
)
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  log.length = 0
})

const lines = () => log.map((line) => JSON.parse(line))

const failures = [
  [400, 'ambiguous-path', 'GET', '/app/a//b'],
  [401, 'unauthenticated', 'GET', '/private'],
  [404, 'not-found', 'GET', '/nothing'],
  [405, 'method-not-allowed', 'TRACE', '/app'],
  [414, 'path-too-long', 'GET', `/${'a'.repeat(9_000)}`],
  [502, 'upstream-unreachable', 'POST', '/dead'],
] as const

describe('a problem has the members of RFC 9457 and is not stored', () => {
  it.each(failures)('%i %s', async (status, code, method, path) => {
    const answer = await ask(url, path, { method })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(JSON.parse(answer.body)).toEqual({
      type: `urn:guichet:problem:${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: expect.stringMatching(/\.$/),
      code,
      requestId: answer.headers['x-request-id'],
    })
    expect(answer.body).not.toMatch(/ECONN|127\.0\.0\.1|\bat .*\.ts|undici/)
  })
})

describe('a person who follows a link reads a page', () => {
  const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }

  it.each([
    ['en', '/nothing', 404, 'Nothing is served at this address'],
    ['fr', '/nothing', 404, 'Rien n’est servi à cette adresse'],
    ['en', '/dead', 502, 'did not accept the connection'],
    ['fr', '/dead', 502, 'Le service ne répond pas'],
  ])('in %s for %s', async (language, path, status, sentence) => {
    const answer = await ask(url, path, {
      headers: { ...navigation, 'accept-language': `${language}-CA,x;q=0.1` },
    })
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, 'no-store'])
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    expect(answer.body).toContain(`<html lang="${language}">`)
    expect(answer.body).toContain(sentence)
    expect(answer.body).toContain(answer.headers['x-request-id'])
  })

  it.each([
    ['what a script fetches', { accept: 'text/html', 'sec-fetch-mode': 'cors' }, 'application/problem+json'],
    ['curl', { accept: '*/*' }, 'application/problem+json'],
    ['who asks for JSON', { accept: 'application/json, text/plain, */*' }, 'application/problem+json'],
    ['who asks for nothing', {}, 'application/problem+json'],
    ['who wants text alone', { accept: 'text/plain' }, 'text/plain'],
  ])('%s gets no page', async (_, headers, type) => {
    const answer = await ask(url, '/nothing', { headers })
    expect(answer.headers['content-type']).toContain(type)
    expect(answer.body).toContain('Nothing is served at this address.')
    expect(answer.body).not.toContain('<')
  })

  it('the path a client made up is not written into it', async () => {
    const answer = await ask(url, '/nothing/<script>alert(1)</script>', { headers: navigation })
    expect(answer.body).not.toContain('alert')
  })
})

it('every refusal is one line in the log, at whichever step it was refused', async () => {
  for (const [, , method, path] of failures) await ask(url, path, { method })
  const recorded = () => lines().filter(({ msg }) => msg === 'request')
  await expect.poll(recorded).toMatchObject(failures.map(([status, , method]) => ({ method, status })))
})

describe('a request id', () => {
  it('is the same for the caller, the app and the log, and another for each request', async () => {
    const ids: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const answer = await ask(url, '/app?secret=1')
      const id = answer.headers['x-request-id']
      expect(echoed(answer).headers['x-request-id']).toBe(id)
      await expect.poll(() => lines().at(-1)?.requestId).toBe(id)
      ids.push(id)
    }
    expect(new Set(ids).size).toBe(2)
    expect(log.join()).not.toContain('secret')
  })

  it('finds the cause of a failure in the log, at whose side it was', async () => {
    const { body } = await ask(url, '/dead')
    const { requestId } = JSON.parse(body)
    await expect
      .poll(() => lines().filter((line) => line.requestId === requestId))
      .toMatchObject([
        { level: 50, code: 'upstream-unreachable', err: { code: 'ECONNREFUSED' } },
        { level: 30, msg: 'request', status: 502, upstream: 'dead', route: '/dead' },
      ])
  })
})
