import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ask } from '../proxying/ask.ts'
import { sendRaw } from '../raw-http.ts'
import { answering, newBody, openCachedApp } from './cached-app.ts'

const fresh = { 'cache-control': 'max-age=60', etag: '"v1"', 'content-type': 'text/plain' }

test('a second call is answered from the store: same body, its age, and where it came from', async () => {
  await using cached = await openCachedApp(answering({ ...fresh, age: '7' }))
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  expect(first.headers['cache-status']).toBe('guichet; fwd=miss; stored')
  const second = await ask(url, '/a')
  expect(second).toMatchObject({ status: 200, body: first.body })
  expect(second.headers).toMatchObject({ 'content-type': 'text/plain', etag: '"v1"', via: '1.1 guichet' })
  const age = Number(second.headers.age)
  expect(age).toBeGreaterThanOrEqual(7)
  expect(second.headers['cache-status']).toMatch(/^guichet; hit; ttl=(53|52|51)$/)
  expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
  expect(cached.asked('/a')).toBe(1)
})

test('a route without a cache asks each time', async () => {
  await using cached = await openCachedApp(answering(fresh))
  for (let i = 0; i < 2; i++) {
    const { headers } = await ask(cached.gateway.url, '/uncached')
    expect(headers['cache-status']).toBeUndefined()
  }
  expect(cached.asked('/uncached')).toBe(2)
})

test('an app that says nothing of caching is asked each time', async () => {
  await using cached = await openCachedApp(
    answering({ etag: '"v1"', 'last-modified': 'Sat, 21 Nov 2020 12:00:00 GMT' }),
  )
  await ask(cached.gateway.url, '/a')
  await ask(cached.gateway.url, '/a')
  expect(cached.asked('/a')).toBe(2)
})

test('whoever holds the answer hears 304 from the store', async () => {
  await using cached = await openCachedApp(answering({ ...fresh, 'content-language': 'fr' }))
  const { url } = cached.gateway
  await ask(url, '/a')
  const answer = await ask(url, '/a', { headers: { 'if-none-match': '"v0", W/"v1"' } })
  expect(answer).toMatchObject({ status: 304, body: '' })
  expect(answer.headers).toMatchObject({ etag: '"v1"', 'cache-control': 'max-age=60' })
  expect(answer.headers['content-language']).toBeUndefined()
  expect((await ask(url, '/a', { headers: { 'if-none-match': '"v0"' } })).status).toBe(200)
  expect(cached.asked('/a')).toBe(1)
})

test('HEAD is answered from a stored GET, and is not stored itself', async () => {
  await using cached = await openCachedApp(answering(fresh))
  const { url } = cached.gateway
  await ask(url, '/a', { method: 'HEAD' })
  const { body } = await ask(url, '/a')
  const head = await ask(url, '/a', { method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, body: '' })
  expect(head.headers['content-length']).toBe(String(body.length))
  expect(cached.asked('/a')).toBe(2)
})

test('a part of an answer is asked of the app, and never stored', async () => {
  await using cached = await openCachedApp((request, response) => {
    const isPart = request.headers.range !== undefined
    response.writeHead(isPart ? 206 : 200, { ...fresh, ...(isPart && { 'content-range': 'bytes 0-1/4' }) })
    response.end(isPart ? 'ab' : 'abcd')
  })
  const { url } = cached.gateway
  const part = () => ask(url, '/a', { headers: { range: 'bytes=0-1' } })
  expect(await part()).toMatchObject({ status: 206, body: 'ab' })
  expect(await ask(url, '/a')).toMatchObject({ status: 200, body: 'abcd' })
  expect(await part()).toMatchObject({ status: 206, body: 'ab' })
  expect(cached.asked('/a')).toBe(3)
})

test('a hundred equal misses at once are one call', async () => {
  await using cached = await openCachedApp(async (_request, response) => {
    await sleep(200)
    response.writeHead(200, fresh)
    response.end(newBody())
  })
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(cached.gateway.url, '/a')))
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1)
  expect(cached.asked('/a')).toBe(1)
  const said = answers.map(({ headers }) => String(headers['cache-status']).replace(/ttl=\d+/, ''))
  expect(said.filter((text) => text === 'guichet; fwd=miss; stored').length).toBe(1)
})

