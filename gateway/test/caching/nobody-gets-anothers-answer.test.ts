import { describe, expect, test } from 'vitest'
import { ask } from '../proxying/ask.ts'
import { ada, addAccount, logIn } from '../test-gateway.ts'
import { type Answering, answering, newBody, openCachedApp } from './cached-app.ts'

const bob = { ...ada, email: 'bob@etu.example', firstName: 'Bob' }

/** An app that writes all it receives into an answer for everyone. */
const echoing: Answering = (request, response) => {
  response.writeHead(200, { 'cache-control': 'public, max-age=60', 'x-echo': request.url ?? '' })
  response.end(JSON.stringify({ url: request.url, headers: request.headers }))
}

async function openWithTwo(answer: Answering) {
  const cached = await openCachedApp(answer)
  await addAccount(cached.gateway)
  await addAccount(cached.gateway, bob)
  const [one, two] = [await logIn(cached.gateway), await logIn(cached.gateway, bob)]
  return { ...cached, ada: one.authorization, bob: two.authorization }
}

describe('one account’s answer', () => {
  test.each(['max-age=60', 's-maxage=60', 'max-age=60, must-revalidate'])(
    'is kept for that account alone: %s',
    async (value) => {
      await using cached = await openWithTwo(answering({ 'cache-control': value }))
      const get = async (headers = {}) => (await ask(cached.gateway.url, '/mine', { headers })).body
      const hers = await get(cached.ada)
      expect(await get(cached.ada)).toBe(hers)
      const his = await get(cached.bob)
      expect(his).not.toBe(hers)
      expect(await get(cached.bob)).toBe(his)
    },
  )

  test('is not given to strangers on a public route, nor theirs to the account', async () => {
    await using cached = await openWithTwo(answering({ 'cache-control': 'max-age=60' }))
    const get = async (headers = {}) => (await ask(cached.gateway.url, '/page', { headers })).body
    const [hers, theirs] = [await get(cached.ada), await get()]
    expect(theirs).not.toBe(hers)
    expect([await get(cached.ada), await get()]).toEqual([hers, theirs])
  })

  test('is everyone’s when the app says public', async () => {
    const sharing = { 'cache-control': 'public, max-age=60', vary: 'Accept-Encoding' }
    await using cached = await openWithTwo(answering(sharing))
    const get = async (headers = {}) => (await ask(cached.gateway.url, '/page', { headers })).body
    const hers = await get(cached.ada)
    for (const headers of [cached.bob, {}, { cookie: 'theme=dark' }, { authorization: 'Basic eA==' }])
      expect(await get(headers)).toBe(hers)
    expect(await get({ 'accept-encoding': 'br' })).not.toBe(hers)
  })

  test('that was everyone’s and is no longer takes the place of the old one', async () => {
    let headers: Record<string, string> = { 'cache-control': 'public, max-age=60', age: '60', etag: '"v1"' }
    await using cached = await openWithTwo((_request, response) => {
      response.writeHead(200, headers).end(newBody())
    })
    const get = async (sent: Record<string, string>) =>
      (await ask(cached.gateway.url, '/mine', { headers: sent })).body
    await get(cached.ada)
    headers = { 'cache-control': 'max-age=60' }
    const hers = await get(cached.ada)
    expect(await get(cached.ada)).toBe(hers)
    expect(await get(cached.bob)).not.toBe(hers)
  })

  test.each<Record<string, string>>([{ cookie: 'app=1' }, { authorization: 'Basic eA==' }])(
    'with credentials of the app is kept for nobody: %o',
    async (headers) => {
      await using cached = await openCachedApp(answering({ 'cache-control': 's-maxage=60, must-revalidate' }))
      const get = async (sent = {}) => (await ask(cached.gateway.url, '/page', { headers: sent })).body
      const first = await get(headers)
      expect(await get(headers)).not.toBe(first)
      expect(await get()).not.toBe(first)
    },
  )

  test('private is kept for nobody, by whatever name it is asked', async () => {
    await using cached = await openWithTwo(answering({ 'cache-control': 'private, max-age=60' }))
    for (const path of ['/mine', '/mine/x.css', '/mine%2fx.css', '/mine;x.css', '/static/..%2fmine']) {
      const [hers, his] = [
        await ask(cached.gateway.url, path, { headers: cached.ada }),
        await ask(cached.gateway.url, path, { headers: cached.bob }),
      ]
      if (hers.status === 200) expect(his.body).not.toBe(hers.body)
      else expect(hers.status).toBe(400)
    }
  })
})

