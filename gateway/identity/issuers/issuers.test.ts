import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { openSigningKeys } from '../signing-keys.ts'
import { createTokens, type Tokens } from '../tokens.ts'
import { type IssuerOptions, openIssuers } from './issuers.ts'

const startMs = 1_800_000_000_000
const nowSeconds = startMs / 1000
const directory = mkdtempSync(join(tmpdir(), 'guichet-issuers-'))
afterAll(() => rmSync(directory, { recursive: true }))

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string
const file = join(directory, 'campus.pem')
writeFileSync(file, pem)
const secret = 'a secret that the school and the gateway share'

const claims = {
  account: 'sub',
  email: 'email',
  name: 'name',
  firstName: 'given_name',
  lastName: 'family_name',
  role: '/realm_access/roles',
  plan: 'plan',
}
const campus: IssuerOptions = {
  name: 'campus',
  issuer: 'https://campus.example',
  audience: 'guichet',
  algorithms: ['RS256'],
  keys: { kind: 'public-key', file },
  leewayMs: 10_000,
  claims,
}
const school: IssuerOptions = {
  ...campus,
  name: 'school',
  issuer: 'https://school.example',
  algorithms: ['HS256'],
  keys: { kind: 'secret', secret },
}

const keys = await openSigningKeys({ directory: join(directory, 'keys'), tokenLifetimeMs: 900_000 })
let now = startMs
let tokens: Tokens
beforeEach(() => {
  now = startMs
  const issuers = openIssuers({
    issuers: [campus, school],
    warn: (_, cause) => expect.unreachable(String(cause)),
    now: () => now,
  })
  const own = { issuer: 'https://shop.example', audience: 'guichet', lifetimeMs: 900_000 }
  tokens = createTokens({ keys, ...own, issuers, now: () => now })
})

