import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, errors, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRemoteKeys, KeysUnavailable, type RemoteKeys } from './remote-keys.ts'

interface Pair {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: object
}

async function pairOf(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

const [first, second] = [await pairOf('first'), await pairOf('second')]
const tokenOf = ({ kid, privateKey }: Pair, named = kid): Promise<string> =>
  new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: named }).sign(privateKey)

/** An issuer's own server: answers as it is told, and counts. */
let answer: (response: ServerResponse) => void
let asked = 0
const publish = (...pairs: Pair[]): void => {
  answer = (response) => response.end(JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) }))
}
const server = createServer((_request, response) => {
  asked++
  answer(response)
})
let url = ''
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

let now = 0
let warnings: unknown[]
let remote: RemoteKeys
beforeEach(() => {
  now = 0
  asked = 0
  warnings = []
  publish(first)
  remote = createRemoteKeys({ url, now: () => now, warn: (cause) => warnings.push(cause), deadlineMs: 300 })
})

const check = async (pair: Pair, named?: string) => jwtVerify(await tokenOf(pair, named), remote.find)

describe('the keys of another issuer', () => {
  it('are fetched once, for however many tokens at once', async () => {
    await Promise.all(Array.from({ length: 50 }, () => check(first)))
    expect(asked).toBe(1)
  })

  it('are fetched again when a new one signs, once', async () => {
    await check(first)
    now += 30_000
    publish(first, second)
    await Promise.all(Array.from({ length: 50 }, () => check(second)))
    await check(first)
    expect(asked).toBe(2)
  })

  it('are not fetched 1,000 times for 1,000 keys that nobody has (J6)', async () => {
    await check(first)
    now += 30_000
    const attempts = Array.from({ length: 1_000 }, (_, i) => check(second, `unknown-${i}`))
    const results = await Promise.allSettled(attempts)
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    await expect(check(second, 'one more')).rejects.toThrow(errors.JWKSNoMatchingKey)
    expect(asked).toBe(2)
  })

  it('forget a key that the issuer has withdrawn within 10 minutes', async () => {
    publish(first, second)
    await check(second)
    publish(first)
    now += 600_000
    await expect(check(second)).rejects.toThrow(errors.JWKSNoMatchingKey)
    await check(first)
  })

  it.each([
    ['is down', (response: ServerResponse) => void response.socket?.destroy(), /fetch failed/],
    [
      'answers 503',
      (response: ServerResponse) => void response.writeHead(503).end('{"keys":[]}'),
      /answered 503/,
    ],
    ['answers garbage', (response: ServerResponse) => void response.end('<html>'), /JSON/],
    ['answers no keys', (response: ServerResponse) => void response.end('{"keys":[]}'), /has no keys/],
    ['answers null', (response: ServerResponse) => void response.end('null'), /has no keys/],
    ['answers no objects', (response: ServerResponse) => void response.end('{"keys":[1]}'), /malformed/],
    ['never answers', () => undefined, /timeout/],
    ['never ends', (response: ServerResponse) => void response.write('{"keys":'), /timeout/],
    ['answers too much', (response: ServerResponse) => void response.end(' '.repeat(300_000)), /more than/],
    [
      'redirects to other keys',
      (response: ServerResponse) => void response.writeHead(302, { location: '/other' }).end(),
      /fetch failed/,
    ],
  ])('stay as they were while it %s, and it is told once', async (_, badly, problem) => {
    await check(first)
    answer = badly
    for (let minutes = 0; minutes < 60; minutes += 20) {
      now += 1_200_000
      await remote.refresh()
      await check(first)
    }
    expect(warnings.map(String)).toEqual([expect.stringMatching(problem)])
    expect(asked).toBe(4)

    publish(second)
    now += 30_000
    await check(second)
  })

  it('are unknown, and nothing passes, while there has never been an answer', async () => {
    answer = (response) => void response.socket?.destroy()
    await expect(check(first)).rejects.toThrow(KeysUnavailable)
    await expect(check(first)).rejects.toThrow(KeysUnavailable)
    expect(asked).toBe(1)
    publish(first)
    now += 30_000
    await check(first)
  })

  it('may not hold secrets that would be taken for keys (J1)', async () => {
    const k = Buffer.from('a secret that the whole world may read').toString('base64url')
    answer = (response) => response.end(JSON.stringify({ keys: [{ kty: 'oct', k, alg: 'HS256', kid: 'x' }] }))
    const raw = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', kid: 'x' })
      .sign(Buffer.from(k, 'base64url'))
    await expect(jwtVerify(raw, remote.find)).rejects.toThrow(/Unsupported "alg"/)
  })
})