describe('what nobody thought the app reads', () => {
  const stems = [
    'forwarded',
    'original',
    'rewrite',
    'real',
    'host',
    'user',
    'url',
    'uri',
    'path',
    'proto',
    'scheme',
  ]
  const names = [
    ...['accept', 'accept-language', 'accept-encoding', 'user-agent', 'referer', 'origin', 'dnt', 'priority'],
    ...['sec-fetch-dest', 'sec-ch-ua', 'sec-made-up', 'pragma', 'cache-control', 'if-none-match', 'cookie'],
    ...[
      'if-modified-since',
      'authorization',
      'via',
      'forwarded',
      'x-request-id',
      'traceparent',
      'x-http-method',
    ],
    ...[
      'x-http-method-override',
      'x-host',
      'x-real-ip',
      'true-client-ip',
      'x-wap-profile',
      'save-data',
      'baggage',
    ],
    ...stems.flatMap((a) => stems.map((b) => `x-${a}-${b}`)),
    ...stems.flatMap((a) => stems.map((b) => `${a}_${b}`)),
    ...Array.from({ length: 730 }, (_, i) => `x-app-${i}`),
  ]

  test('a thousand headers with a canary: it is never in the answer to a clean request', async () => {
    expect(names.length).toBeGreaterThanOrEqual(1_000)
    await using cached = await openCachedApp(echoing)
    const { url } = cached.gateway
    // Every tenth alone at an address of its own, then all of them at one.
    const paths = new Map(names.map((name, i) => [name, `/p${i % 100}`]))
    for (const [name, path] of paths) {
      const dirty = await ask(url, path, { headers: { [name]: `canary-${name}` } })
      expect(dirty.status).toBe(200)
    }
    for (const path of new Set(paths.values())) {
      const clean = await ask(url, path)
      expect(clean.status).toBe(200)
      expect(JSON.stringify([clean.rawHeaders, clean.body])).not.toContain('canary')
    }
    const again = await ask(url, '/p1')
    expect(again.headers['cache-status']).toMatch(/hit/)
  })

  test('a field that never reaches the app, for Connection names it, does not lead its answer to those who send it', async () => {
    await using cached = await openCachedApp((request, response) => {
      response.writeHead(200, { 'cache-control': 'public, max-age=60', vary: 'accept-language' })
      response.end(`in ${request.headers['accept-language']}`)
    })
    const { url } = cached.gateway
    const french = { 'accept-language': 'fr' }
    const dirty = await ask(url, '/a', { headers: { ...french, connection: 'close, Accept-Language' } })
    expect(dirty.body).toBe('in undefined')
    expect((await ask(url, '/a', { headers: french })).body).toBe('in fr')
    expect((await ask(url, '/a', { headers: french })).headers['cache-status']).toMatch(/hit/)
  })

  test('Host, query order and path parameters are other addresses', async () => {
    await using cached = await openCachedApp(echoing)
    const { url } = cached.gateway
    const bodies = [
      await ask(url, '/a?x=1&y=2'),
      await ask(url, '/a?y=2&x=1'),
      await ask(url, '/a'),
      await ask(url, '/a', { headers: { host: 'evil.example' } }),
      await ask(url, '/A'),
      await ask(url, '/%61'),
    ].map(({ body }) => body)
    expect(new Set(bodies).size).toBe(6)
    expect((await ask(url, '/a')).body).not.toContain('evil.example')
  })

  test('a GET with a body is not answered from the store, and its answer not kept', async () => {
    await using cached = await openCachedApp((_request, response) => {
      response.writeHead(200, { 'cache-control': 'public, max-age=60' })
      response.end(newBody())
    })
    const { url } = cached.gateway
    const withBody = () => ask(url, '/a', { method: 'GET', body: 'q=1', headers: { 'content-length': '3' } })
    const first = await withBody()
    expect(first.headers['cache-status']).toBe('guichet; fwd=bypass')
    const clean = await ask(url, '/a')
    expect(new Set([first.body, clean.body, (await withBody()).body]).size).toBe(3)
  })

  test('what the gateway says of one call is never replayed', async () => {
    await using cached = await openWithTwo(
      answering({
        'cache-control': 'public, max-age=60',
        ratelimit: '"app";r=5;t=9',
        'x-request-id': 'canary',
      }),
    )
    const get = (headers: Record<string, string>) => ask(cached.gateway.url, '/mine', { headers })
    const first = await get(cached.ada)
    const second = await get(cached.bob)
    expect(second.body).toBe(first.body)
    expect(first.headers.ratelimit).toContain('"app";r=5')
    expect(second.headers.ratelimit).toMatch(/^"calls";r=999;t=\d+$/)
    expect(second.headers['x-request-id']).not.toBe('canary')
  })
})