test('misses that turn out to be storable by nobody are all answered, and later ones do not queue', async () => {
  const held: (() => void)[] = []
  let isHolding = false
  await using cached = await openCachedApp((_request, response) => {
    const answer = (): unknown => response.writeHead(200, { 'cache-control': 'no-store' }).end(newBody())
    if (isHolding) held.push(answer)
    else answer()
  })
  const together = () => Promise.all(Array.from({ length: 10 }, () => ask(cached.gateway.url, '/a')))
  const first = await together()
  isHolding = true
  const later = together()
  await expect.poll(() => held.length).toBe(10)
  for (const answer of held) answer()
  expect(new Set([...first, ...(await later)].map(({ body }) => body)).size).toBe(20)
})

test('when the one who asks leaves, the next one asks', async () => {
  await using cached = await openCachedApp(async (_request, response) => {
    await sleep(300)
    response.writeHead(200, fresh)
    response.end(newBody())
  })
  const { url } = cached.gateway
  const leaving = new AbortController()
  const left = fetch(`${url}/a`, { signal: leaving.signal, headers: { accept: '*/*' } }).catch(() => 'left')
  await sleep(100)
  const others = Array.from({ length: 5 }, () => fetch(`${url}/a`, { headers: { accept: '*/*' } }))
  await sleep(50)
  leaving.abort()
  expect(await left).toBe('left')
  const bodies = await Promise.all(others.map(async (other) => (await other).text()))
  expect(new Set(bodies).size).toBe(1)
  expect(cached.asked('/a')).toBe(2)
})

test('when the one who asks leaves, and so does the next in turn, nobody waits for either', async () => {
  let isHolding = true
  await using cached = await openCachedApp((_request, response) => {
    if (!isHolding) response.writeHead(200, fresh).end(newBody())
  })
  const { url } = cached.gateway
  const headers = { accept: '*/*' }
  const [leading, waiting] = [new AbortController(), new AbortController()]
  const left = [
    fetch(`${url}/a`, { headers, signal: leading.signal }).catch(() => 'left'),
    expect.poll(() => cached.asked('/a')).toBe(1),
    sleep(50).then(() => fetch(`${url}/a`, { headers, signal: waiting.signal }).catch(() => 'left')),
  ]
  await sleep(150)
  waiting.abort()
  await sleep(50)
  leading.abort()
  await Promise.all(left)
  isHolding = false
  const startedAtMs = performance.now()
  expect((await fetch(`${url}/a`, { headers })).status).toBe(200)
  expect(performance.now() - startedAtMs).toBeLessThan(5_000)
})

test('what is purged while it is on its way is not stored when it comes', async () => {
  const held: (() => void)[] = []
  await using cached = await openCachedApp((_request, response) => {
    const answer = (): unknown => response.writeHead(200, fresh).end(newBody())
    if (held.length === 0) held.push(answer)
    else answer()
  })
  const { url, adminUrl, adminToken } = cached.gateway
  const first = ask(url, '/a')
  await expect.poll(() => held.length).toBe(1)
  const headers = { authorization: `Bearer ${adminToken}` }
  await ask(adminUrl, '/api/cache?path=/a', { method: 'DELETE', headers })
  held[0]?.()
  const { body } = await first
  expect((await ask(url, '/a')).body).not.toBe(body)
})

test('only-if-cached is never passed on: 504 says that it is not stored', async () => {
  await using cached = await openCachedApp(answering(fresh))
  const { url } = cached.gateway
  const headers = { 'cache-control': 'only-if-cached' }
  const refusal = await ask(url, '/a', { headers })
  expect(refusal.status).toBe(504)
  expect(JSON.parse(refusal.body)).toMatchObject({ code: 'not-stored' })
  await ask(url, '/a')
  expect((await ask(url, '/a', { headers })).status).toBe(200)
  expect(cached.asked('/a')).toBe(1)
})

