import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from './app.ts'
import { openSqliteArticles } from './articles.sqlite.ts'
import { readSettings } from './settings.ts'

const { privateKey, publicKey } = await generateKeyPair('EdDSA')
const stranger = await generateKeyPair('EdDSA')
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA' }] })
const nowSeconds = Math.floor(Date.now() / 1000)
const good = {
  iss: 'https://shop.example',
  aud: 'etuservices',
  sub: '42',
  given_name: 'Zoé',
  family_name: 'Léger',
  exp: nowSeconds + 60,
}

const sign = (claims: object = {}, header: object = {}, key = privateKey): Promise<string> =>
  new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'guichet-assertion+jwt', kid: 'k', ...header })
    .sign(key)

/** EtuServices beside a gateway that publishes its keys, or does not. */
async function startProvenApp(published = jwks) {
  const gateway = createServer((_request, response) => response.end(published)).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const jwksUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/.well-known/jwks.json`
  const articles = openSqliteArticles(':memory:')
  const app = await createApp({
    articles,
    loginUrl: '',
    logoutUrl: '',
    accountUrl: '',
    logLevel: 'silent',
    proof: { jwksUrl, issuer: good.iss, audience: good.aud },
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(async () => {
    await app.close()
    await articles.close()
    gateway.closeAllConnections()
    gateway.close()
  })
  return (headers: Record<string, string>, path = '/api/vente', method = 'GET') =>
    fetch(`${url}${path}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: method === 'GET' ? null : JSON.stringify({ title: 'Vélo', category: 'velo', priceCents: 500 }),
    })
}

test('a user with a proof is believed, under the name in the proof', async () => {
  const call = await startProvenApp()
  const headers = {
    'x-forwarded-user': '42',
    'x-forwarded-name': 'Mallory',
    'x-guichet-assertion': await sign(),
  }
  const answer = await call(headers, '/api/vente', 'POST')
  expect(answer.status).toBe(201)
  expect(JSON.stringify(await answer.json())).toContain('Zoé Léger')
})

test.for([
  ['no proof', async () => ''],
  ['no token', async () => 'x.y.z'],
  ['the proof of another user', () => sign({ sub: '7' })],
  ['a proof for another app', () => sign({ aud: 'other' })],
  ['a proof of another gateway', () => sign({ iss: 'https://evil.example' })],
  ['a proof of yesterday', () => sign({ exp: nowSeconds - 86_400 })],
  ['a proof without end', () => sign({ exp: undefined })],
  ['an access token', () => sign({}, { typ: 'at+jwt' })],
  ['a proof signed by somebody else', () => sign({}, {}, stranger.privateKey)],
  ['a proof with a key that nobody has', () => sign({}, { kid: 'other' })],
] satisfies [string, () => Promise<string>][])('a user with %s is refused', async ([, proof]) => {
  const call = await startProvenApp()
  const answer = await call({ 'x-forwarded-user': '42', 'x-guichet-assertion': await proof() })
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ code: 'unproven' })
})

test('two users at once are refused', async () => {
  const call = await startProvenApp()
  const answer = await call({ 'x-forwarded-user': '42, 7', 'x-guichet-assertion': await sign() })
  expect(answer.status).toBe(401)
})

test('an anonymous visitor needs no proof', async () => {
  const call = await startProvenApp()
  expect((await call({}, '/api/achat')).status).toBe(200)
  expect((await call({}, '/health')).status).toBe(200)
})

test('nobody is believed while the keys cannot be fetched, and the caller may try again', async () => {
  const call = await startProvenApp('<html>')
  const answer = await call({ 'x-forwarded-user': '42', 'x-guichet-assertion': await sign() })
  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('5')
  expect(await answer.json()).toMatchObject({ code: 'proof-unavailable' })
})

test.for([
  [{ GUICHET_JWKS_URL: 'gateway:8080', GUICHET_ISSUER: 'x' }, /is no URL: give/],
  [{ GUICHET_JWKS_URL: 'http://gateway/.well-known/jwks.json' }, /goes with GUICHET_ISSUER: give/],
] as const)('the settings %j are refused with their cure', ([env, problem]) => {
  expect(readSettings(env)).toEqual({ kind: 'invalid', problems: [expect.stringMatching(problem)] })
})
