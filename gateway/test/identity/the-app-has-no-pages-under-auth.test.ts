import { afterAll, expect, test } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { ask } from '../proxying/ask.ts'
import { openTestGateway } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
const app = opened.use(await startEchoApp())
const { url } = opened.use(
  await openTestGateway({
    upstream: app.url,
    config: { routes: [{ path: '/', upstream: 'app', access: 'public' }] },
  }),
)

test.each([
  ['GET', '/auth'],
  ['GET', '/auth/'],
  ['GET', '/auth/login/'],
  ['GET', '/auth/log%69n/more?a=b'],
  ['GET', '/auth/nothing'],
  ['HEAD', '/auth/nothing'],
  ['PUT', '/auth/login'],
  ['OPTIONS', '/auth/login'],
  ['DELETE', '/auth/account'],
])('%s %s is the gateway’s to refuse', async (method, path) => {
  const { status, headers } = await ask(url, path, { method })
  expect({ status, type: headers['content-type'] }).toEqual({ status: 404, type: 'application/problem+json' })
  expect(app.seen).toEqual([])
})

test('whatever body it has', async () => {
  const headers = { 'content-type': 'text/csv', 'content-length': '3' }
  expect((await ask(url, '/auth/nothing', { method: 'POST', headers, body: 'a,b' })).status).toBe(404)
})

test('a person sees a page', async () => {
  const headers = { accept: 'text/html', 'accept-language': 'fr' }
  const page = await ask(url, '/auth/login/', { headers })
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(page).toMatchObject({ status: 404, body: expect.stringContaining('<html lang="fr">') })
})

test('what only begins like it is the app’s', async () => {
  for (const path of ['/author', '/authentic/login', '/api/auth/login']) {
    expect((await ask(url, path)).status).toBe(200)
  }
  expect(app.seen.map((request) => request.url)).toEqual(['/author', '/authentic/login', '/api/auth/login'])
})