test('a stale answer is asked about with its validators, and a 304 makes it fresh again', async () => {
  await using cached = await openCachedApp((request, response) => {
    if (request.headers['if-none-match'] === '"v1"') {
      response.writeHead(304, { etag: '"v1"', 'cache-control': 'max-age=60', 'x-renewed': 'yes' })
      return response.end()
    }
    response.writeHead(200, { ...fresh, 'cache-control': 'max-age=60', age: '60', 'x-kept': 'yes' })
    return response.end(newBody())
  })
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  const second = await ask(url, '/a', { headers: { 'if-none-match': '"other"' } })
  expect(second).toMatchObject({ status: 200, body: first.body })
  expect(second.headers).toMatchObject({ 'x-renewed': 'yes', 'x-kept': 'yes', age: '0' })
  expect(second.headers['cache-status']).toMatch(/^guichet; fwd=stale; fwd-status=304; stored; ttl=(60|59)$/)
  const third = await ask(url, '/a')
  expect(third.headers['cache-status']).toMatch(/^guichet; hit; ttl=/)
  expect(third.body).toBe(first.body)
  expect(cached.asked('/a')).toBe(2)
})

test('whoever asks for news gets news, and so does everyone after', async () => {
  await using cached = await openCachedApp(answering(fresh))
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  const second = await ask(url, '/a', { headers: { 'cache-control': 'no-cache' } })
  expect(second.body).not.toBe(first.body)
  expect((await ask(url, '/a')).body).toBe(second.body)
  expect((await ask(url, '/a', { headers: { pragma: 'no-cache' } })).body).not.toBe(second.body)
})

test('stale-while-revalidate: the stale answer at once, the new one after', async () => {
  let age = '60'
  const value = 'max-age=60, stale-while-revalidate=30'
  await using cached = await openCachedApp((_request, response) => {
    response.writeHead(200, { 'cache-control': value, age })
    response.end(newBody())
    age = '0'
  })
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  const stale = await ask(url, '/a')
  expect(stale.body).toBe(first.body)
  expect(stale.headers['cache-status']).toMatch(/^guichet; hit; ttl=(0|-\d)$/)
  await expect.poll(async () => (await ask(url, '/a')).body).not.toBe(first.body)
  expect(cached.asked('/a')).toBe(2)
})

test.each(['fails', 'answers 503'])('stale-if-error: the stale answer when the app %s', async (trouble) => {
  let isWell = true
  await using cached = await openCachedApp((request, response) => {
    if (isWell) {
      response.writeHead(200, { 'cache-control': 'max-age=60, stale-if-error=30', age: '60' })
      return response.end(newBody())
    }
    if (trouble === 'fails') return request.socket.destroy()
    response.writeHead(503)
    return response.end('trouble')
  })
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  isWell = false
  const stale = await ask(url, '/a')
  expect(stale).toMatchObject({ status: 200, body: first.body })
  expect(stale.headers['cache-status']).toMatch(/^guichet; fwd=stale; /)
  expect((await ask(url, '/other')).status).toBe(trouble === 'fails' ? 502 : 503)
})

