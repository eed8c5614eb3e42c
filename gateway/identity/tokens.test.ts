import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Account } from './account.ts'
import { openSigningKeys, type SigningKeys } from './signing-keys.ts'
import type { TokenFlaw } from './token-shape.ts'
import { createTokens, type Tokens, type Verification } from './tokens.ts'

const startMs = 1_800_000_000_000
const nowSeconds = startMs / 1000
const ada: Account = {
  id: '42',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.org',
  role: 'user',
  plan: null,
  isActive: true,
}

let keys: SigningKeys
let directory = ''
let now = startMs
let tokens: Tokens
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guichet-tokens-'))
  keys = await openSigningKeys({ directory, tokenLifetimeMs: 900_000 })
})
afterAll(() => rm(directory, { recursive: true }))
const options = { issuer: 'http://localhost:8080', audience: 'guichet', lifetimeMs: 900_000, now: () => now }
beforeEach(() => {
  now = startMs
  tokens = createTokens({ keys, ...options })
})

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const goodHeader = () => ({ alg: 'EdDSA', typ: 'at+jwt', kid: keys.current.kid })
const goodClaims = {
  sid: 's',
  role: 'admin',
  email: 'eve@example.org',
  given_name: 'Eve',
  family_name: 'E',
  sub: '7',
  iss: 'http://localhost:8080',
  aud: 'guichet',
  iat: nowSeconds,
  exp: nowSeconds + 900,
}

/** Signed with our own key, so that only the protection under test can refuse it. */
async function forge(header: unknown, claims: unknown): Promise<string> {
  const input = `${encode(header)}.${encode(claims)}`
  const signature = await crypto.subtle.sign('Ed25519', keys.current.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

const flawOf = async (raw: string): Promise<TokenFlaw | 'none'> => {
  const verification = await tokens.verifyAccessToken(raw)
  return verification.kind === 'valid' ? 'none' : verification.reason
}

describe('an access token', () => {
  it('says who is calling, in which session and until when', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    expect(await tokens.verifyAccessToken(raw)).toEqual({
      kind: 'valid',
      expiresAtMs: startMs + 900_000,
      caller: {
        kind: 'connected',
        accountId: '42',
        sessionId: 'session',
        role: 'user',
        plan: null,
        email: 'ada@example.org',
        firstName: 'Ada',
        lastName: 'Lovelace',
      },
    })
  })

  it('carries the promised claims and type', async () => {
    const [header, claims] = (await tokens.issueAccessToken(ada, 'session', now)).split('.')
    const read = (part = ''): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
    expect(read(header)).toEqual(goodHeader())
    expect(read(claims)).toEqual({
      sub: '42',
      sid: 'session',
      role: 'user',
      iat: nowSeconds,
      exp: nowSeconds + 900,
      iss: options.issuer,
      aud: 'guichet',
      email: 'ada@example.org',
      given_name: 'Ada',
      family_name: 'Lovelace',
    })
  })

  it('carries the plan of who has one, and says it of the caller', async () => {
    const raw = await tokens.issueAccessToken({ ...ada, plan: 'gold' }, 'session', now)
    const [, claims = ''] = raw.split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ plan: 'gold' })
    expect(await tokens.verifyAccessToken(raw)).toMatchObject({ caller: { plan: 'gold' } })
  })

  it('is accepted by another gateway with the same key', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    expect((await createTokens({ keys, ...options }).verifyAccessToken(raw)).kind).toBe('valid')
  })

  it.each([
    ['accents and quotes', 'Zoë "Zo" <b>', 'O’Neil\\'],
    ['lone halves of characters', '\ud800x', 'y\udfff'],
    ['endless names', '😀'.repeat(3_000), 'é'.repeat(3_000)],
    ['no names', '', ''],
  ])('can be made for an account with %s, and fits a cookie', async (_, firstName, lastName) => {
    const raw = await tokens.issueAccessToken({ ...ada, firstName, lastName }, 'session', now)
    expect(await flawOf(raw)).toBe('none')
    expect(raw.length).toBeLessThan(3_900)
  })

  it('is answered without a promise when it comes again', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    await tokens.verifyAccessToken(raw)
    expect(tokens.verifyAccessToken(raw)).not.toBeInstanceOf(Promise)
    expect((tokens.verifyAccessToken(raw) as Verification).kind).toBe('valid')
  })

  it('costs microseconds when it comes again', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    await tokens.verifyAccessToken(raw)
    const from = performance.now()
    for (let i = 0; i < 10_000; i++) tokens.verifyAccessToken(raw)
    expect((performance.now() - from) / 10_000).toBeLessThan(0.02)
  })

  it('expires 5 s after its time at the latest, remembered or not', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    await tokens.verifyAccessToken(raw)
    const fresh = () => createTokens({ keys, ...options }).verifyAccessToken(raw)
    now = startMs + 903_000
    expect(await flawOf(raw)).toBe('none')
    expect((await fresh()).kind).toBe('valid')
    now = startMs + 905_000
    expect(await flawOf(raw)).toBe('expired')
    expect(await fresh()).toEqual({ kind: 'invalid', reason: 'expired' })
    now = startMs + 960_000
    expect(await flawOf(raw)).toBe('expired')
  })

  it('has no more tolerance than 5 s, whatever is asked for', async () => {
    const generous = createTokens({ keys, ...options, clockToleranceSeconds: 600 })
    const raw = await generous.issueAccessToken(ada, 'session', now)
    now = startMs + 906_000
    expect((await generous.verifyAccessToken(raw)).kind).toBe('invalid')
  })
})