const goodClaims = {
  iss: 'https://campus.example',
  aud: 'guichet',
  sub: '7',
  exp: nowSeconds + 600,
  email: 'eve@campus.example',
  given_name: 'Eve',
  family_name: 'E',
  plan: 'gold',
  realm_access: { roles: ['offline_access', 'admin'] },
}
const goodHeader = { alg: 'RS256', typ: 'JWT', kid: 'any' }

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signed with the issuer's own key, so that only the protection under test can refuse it. */
function forge(header: unknown, content: unknown, key: KeyObject = rsa.privateKey): string {
  const text = `${encode(header)}.${encode(content)}`
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

const hs256 = (header: unknown, content: unknown, key: string | Buffer): string => {
  const text = `${encode(header)}.${encode(content)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

const flawOf = async (raw: string): Promise<string> => {
  const verification = await tokens.verifyAccessToken(raw)
  return verification.kind === 'valid' ? 'none' : verification.reason
}

describe('a token of another issuer', () => {
  it('says who is calling under the issuer’s name, and has no session with us', async () => {
    expect(await tokens.verifyAccessToken(forge(goodHeader, goodClaims))).toMatchObject({
      kind: 'valid',
      expiresAtMs: startMs + 600_000,
      caller: {
        kind: 'connected',
        accountId: 'campus:7',
        sessionId: null,
        role: 'admin',
        plan: 'gold',
        email: 'eve@campus.example',
        firstName: 'Eve',
        lastName: 'E',
      },
    })
  })

  it('may be checked with a shared secret', async () => {
    const raw = await new SignJWT({ ...goodClaims, iss: school.issuer })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(secret))
    expect(await tokens.verifyAccessToken(raw)).toMatchObject({ caller: { accountId: 'school:7' } })
  })

  it('may have JSON with spaces, several audiences and no type', async () => {
    const spaced = JSON.stringify({ ...goodClaims, aud: ['other', 'guichet'] }, null, 1)
    expect(await flawOf(forge('{ "alg" : "RS256" }', spaced))).toBe('none')
  })

  it('is answered without a promise when it comes again, and checked anew after 5 minutes', async () => {
    const raw = forge(goodHeader, goodClaims)
    await tokens.verifyAccessToken(raw)
    expect(tokens.verifyAccessToken(raw)).not.toBeInstanceOf(Promise)
    now += 300_000
    expect(tokens.verifyAccessToken(raw)).toBeInstanceOf(Promise)
    now = startMs + 609_000
    expect(await flawOf(raw)).toBe('none')
    now = startMs + 610_000
    expect(await flawOf(raw)).toBe('expired')
  })

  it('is nobody’s when nobody knows its issuer', async () => {
    const raw = forge(goodHeader, { ...goodClaims, iss: 'https://evil.example' })
    expect(await flawOf(raw)).not.toBe('none')
  })

  it.each([
    ['unknown roles', { realm_access: { roles: ['root', 'Admin', 'administrator'] } }, { role: 'user' }],
    ['a role in words', { realm_access: { roles: 'admin' } }, { role: 'admin' }],
    ['a role that is an object', { realm_access: { roles: { admin: true } } }, { role: 'user' }],
    ['no roles', { realm_access: undefined }, { role: 'user' }],
    ['roles from the prototype', { realm_access: 'x' }, { role: 'user' }],
    ['a plan that is no name', { plan: 'a b' }, { plan: null }],
    ['an e-mail that no header could carry', { email: 'a@b\r\nx: y' }, { email: '' }],
    [
      'one name',
      { given_name: undefined, family_name: undefined, name: 'Eve E' },
      { firstName: 'Eve E', lastName: '' },
    ],
    ['half a character in a name', { given_name: '\ud800' }, { firstName: '\ufffd' }],
    ['a number as subject', { sub: 7 }, { accountId: 'campus:7' }],
    [
      'a subject with the sign that joins subjects',
      { sub: 'a+h:x=1%2B' },
      { accountId: 'campus:a%2Bh:x=1%252B' },
    ],
    ['a subject with lines', { sub: 'a\r\nb' }, { accountId: 'campus:a%0D%0Ab' }],
  ])('with %s is read as it may be', async (_, content, caller) => {
    const raw = forge(goodHeader, { ...goodClaims, ...content })
    expect(await tokens.verifyAccessToken(raw)).toMatchObject({ kind: 'valid', caller })
  })
})

describe('algorithms of other issuers (J1)', () => {
  it.each(['none', 'None', 'nOnE'])('refuses alg %s', async (alg) => {
    const text = `${encode({ ...goodHeader, alg })}.${encode(goodClaims)}`
    expect(await flawOf(`${text}.`)).not.toBe('none')
    expect(await flawOf(forge({ ...goodHeader, alg }, goodClaims))).toBe('wrong-header')
  })

  it('refuses HS256 with the public key as the secret, in every way it is written', async () => {
    const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
    for (const key of [pem, pem.trim(), der, '']) {
      expect(await flawOf(hs256({ ...goodHeader, alg: 'HS256' }, goodClaims, key))).toBe('wrong-header')
    }
  })

  it('refuses an empty secret, and another one', async () => {
    const content = { ...goodClaims, iss: school.issuer }
    expect(await flawOf(hs256({ alg: 'HS256' }, content, secret))).toBe('none')
    expect(await flawOf(hs256({ alg: 'HS256' }, content, ''))).toBe('bad-signature')
    expect(await flawOf(hs256({ alg: 'HS256' }, content, 'x'.repeat(32)))).toBe('bad-signature')
  })

  it('refuses an algorithm that the key could do but the issuer does not use', async () => {
    const signed = (alg: string) => new SignJWT(goodClaims).setProtectedHeader({ alg }).sign(rsa.privateKey)
    expect(await flawOf(await signed('RS256'))).toBe('none')
    expect(await flawOf(await signed('PS256'))).toBe('wrong-header')
    expect(await flawOf(await signed('RS512'))).toBe('wrong-header')
  })

  it('refuses the token of one issuer under the name of another', async () => {
    expect(await flawOf(forge(goodHeader, { ...goodClaims, iss: school.issuer }))).toBe('wrong-header')
    const ours = { ...goodClaims, iss: 'https://shop.example', sid: 's', role: 'admin', iat: nowSeconds }
    expect(await flawOf(forge(goodHeader, ours))).toBe('wrong-header')
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
    expect(await flawOf(forge(goodHeader, goodClaims, other.privateKey))).toBe('bad-signature')
  })
})

describe('headers of other issuers (J2)', () => {
  it.each([
    ['jku', 'https://evil.example/jwks.json'],
    ['x5u', 'https://evil.example/cert.pem'],
    ['x5c', ['AAAA']],
    ['jwk', { kty: 'oct', k: 'AAAA' }],
    ['crit', ['exp']],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
    ['typ', 'guichet-assertion+jwt'],
    ['typ', 'logout+jwt'],
    ['typ', ['JWT']],
    ['kid', { $ne: null }],
  ])('refuses %s', async (name, value) => {
    expect(await flawOf(forge({ ...goodHeader, [name]: value }, goodClaims))).toBe('wrong-header')
  })

  it.each(['../../dev/null', "' OR 1=1 --", '__proto__'])(
    'takes no notice of kid %s where there is one key',
    async (kid) => {
      expect(await flawOf(forge({ ...goodHeader, kid }, goodClaims))).toBe('none')
    },
  )

  it('refuses a header member that comes twice, however it is spelt', async () => {
    expect(await flawOf(forge('{"alg":"none","alg":"RS256"}', goodClaims))).toBe('wrong-header')
    expect(await flawOf(forge('{"a\\u006cg":"none","alg":"RS256"}', goodClaims))).toBe('wrong-header')
  })
})

describe('claims of other issuers (J3)', () => {
  it.each([
    ['another audience', { aud: 'other' }, 'wrong-claims'],
    ['no audience', { aud: undefined }, 'wrong-claims'],
    ['no expiry', { exp: undefined }, 'wrong-claims'],
    ['an expiry in words', { exp: 'tomorrow' }, 'wrong-claims'],
    ['an endless expiry', { exp: 1e300 }, 'wrong-claims'],
    ['an expiry as text', { exp: String(nowSeconds + 600) }, 'wrong-claims'],
    ['a start in words', { nbf: 'now' }, 'wrong-claims'],
    ['a start beyond the leeway', { nbf: nowSeconds + 11 }, 'not-yet-valid'],
    ['a start within the leeway', { nbf: nowSeconds + 9 }, 'none'],
    ['an end beyond the leeway', { exp: nowSeconds - 11 }, 'expired'],
    ['an end within the leeway', { exp: nowSeconds - 9 }, 'none'],
    ['no account', { sub: undefined }, 'wrong-claims'],
    ['an empty account', { sub: '' }, 'wrong-claims'],
    ['an account that is a list', { sub: ['7'] }, 'wrong-claims'],
    ['an account that is a fraction', { sub: 0.5 }, 'wrong-claims'],
    ['an account of half a character', { sub: '\ud800' }, 'wrong-claims'],
    ['an account longer than apps can keep', { sub: 'x'.repeat(250) }, 'wrong-claims'],
  ])('answers %s as it should', async (_, content, flaw) => {
    expect(await flawOf(forge(goodHeader, { ...goodClaims, ...content }))).toBe(flaw)
  })
})

describe('spellings and costs of tokens of other issuers (J4, J5)', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

  it.each([
    ['padding', (raw: string) => `${raw}=`],
    ['a space behind', (raw: string) => `${raw} `],
    ['a newline', (raw: string) => `${raw}\n`],
    ['a fourth part', (raw: string) => `${raw}.AA`],
    // The last of 342 characters holds 4 bits of the signature and 2 that mean nothing.
    ['unused bits', (raw: string) => raw.slice(0, -1) + alphabet[alphabet.indexOf(raw.slice(-1)) + 1]],
  ])('refuses a good token with %s', async (_, respell) => {
    const raw = forge(goodHeader, goodClaims)
    expect(await flawOf(raw)).toBe('none')
    expect(await flawOf(respell(raw))).toMatch(/^(malformed|not-canonical)$/)
  })

  it.each([
    ['a claim that comes twice', JSON.stringify(goodClaims).replace('{', '{"sub":"1",')],
    ['a claim twice in two spellings', JSON.stringify(goodClaims).replace('{', '{"s\\u0075b":"1",')],
    ['a member twice deep inside', JSON.stringify(goodClaims).replace('"roles"', '"roles":[],"roles"')],
    ['16 KB', { ...goodClaims, more: 'x'.repeat(16_000) }],
    [
      'JSON nested deep',
      JSON.stringify(goodClaims).replace('{', `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)},`),
    ],
    ['bytes that are no UTF-8', Buffer.from(JSON.stringify(goodClaims).replace('Eve', '\xff'), 'latin1')],
  ])('refuses %s, in less than 5 ms', async (_, content) => {
    const body = Buffer.isBuffer(content)
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    const text = `${encode(goodHeader)}.${body.toString('base64url')}`
    const raw = `${text}.${sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`
    await flawOf(forge(goodHeader, goodClaims))
    const before = process.cpuUsage()
    expect(await flawOf(raw)).not.toBe('none')
    const { user, system } = process.cpuUsage(before)
    expect(user + system).toBeLessThan(5_000)
  })
})

describe('a key file', () => {
  const openWith = (content: string, algorithms = ['RS256']) => {
    const other = join(directory, 'other.pem')
    writeFileSync(other, content)
    const issuer = { ...campus, algorithms, keys: { kind: 'public-key', file: other } } as const
    return () => openIssuers({ issuers: [issuer], warn: () => undefined })
  }

  it.each([
    ['nothing', ''],
    ['a private key', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
  ])('with %s is told with its place and its cure at the start', (_, content) => {
    expect(openWith(content)).toThrow(/identity\.issuers\.campus\.publicKey .*other\.pem.*BEGIN PUBLIC KEY/)
  })

  it('that cannot check an algorithm of its issuer is told at the start', () => {
    expect(openWith(pem, ['RS256', 'ES256'])).toThrow(/key of type rsa, which cannot check ES256/)
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    expect(openWith(short.export({ type: 'spki', format: 'pem' }) as string)).toThrow(/cannot check RS256/)
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
    const text = curve.export({ type: 'spki', format: 'pem' }) as string
    expect(openWith(text, ['ES256'])).toThrow(/cannot check ES256/)
    expect(openWith(text, ['ES384'])).not.toThrow()
  })
})