test('must-revalidate: no stale answer, whatever happens to the app', async () => {
  let isWell = true
  await using cached = await openCachedApp((request, response) => {
    if (!isWell) return request.socket.destroy()
    response.writeHead(200, { 'cache-control': 'max-age=60, must-revalidate, stale-if-error=30', age: '60' })
    return response.end()
  })
  await ask(cached.gateway.url, '/a')
  isWell = false
  expect((await ask(cached.gateway.url, '/a')).status).toBe(502)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  '%s makes what is stored doubtful, its Location too',
  async (method) => {
    await using cached = await openCachedApp((request, response) => {
      const isChange = request.method !== 'GET'
      response.writeHead(
        200,
        isChange ? { location: '/b', 'content-location': 'http://other.example/c' } : fresh,
      )
      response.end(newBody())
    })
    const { url } = cached.gateway
    const all = async () => Promise.all(['/a', '/b', '/c'].map(async (path) => (await ask(url, path)).body))
    const [a, b, c] = await all()
    await ask(url, '/a', { method })
    const [a2, b2, c2] = await all()
    expect([a2 === a, b2 === b, c2 === c]).toEqual([false, false, true])
  },
)

test.each([
  ['an encoded letter', '/%61?q=%7e', { host: 'etu.example' }],
  ['the default port', '/a?q=~', { host: 'ETU.example:80' }],
  ['a Location', '/x', { host: 'etu.example:80', 'x-location': 'http://Etu.example/%61?q=~' }],
  [
    'a Location of another port',
    '/x',
    { host: 'etu.example', 'x-location': 'http://etu.example:8080/a?q=~' },
  ],
])('a change is of the same address, however it is written: %s', async (what, target, headers) => {
  await using cached = await openCachedApp((request, response) => {
    const location = String(request.headers['x-location'] ?? '/elsewhere')
    response.writeHead(200, request.method === 'GET' ? fresh : { location })
    response.end(newBody())
  })
  const { url } = cached.gateway
  const stored = () => ask(url, '/a?q=~', { headers: { host: 'etu.example' } })
  const first = await stored()
  expect((await ask(url, target, { method: 'POST', headers })).status).toBe(200)
  expect((await stored()).body === first.body).toBe(what.includes('another'))
})

test('a change by a client that names no host is answered, its Location too', async () => {
  await using cached = await openCachedApp(answering({ location: '/b', 'content-location': '//other' }, 201))
  for (const head of ['HTTP/1.0', 'HTTP/1.1\r\nHost: ']) {
    const bytes = `POST /x ${head}\r\nContent-Length: 0\r\n\r\n`
    expect((await sendRaw(cached.gateway.url, bytes)).status).toBe(201)
  }
})

test('a change that failed changes nothing here either', async () => {
  await using cached = await openCachedApp((request, response) => {
    response.writeHead(request.method === 'GET' ? 200 : 409, fresh)
    response.end(newBody())
  })
  const { url } = cached.gateway
  const first = await ask(url, '/a')
  await ask(url, '/a', { method: 'POST' })
  expect((await ask(url, '/a')).body).toBe(first.body)
})

test.each<[string, number, Record<string, string | string[]>]>([
  ['Set-Cookie', 200, { 'set-cookie': 'a=1' }],
  ['429', 429, { 'retry-after': '1' }],
  ['500', 500, {}],
  ['503', 503, {}],
  ['private', 200, { 'cache-control': 'private, max-age=60' }],
  ['Vary: *', 200, { vary: '*' }],
])('never stored: %s', async (_what, status, headers) => {
  await using cached = await openCachedApp(
    answering({ 'cache-control': 'public, max-age=60', ...headers }, status),
  )
  for (let i = 0; i < 2; i++) expect((await ask(cached.gateway.url, '/a')).status).toBe(status)
  expect(cached.asked('/a')).toBe(2)
})

test.each(['chunked', 'with a length'])('an answer that broke off is never stored (%s)', async (framing) => {
  await using cached = await openCachedApp(async (_request, response) => {
    response.writeHead(200, { ...fresh, ...(framing !== 'chunked' && { 'content-length': '100' }) })
    response.write('a part')
    await sleep(50)
    response.destroy()
  })
  for (let i = 0; i < 2; i++) await expect(ask(cached.gateway.url, '/a')).rejects.toThrow()
  expect(cached.asked('/a')).toBe(2)
})

test('an answer that is too large passes and is not stored', async () => {
  const large = Buffer.alloc(200_000, 'x').toString()
  await using cached = await openCachedApp(
    (_request, response) => {
      response.writeHead(200, fresh)
      response.write(large.slice(0, 100_000))
      response.end(large.slice(100_000))
    },
    { config: { cache: { maxEntryBytes: 100_000 } } },
  )
  for (let i = 0; i < 2; i++) expect((await ask(cached.gateway.url, '/a')).body).toBe(large)
  expect(cached.asked('/a')).toBe(2)
})

test('streams of events are not held back', async () => {
  await using cached = await openCachedApp((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'max-age=60' })
    response.write('data: 1\n\n')
  })
  const leaving = new AbortController()
  const response = await fetch(`${cached.gateway.url}/events`, {
    headers: { accept: 'text/event-stream' },
    signal: leaving.signal,
  })
  const reader = response.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n')
  leaving.abort()
})

test('a stored answer is given while its app is gone', async () => {
  const cached = await openCachedApp(answering(fresh))
  await using gateway = cached.gateway
  const first = await ask(gateway.url, '/a')
  await cached.app[Symbol.asyncDispose]()
  expect((await ask(gateway.url, '/a')).body).toBe(first.body)
})