describe('the forgeries below', () => {
  it('would pass if it were not for what each of them changes', async () => {
    expect(await flawOf(await forge(goodHeader(), goodClaims))).toBe('none')
  })
})

describe('algorithms (J1)', () => {
  it.each(['none', 'None', 'nOnE', 'NONE'])('refuses alg %s without a signature', async (alg) => {
    const input = `${encode({ ...goodHeader(), alg })}.${encode(goodClaims)}`
    expect(await flawOf(`${input}.`)).toBe('malformed')
    expect(await flawOf(`${input}.AA`)).toBe('wrong-header')
    expect(await flawOf(await forge({ ...goodHeader(), alg }, goodClaims))).toBe('wrong-header')
  })

  it.each([
    ['our public key', () => Buffer.from(keys.jwks.keys[0]?.x ?? '', 'base64url')],
    ['our public key as text', () => JSON.stringify(keys.jwks.keys[0])],
    ['an empty key', () => ''],
  ])('refuses HS256 with %s', async (_, secret) => {
    const input = `${encode({ ...goodHeader(), alg: 'HS256' })}.${encode(goodClaims)}`
    const mac = createHmac('sha256', secret()).update(input).digest('base64url')
    expect(await flawOf(`${input}.${mac}`)).toBe('wrong-header')
  })

  it.each(['RS256', 'ES256', 'Ed25519', 'eddsa', 'EdDSA ', ''])('refuses alg %j', async (alg) => {
    expect(await flawOf(await forge({ ...goodHeader(), alg }, goodClaims))).toBe('wrong-header')
  })

  it('refuses the signature of another key under our kid', async () => {
    const { privateKey } = await generateKeyPair('EdDSA')
    const raw = await new SignJWT(goodClaims).setProtectedHeader(goodHeader()).sign(privateKey)
    expect(await flawOf(raw)).toBe('bad-signature')
  })

  it('refuses a changed claim', async () => {
    const [header, , signature] = (await tokens.issueAccessToken(ada, 'session', now)).split('.')
    expect(await flawOf(`${header}.${encode(goodClaims)}.${signature}`)).toBe('bad-signature')
  })
})

describe('headers (J2)', () => {
  it.each(['../../dev/null', '/etc/passwd', "' OR 1=1 --", 'x'.repeat(10_000), '__proto__', ''])(
    'refuses a key id that is not ours, without looking anywhere: %j',
    async (kid) => {
      const flaw = await flawOf(await forge({ ...goodHeader(), kid }, goodClaims))
      expect(flaw).toBe(kid.length > 4_000 ? 'too-long' : 'unknown-key')
    },
  )

  it.each([
    ['jku', 'https://evil.example/jwks.json'],
    ['x5u', 'https://evil.example/cert.pem'],
    ['x5c', ['AAAA']],
    ['jwk', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }],
    ['crit', ['exp']],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
  ])('refuses a header with %s, even when we signed it', async (name, value) => {
    expect(await flawOf(await forge({ ...goodHeader(), [name]: value }, goodClaims))).toBe('wrong-header')
  })

  it.each([
    ['no kid', () => ({ alg: 'EdDSA', typ: 'at+jwt' })],
    ['a kid that is no text', () => ({ ...goodHeader(), kid: [keys.current.kid] })],
    ['alg twice', () => `{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"${keys.current.kid}"}`],
    ['a list', () => [goodHeader()]],
    ['null', () => null],
    ['no JSON', () => 'alg'],
  ])('refuses a header with %s', async (_, header) => {
    expect(await flawOf(await forge(header(), goodClaims))).toBe('wrong-header')
  })
})

