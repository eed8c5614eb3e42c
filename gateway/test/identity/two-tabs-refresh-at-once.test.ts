import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { call } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import { addAccount, logIn, openTestGateway, type TestGateway, temporaryDirectory } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let gateways: readonly [TestGateway, TestGateway]

beforeAll(async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  const app = opened.use(await startEchoApp())
  const options = { upstream: app.url, sessions: new URL('/72', inject('redisUrl')).href, directory }
  const open = async () => opened.use(await openTestGateway(options))
  gateways = [await open(), await open()]
  await addAccount(gateways[0])
})

async function refresh(
  { url }: TestGateway,
  refreshToken: string,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken }),
  })
  return { status: response.status, text: await response.text() }
}

it('on two gateways: all get the same pair, which works, and so does the next (L6)', async () => {
  const { refreshToken } = await logIn(gateways[0])
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => refresh(gateways[(i % 2) as 0 | 1], refreshToken)),
  )
  const [first, ...others] = answers
  for (const answer of others) expect(answer).toEqual(first)
  const pair = JSON.parse(first?.text ?? '')
  const bearer = { authorization: `Bearer ${pair.accessToken}` }
  for (const { url } of gateways) expect((await call(`${url}/api/vente/x`, bearer)).status).toBe(200)
  expect((await refresh(gateways[1], pair.refreshToken)).status).toBe(200)
})

it('a token stolen before two refreshes opens nothing, and ends what it was stolen from', async () => {
  const { refreshToken: stolen } = await logIn(gateways[0])
  const next = JSON.parse((await refresh(gateways[0], stolen)).text)
  const current = JSON.parse((await refresh(gateways[1], next.refreshToken)).text)
  expect((await refresh(gateways[1], stolen)).status).toBe(401)
  expect((await refresh(gateways[0], current.refreshToken)).status).toBe(401)
  const bearer = { authorization: `Bearer ${current.accessToken}` }
  expect((await call(`${gateways[0].url}/api/vente/x`, bearer)).status).toBe(401)
})
