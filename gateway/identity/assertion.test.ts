import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Assert, assertionType, createAssertions } from './assertion.ts'
import { openSigningKeys, type SigningKeys } from './signing-keys.ts'
import { type ConnectedCaller, createTokens } from './tokens.ts'

const ada: ConnectedCaller = {
  kind: 'connected',
  accountId: '42',
  sessionId: 'session',
  role: 'admin',
  plan: 'gold',
  email: 'ada@example.org',
  firstName: 'Zoë',
  lastName: 'L. "😀"',
}
const issuer = 'https://shop.example'

let directory = ''
let keys: SigningKeys
let now = 0
let assert: Assert
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guichet-assertion-'))
  keys = await openSigningKeys({ directory, tokenLifetimeMs: 900_000 })
})
afterAll(() => rm(directory, { recursive: true }))
beforeEach(() => {
  now = 1_800_000_000_000
  assert = createAssertions({ keys, issuer, now: () => now })
})

const check = (jwt: string | null, upstream = 'app') =>
  jwtVerify(String(jwt), createLocalJWKSet({ keys: [...keys.jwks.keys] }), {
    issuer,
    audience: upstream,
    typ: assertionType,
    algorithms: ['EdDSA'],
    currentDate: new Date(now),
  })

describe('the assertion', () => {
  it('says who calls, and the JWKS proves it', async () => {
    expect((await check(assert(ada, 'app'))).payload).toEqual({
      iss: issuer,
      aud: 'app',
      sub: '42',
      sid: 'session',
      role: 'admin',
      plan: 'gold',
      email: 'ada@example.org',
      given_name: 'Zoë',
      family_name: 'L. "😀"',
      iat: now / 1000,
      exp: now / 1000 + 60,
    })
  })

  it('is not there for anonymous callers, and has no session where there is none', () => {
    expect(assert({ kind: 'anonymous' }, 'app')).toBeNull()
    const claims = decodeJwt(String(assert({ ...ada, sessionId: null, plan: null }, 'app')))
    expect(claims).not.toHaveProperty('sid')
    expect(claims).not.toHaveProperty('plan')
  })

  it('is for one upstream: another one refuses it', async () => {
    await expect(check(assert(ada, 'app'), 'other')).rejects.toThrow(/"aud"/)
    expect(assert(ada, 'other')).not.toBe(assert(ada, 'app'))
  })

  it('is sent again while 30 s of it are left, and then made anew', async () => {
    const first = assert(ada, 'app')
    now += 30_000
    expect(assert(ada, 'app')).toBe(first)
    now += 1
    const second = assert(ada, 'app')
    expect(second).not.toBe(first)
    await check(second)
    now += 30_000
    await expect(check(first)).rejects.toThrow(/"exp"/)
  })

  it('is never that of another caller, nor of the same one with another role', () => {
    const jwts = [ada, { ...ada }, { ...ada, role: 'user' as const }, { ...ada, accountId: '7' }]
    const claims = jwts.map((caller) => decodeJwt(String(assert(caller, 'app'))))
    expect(claims.map(({ sub, role }) => `${sub} ${role}`)).toEqual([
      '42 admin',
      '42 admin',
      '42 user',
      '7 admin',
    ])
  })

  it('is no access token (J3), whatever its audience', async () => {
    const tokens = createTokens({ keys, issuer, audience: 'app', lifetimeMs: 900_000, now: () => now })
    expect(await tokens.verifyAccessToken(String(assert(ada, 'app')))).toEqual({
      kind: 'invalid',
      reason: 'wrong-header',
    })
  })

  it('costs a microsecond or so when it is sent again', () => {
    assert(ada, 'app')
    const from = performance.now()
    for (let i = 0; i < 10_000; i++) assert(ada, 'app')
    expect((performance.now() - from) / 10_000).toBeLessThan(0.02)
  })
})