describe('claims (J3)', () => {
  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'other' }],
    ['several audiences', { aud: ['guichet', 'other'] }],
    ['no expiry', { exp: undefined }],
    ['an expiry in words', { exp: 'tomorrow' }],
    ['an endless expiry', { exp: 1e300 }],
    ['a fraction as expiry', { exp: nowSeconds + 0.5 }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a number as subject', { sub: 7 }],
    ['no session', { sid: undefined }],
    ['no date', { iat: undefined }],
    ['an unknown role', { role: 'root' }],
    ['a role from the prototype', { role: 'constructor' }],
    ['a plan that is no name', { plan: '' }],
    ['a plan that is no text', { plan: ['gold'] }],
    ['no e-mail', { email: undefined }],
    ['a name that is no text', { given_name: {} }],
    ['a start in words', { nbf: 'now' }],
  ])('refuses %s', async (_, claims) => {
    expect(await flawOf(await forge(goodHeader(), { ...goodClaims, ...claims }))).toBe('wrong-claims')
  })

  it.each(['JWT', 'rt+jwt', 'guichet-assertion+jwt', 'application/at+jwt', undefined])(
    'refuses type %s: an assertion or another token of ours is no access token',
    async (typ) => {
      expect(await flawOf(await forge({ ...goodHeader(), typ }, goodClaims))).toBe('wrong-header')
    },
  )

  it('refuses a refresh token', async () => {
    expect(await flawOf(`42.${'s'.repeat(24)}.${'x'.repeat(43)}`)).not.toBe('none')
  })

  it('refuses a token before its time, 5 s aside', async () => {
    expect(await flawOf(await forge(goodHeader(), { ...goodClaims, nbf: nowSeconds + 4 }))).toBe('none')
    expect(await flawOf(await forge(goodHeader(), { ...goodClaims, nbf: nowSeconds + 60 }))).toBe(
      'not-yet-valid',
    )
  })

  it.each([
    [3, 'none'],
    [60, 'expired'],
  ] as const)('a token %i s past its expiry: %s', async (age, flaw) => {
    expect(await flawOf(await forge(goodHeader(), { ...goodClaims, exp: nowSeconds - age }))).toBe(flaw)
  })
})

describe('spellings (J4)', () => {
  const spellings: [string, (raw: string) => string][] = [
    ['padding', (raw) => `${raw}=`],
    ['padding in the middle', (raw) => raw.replace('.', '=.')],
    ['a space before', (raw) => ` ${raw}`],
    ['a space behind', (raw) => `${raw} `],
    ['a newline', (raw) => `${raw}\n`],
    ['a fourth part', (raw) => `${raw}.AA`],
    ['base64 instead of base64url', (raw) => `${raw}+/`],
    // The last of 86 characters holds 2 bits of the signature and 4 that mean nothing.
    ['unused bits', (raw) => raw.slice(0, -1) + nextCharacter(raw.slice(-1))],
  ]
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const nextCharacter = (character: string): string => alphabet[alphabet.indexOf(character) + 1] ?? 'A'

  it.each(spellings)('refuses a good token with %s', async (_, respell) => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    await tokens.verifyAccessToken(raw)
    const respelt = respell(raw)
    expect(respelt).not.toBe(raw)
    expect(await flawOf(respelt)).toMatch(/^(malformed|not-canonical)$/)
  })

  it('knows that the last of these is the same token to a decoder', async () => {
    const raw = await tokens.issueAccessToken(ada, 'session', now)
    const respelt = raw.slice(0, -1) + nextCharacter(raw.slice(-1))
    const decode = (text: string): string =>
      Buffer.from(text.split('.')[2] ?? '', 'base64url').toString('hex')
    expect(decode(respelt)).toBe(decode(raw))
  })
})

describe('costly and twofold tokens (J5)', () => {
  const cheap = async (raw: string): Promise<TokenFlaw | 'none'> => {
    const before = process.cpuUsage()
    const flaw = await flawOf(raw)
    const { user, system } = process.cpuUsage(before)
    expect(user + system).toBeLessThan(5_000)
    return flaw
  }

  it('refuses 16 KB without reading them', async () => {
    expect(await cheap(await forge(goodHeader(), { ...goodClaims, more: 'x'.repeat(16_000) }))).toBe(
      'too-long',
    )
    expect(await cheap('.'.repeat(16_000))).toBe('too-long')
  })

  it('refuses JSON nested as deep as fits', async () => {
    const deep = '['.repeat(1_400) + ']'.repeat(1_400)
    expect(await cheap(await forge(goodHeader(), `{"sub":${deep}}`))).toBe('wrong-claims')
    expect(await cheap(await forge(goodHeader(), '['.repeat(2_800)))).toBe('wrong-claims')
  })

  it('refuses a claim that comes twice, whichever a reader would take', async () => {
    const text = JSON.stringify(goodClaims)
    const twice = `${text.slice(0, -1)},"sub":"1"}`
    expect(JSON.parse(twice).sub).toBe('1')
    expect(await cheap(await forge(goodHeader(), twice))).toBe('wrong-claims')
    expect(await cheap(await forge(goodHeader(), `{"sub":"1",${text.slice(1)}`))).toBe('wrong-claims')
    expect(await cheap(await forge(goodHeader(), `${text.slice(0, -1)},"s\\u0075b":"1"}`))).toBe(
      'wrong-claims',
    )
  })

  it('forgets the oldest of too many tokens rather than growing', async () => {
    const first = await tokens.issueAccessToken(ada, 'first', now)
    await tokens.verifyAccessToken(first)
    const batch = 500
    for (let from = 0; from < 10_000; from += batch) {
      const raws = await Promise.all(
        Array.from({ length: batch }, (_, i) => tokens.issueAccessToken(ada, `s${from + i}`, now)),
      )
      await Promise.all(raws.map((raw) => tokens.verifyAccessToken(raw)))
    }
    expect(tokens.verifyAccessToken(first)).toBeInstanceOf(Promise)
    expect(await flawOf(first)).toBe('none')
  })
})