describe('a stored answer', () => {
  const everyone = { 'cache-control': 'public, max-age=60' }

  test('is given to who has chosen a language for our pages: a cookie that no app hears of', async () => {
    await using cached = await openCachedApp(answering(everyone))
    const { url } = cached.gateway
    const chosen = await ask(url, '/auth/login?lang=fr')
    const cookie = String(chosen.headers['set-cookie']).split(';')[0] ?? ''
    expect(cookie).toBe('guichet_language=fr')
    const first = await ask(url, '/a', { headers: { cookie } })
    expect((await ask(url, '/a')).body).toBe(first.body)
    expect((await ask(url, '/a', { headers: { cookie: `${cookie}; of-the-app=1` } })).body).not.toBe(
      first.body,
    )
    expect(cached.app.seen.flatMap(({ rawHeaders }) => rawHeaders).join()).not.toContain('guichet_language')
  })

  test('is not given to who is over the limit, nor to who has logged out', async () => {
    await using cached = await openWithTwo(answering(everyone))
    const { url } = cached.gateway
    const get = (headers = {}) => ask(url, '/few', { headers })
    expect((await get(cached.bob)).status).toBe(200)
    expect([(await get(cached.ada)).status, (await get(cached.ada)).status]).toEqual([200, 200])
    const denied = await get(cached.ada)
    expect(denied.status).toBe(429)
    expect(denied.headers['cache-status']).toBeUndefined()
    expect((await get()).status).toBe(401)
    await ask(url, '/auth/logout', { method: 'POST', headers: cached.bob })
    expect((await get(cached.bob)).status).toBe(401)
    expect(cached.asked('/few')).toBe(1)
  })

  test('costs no place where the policy gives it back, and is a hit of its service all the same', async () => {
    await using cached = await openWithTwo(answering(everyone))
    const get = () => ask(cached.gateway.url, '/spared', { headers: cached.ada })
    const left = async (): Promise<number> => {
      const answer = await ask(cached.gateway.url, '/quota', { headers: cached.ada })
      const { policies } = JSON.parse(answer.body) as { policies: { name: string; remaining: number }[] }
      return policies.find(({ name }) => name === 'spared')?.remaining ?? -1
    }
    await get()
    for (let i = 0; i < 6; i++) {
      await expect.poll(left).toBe(1)
      expect((await get()).status).toBe(200)
    }
    expect(cached.asked('/spared')).toBe(1)
    const calls = async (): Promise<unknown> => {
      const { body } = await ask(cached.gateway.adminUrl, '/api/stats/services', {
        headers: { authorization: `Bearer ${cached.gateway.adminToken}` },
      })
      return JSON.parse(body)
    }
    await expect.poll(calls).toEqual([{ service: 'spared', calls: 7 }])
  })

  test('is counted by what the cache did', async () => {
    await using cached = await openCachedApp(answering(everyone))
    const { url, adminUrl } = cached.gateway
    await ask(url, '/a')
    await ask(url, '/a')
    await ask(url, '/a', { headers: { range: 'bytes=0-1' } })
    const { body } = await ask(adminUrl, '/metrics')
    for (const result of ['miss', 'hit', 'bypass'])
      expect(body).toContain(`guichet_cache_requests_total{route="/",result="${result}"} 1\n`)
  })

  test('is taken away by its path or its tag, and the trail tells', async () => {
    await using cached = await openCachedApp(
      answering({ ...everyone, 'cache-tag': 'news, sport', 'surrogate-key': 'front page' }),
    )
    const { url, adminUrl, adminToken } = cached.gateway
    const headers = { authorization: `Bearer ${adminToken}` }
    const purge = async (query: string) => {
      const { status, body } = await ask(adminUrl, `/api/cache?${query}`, { method: 'DELETE', headers })
      return { status, ...(JSON.parse(body) as { purged?: number }) }
    }
    await ask(url, '/News?a=1')
    await ask(url, '/News?a=2')
    expect(await purge('path=/other')).toEqual({ status: 200, purged: 0 })
    expect(await purge('path=/news')).toEqual({ status: 200, purged: 2 })
    await ask(url, '/caf%C3%A9')
    expect(await purge('path=/caf%25c3%25a9')).toEqual({ status: 200, purged: 1 })
    for (const tag of ['news', 'sport', 'front', 'page']) {
      await ask(url, '/News?a=1')
      expect(await purge(`tag=${tag}`)).toEqual({ status: 200, purged: 1 })
    }
    expect(cached.asked('/News?a=1')).toBe(5)
    expect((await purge('')).status).toBe(400)
    expect((await purge('path=/a&tag=b')).status).toBe(400)
    expect((await ask(adminUrl, '/api/cache?path=/a', { method: 'DELETE' })).status).toBe(401)
    const trail = await ask(adminUrl, '/api/audit', { headers })
    expect(JSON.parse(trail.body)[0]).toMatchObject({ action: 'purge-cache', subject: 'tag:page' })
  })
})
