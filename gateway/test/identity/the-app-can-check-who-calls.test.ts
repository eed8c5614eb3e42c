import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { rotateSigningKeys } from '../../identity/rotate-signing-keys.ts'
import { startEchoApp } from '../echo-app.ts'
import { freePort } from '../servers/free-port.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'

/** EtuServices as it is delivered, told to ask for proof. */
async function startProvingBackend(gateway: string): Promise<string> {
  const main = join(import.meta.dirname, '../../../backend/main.ts')
  const child = spawn(process.execPath, [main], {
    env: {
      PORT: '0',
      DATABASE_URL: 'sqlite::memory:',
      GUICHET_JWKS_URL: `${gateway}/.well-known/jwks.json`,
      GUICHET_ISSUER: 'http://localhost',
      GUICHET_AUDIENCE: 'app',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [line] = await once(child.stdout, 'data')
  return (JSON.parse(String(line)) as { backend: string }).backend
}

const bike = JSON.stringify({ title: 'Vélo', category: 'velo', priceCents: 500 })
const json = { 'content-type': 'application/json' }

test('EtuServices that asks for proof serves who comes through the gateway, and nobody who only says so', async () => {
  const port = await freePort()
  const backend = await startProvingBackend(`http://127.0.0.1:${port}`)
  await using gateway = await openTestGateway({
    upstream: backend,
    config: { listen: { host: '127.0.0.1', port, publicUrl: 'http://localhost' } },
  })
  await addAccount(gateway)
  const ada = await logIn(gateway)
  const sell = (url: string, headers: object) =>
    fetch(`${url}/api/vente`, { method: 'POST', headers: { ...json, ...headers }, body: bike })

  expect((await sell(gateway.url, ada.authorization)).status).toBe(201)
  const forged = { 'x-forwarded-user': ada.account.id, 'x-guichet-assertion': ada.accessToken }
  expect((await sell(backend, { 'x-forwarded-user': ada.account.id })).status).toBe(401)
  expect((await sell(backend, forged)).status).toBe(401)
  // Through the gateway a made-up proof is dropped before the app sees it.
  expect((await sell(gateway.url, { ...ada.authorization, ...forged })).status).toBe(201)
})

test('the proof can be checked with the JWKS, also after the key was replaced, and never serves as a login', async () => {
  await using app = await startEchoApp()
  await using gateway = await openTestGateway({ upstream: app.url })
  await addAccount(gateway)
  const ada = await logIn(gateway)
  const ask = async (headers: Record<string, string>, path = '/api/achat') => {
    const answer = await fetch(`${gateway.url}${path}`, { headers })
    const { headers: seen } = (await answer.json()) as { headers: Record<string, string> }
    return { status: answer.status, seen }
  }
  const verify = async (assertion = '') => {
    const keys = createRemoteJWKSet(new URL(`${gateway.url}/.well-known/jwks.json`))
    return await jwtVerify(assertion, keys, { issuer: 'http://localhost', audience: 'app' })
  }

  const { seen } = await ask({ ...ada.authorization })
  const before = await verify(seen['x-guichet-assertion'])
  expect(before.payload).toMatchObject({ sub: ada.account.id, email: 'ada@etu.example', role: 'user' })
  expect(seen).not.toHaveProperty('authorization')
  const asLogin = { authorization: `Bearer ${seen['x-guichet-assertion']}` }
  expect((await ask(asLogin)).status).toBe(401)

  const nowMs = Date.now()
  const directory = join(gateway.directory, 'keys')
  await rotateSigningKeys({ directory, signsFromMs: nowMs, nowMs, acceptedForMs: 900_000 })
  // No restart: the gateway looks into the folder every few seconds.
  const kidOfNow = async () => {
    const ofNewToken = await ask({ ...(await logIn(gateway)).authorization }, '/')
    return (await verify(ofNewToken.seen['x-guichet-assertion'])).protectedHeader.kid
  }
  await expect.poll(kidOfNow, { timeout: 15_000, interval: 500 }).not.toBe(before.protectedHeader.kid)
  expect((await ask({ ...ada.authorization })).status).toBe(200)
}, 30_000)

test('a server that asks before it serves is given the proof too', async () => {
  await using app = await startEchoApp()
  await using gateway = await openTestGateway({ upstream: app.url })
  await addAccount(gateway)
  const ada = await logIn(gateway)
  const decide = (headers: object) =>
    fetch(`${gateway.url}/decide`, {
      headers: { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/', ...headers },
    })
  const keys = createRemoteJWKSet(new URL(`${gateway.url}/.well-known/jwks.json`))
  const assertion = (await decide(ada.authorization)).headers.get('x-guichet-assertion')
  const { payload } = await jwtVerify(String(assertion), keys, { audience: 'app' })
  expect(payload.sub).toBe(ada.account.id)
  expect(
    (await decide({ 'x-guichet-assertion': String(assertion) })).headers.get('x-guichet-assertion'),
  ).toBe('')
})
