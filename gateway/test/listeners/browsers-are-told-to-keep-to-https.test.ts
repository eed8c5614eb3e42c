import { afterAll, describe, expect, test } from 'vitest'
import { answering } from '../caching/cached-app.ts'
import { startEchoApp } from '../echo-app.ts'
import { ask } from '../proxying/ask.ts'
import { openTestGateway } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
const app = opened.use(await startEchoApp(answering({ 'cache-control': 'public, max-age=60' })))
const open = async (publicUrl: string): Promise<string> => {
  const config = {
    listen: { host: '127.0.0.1', port: 0, publicUrl },
    routes: [
      { path: '/', upstream: 'app', access: 'public', cache: true },
      { path: '/mine', upstream: 'app', access: 'connected' },
    ],
  }
  return opened.use(await openTestGateway({ upstream: app.url, config })).url
}

const policyOf = async (url: string, path: string, method = 'GET'): Promise<string | undefined> => {
  const headers = { accept: 'text/html' }
  return (await ask(url, path, { method, headers })).headers['strict-transport-security']
}

describe('where browsers come by https', async () => {
  const url = await open('https://etu.example')

  test.each([
    ['GET', '/auth/login'],
    ['GET', '/auth/style.css'],
    ['GET', '/auth/me'],
    ['POST', '/auth/login'],
    ['GET', '/auth/nothing'],
    ['GET', '/quota'],
    ['GET', '/mine'],
    ['GET', '/a//b'],
  ])('%s %s tells them to keep to it', async (method, path) => {
    expect(await policyOf(url, path, method)).toBe('max-age=31536000')
  })

  test('an app’s answers say what the app says, those out of the cache too', async () => {
    for (let i = 0; i < 2; i++) expect(await policyOf(url, '/page')).toBeUndefined()
    expect(app.seen).toHaveLength(1)
  })
})

test.each(['http://etu.example', 'https://localhost:8443'])(
  'nothing is told where they reach %s',
  async (publicUrl) => {
    expect(await policyOf(await open(publicUrl), '/auth/login')).toBeUndefined()
  },
)
