import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, inject, test } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'

const { privateKey, publicKey } = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }

/** The issuer's own server. */
async function startCampus() {
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const tokenOf = (sub: string, claims: object = {}): Promise<string> =>
  new SignJWT({ email: `${sub}@campus.example`, name: 'Eve', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer('https://campus.example')
    .setAudience('shop')
    .setSubject(sub)
    .setExpirationTime('5m')
    .sign(privateKey)

const bearer = async (token: Promise<string>) => ({ authorization: `Bearer ${await token}` })

async function openGatewayBeside(jwksUrl: string, upstream: string, sessions = 'embedded') {
  const campus = { issuer: 'https://campus.example', audience: 'shop', algorithms: ['RS256'], jwksUrl }
  return await openTestGateway({
    upstream,
    sessions,
    config: {
      identity: { issuers: { campus: { ...campus, claims: { role: 'role' } } } },
      policies: {
        calls: { quota: 3, per: '10m', by: 'user' },
        logins: { quota: 100, per: '10m', by: 'account' },
      },
    },
  })
}

describe.each([
  ['in this process', () => 'embedded'],
  ['in Redis', () => new URL('/83', inject('redisUrl')).href],
])('a caller with a token of another issuer, with windows %s', (_, sessions) => {
  test('is believed without a session, is counted under an id of their own, and is never one of ours', async () => {
    await using campus = await startCampus()
    await using app = await startEchoApp()
    await using gateway = await openGatewayBeside(campus.jwksUrl, app.url, sessions())
    await addAccount(gateway)
    const ada = await logIn(gateway)
    const ask = async (headers: Record<string, string>, path = '/api/achat') =>
      fetch(`${gateway.url}${path}`, { headers })

    // Who has the same number there is somebody else here.
    const subject = `${ada.account.id}`
    const eve = await bearer(tokenOf(subject, { role: 'admin' }))
    const answer = await ask(eve)
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { headers: object }).headers).toMatchObject({
      'x-forwarded-user': `campus:${subject}`,
      'x-forwarded-email': `${subject}@campus.example`,
      'x-forwarded-groups': 'admin',
    })
    await ask(eve)
    await ask(eve)
    expect((await ask(eve)).status).toBe(429)
    // Another token of the same account does not help; other accounts are untouched.
    expect((await ask(await bearer(tokenOf(subject, { jti: 'other' })))).status).toBe(429)
    expect((await ask({ ...ada.authorization })).status).toBe(200)
    expect((await ask(await bearer(tokenOf(`${subject}x`)))).status).toBe(200)
  })
})

test('such a caller has no account with us: no page, no session to end, no name in the statistics', async () => {
  await using campus = await startCampus()
  await using app = await startEchoApp()
  await using gateway = await openGatewayBeside(campus.jwksUrl, app.url)
  await addAccount(gateway)
  const { account, accessToken } = await logIn(gateway)
  const eve = await bearer(tokenOf(account.id))
  expect((await fetch(`${gateway.url}/api/achat`, { headers: eve })).status).toBe(200)
  expect((await fetch(`${gateway.url}/auth/me`, { headers: eve })).status).toBe(401)
  expect((await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: eve })).status).toBe(204)
  const ada = { authorization: `Bearer ${accessToken}` }
  expect((await fetch(`${gateway.url}/auth/me`, { headers: ada })).status).toBe(200)

  // A neighbour under the same domain could plant it, and the browser's owner would call in its name.
  const planted = { cookie: `guichet_access=${eve.authorization.slice('Bearer '.length)}` }
  for (const headers of [planted, { cookie: `${planted.cookie}; guichet_access=stale` }]) {
    expect((await fetch(`${gateway.url}/api/achat`, { headers })).status).toBe(401)
  }
  const quota = await fetch(`${gateway.url}/quota`, { headers: eve })
  expect(await quota.json()).toMatchObject({ account: `campus:${account.id}` })

  // Two identities at once (C13): whom the app and we would each believe is anyone's guess.
  const both = { ...eve, cookie: `guichet_access=${accessToken}` }
  expect((await fetch(`${gateway.url}/api/achat`, { headers: both })).status).toBe(400)

  const operator = { authorization: `Bearer ${gateway.adminToken}` }
  const recent = async () => (await fetch(`${gateway.adminUrl}/api/calls`, { headers: operator })).json()
  await expect.poll(recent).toMatchObject([{ accountId: `campus:${account.id}`, account: null }])
})

test('a token that no issuer of the configuration has made is refused', async () => {
  await using campus = await startCampus()
  await using app = await startEchoApp()
  await using gateway = await openGatewayBeside(campus.jwksUrl, app.url)
  const ask = async (headers: Record<string, string>) =>
    (await fetch(`${gateway.url}/api/achat`, { headers })).status
  const stranger = await generateKeyPair('RS256')
  const sign = (issuer: string, key = privateKey): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience('shop')
      .setSubject('7')
      .setExpirationTime('5m')
      .sign(key)
  expect(await ask(await bearer(sign('https://campus.example')))).toBe(200)
  expect(await ask(await bearer(sign('https://campus.example', stranger.privateKey)))).toBe(401)
  expect(await ask(await bearer(sign('https://campus.example/')))).toBe(401)
  expect(await ask(await bearer(sign('http://localhost')))).toBe(401)
})
