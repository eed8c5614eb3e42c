import { Agent, request } from 'node:http'
import { afterAll, expect, it } from 'vitest'
import { startDemo } from '../demo.ts'
import { logIn, temporaryDirectory } from '../test-gateway.ts'

const callers = 1_000
const opened = new AsyncDisposableStack()
const directory = opened.use(await temporaryDirectory())
const demo = opened.use(await startDemo(directory.path))
const sessions = await Promise.all(demo.accounts.map((account) => logIn({ url: demo.gateway }, account)))
afterAll(() => opened.disposeAsync())

/** The status of one call, with the reason when it failed; rejects when there is no whole answer. */
function call(agent: Agent, path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${demo.gateway}${path}`, { agent, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').once('error', reject)
      response.on('data', (text: string) => {
        body += text
      })
      const { statusCode = 0 } = response
      response.once('end', () => resolve(statusCode < 500 ? String(statusCode) : `${statusCode} ${body}`))
    })
      .once('error', reject)
      .end()
  })
}

it('a thousand callers at once lose no answer: each is served, or told that the quota is used up', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: callers }, async (_, i) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const { authorization } = sessions[i % sessions.length] as (typeof sessions)[number]
      const page = await call(agent, '/')
      const api = await call(agent, '/api/achat', authorization)
      const again = await call(agent, '/')
      agent.destroy()
      return { page, api, again }
    }),
  )
  const count = (statuses: string[]): Record<string, number> =>
    Object.fromEntries(
      [...new Set(statuses)].map((status) => [status, statuses.filter((each) => each === status).length]),
    )
  expect(count(outcomes.flatMap(({ page, again }) => [page, again]))).toEqual({ 200: 2 * callers })
  // Ten for each account, exactly.
  const allowed = 10 * demo.accounts.length
  expect(count(outcomes.map(({ api }) => api))).toEqual({ 200: allowed, 429: callers - allowed })
}, 120_000)
