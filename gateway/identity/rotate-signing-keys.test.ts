import { createHmac } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Account } from './account.ts'
import { nextRotationMs, publishAheadMs, rotateSigningKeys, watchSigningKeys } from './rotate-signing-keys.ts'
import { firstKeyFile, laterKeyFile, newKeyText } from './signing-key-files.ts'
import { acceptedForMs, openSigningKeys, type SigningKeys, secretFile } from './signing-keys.ts'
import { createTokens } from './tokens.ts'

const startMs = 1_800_000_000_000
const tokenLifetimeMs = 900_000
const ada: Account = {
  id: '42',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.org',
  role: 'user',
  plan: null,
  isActive: true,
}

let directory = ''
let now = startMs
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guichet-rotation-'))
  now = startMs
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const open = () => openSigningKeys({ directory, tokenLifetimeMs, now: () => now })
const tokensOf = (keys: SigningKeys) =>
  createTokens({ keys, issuer: 'i', audience: 'a', lifetimeMs: tokenLifetimeMs, now: () => now })
const rotate = (signsFromMs: number) =>
  rotateSigningKeys({ directory, signsFromMs, nowMs: now, acceptedForMs: acceptedForMs(tokenLifetimeMs) })
const published = ({ jwks }: SigningKeys) => jwks.keys.map(({ kid }) => kid)

describe('a new signing key (J6)', () => {
  it('is published first, signs from its time on, and the one before is accepted until its tokens are dead', async () => {
    const keys = await open()
    const old = keys.current.kid
    await rotate(now + publishAheadMs)
    await keys.reload()
    expect(keys.current.kid).toBe(old)
    expect(published(keys)).toHaveLength(2)

    now += publishAheadMs - 1
    const last = await tokensOf(keys).issueAccessToken(ada, 's', now)
    now += 1
    expect(keys.current.kid).not.toBe(old)

    now += tokenLifetimeMs
    expect((await tokensOf(keys).verifyAccessToken(last)).kind).toBe('valid')
    now += 65_000
    expect(await keys.publicKey(old)).toBeNull()
    expect(published(keys)).toEqual([keys.current.kid])
  })

  it('is found by a gateway that has not read it yet, and meets it in a token', async () => {
    const [here, there] = [await open(), await open()]
    await rotate(now)
    await here.reload()
    const raw = await tokensOf(here).issueAccessToken(ada, 's', now)
    now += 1_000
    expect((await tokensOf(there).verifyAccessToken(raw)).kind).toBe('valid')
  })

  it('is looked for once a second at most, however many unknown keys are named', async () => {
    const keys = await open()
    await rotate(now)
    const ofUnknownKeys = (): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 1_000 }, (_, i) => keys.publicKey(`unknown-${i}`)))
    // The folder was read a moment ago: the new key is not seen, so nobody has looked.
    expect(new Set(await ofUnknownKeys())).toEqual(new Set([null]))
    expect(published(keys)).toHaveLength(1)
    now += 1_000
    await ofUnknownKeys()
    expect(published(keys)).toHaveLength(2)
    await rotate(now + 1)
    await ofUnknownKeys()
    expect(published(keys)).toHaveLength(2)
  })

  it('leaves the secrets of other purposes as they were, when the first key is long gone', async () => {
    const before = (await open()).secretFor('codes')
    await rotate(now)
    now += acceptedForMs(tokenLifetimeMs) + 1
    await rotate(now)
    expect(await readdir(directory)).not.toContain(firstKeyFile)
    expect((await open()).secretFor('codes')).toEqual(before)
  })

  it('is made once by gateways that mean the same moment', async () => {
    await open()
    await Promise.all(Array.from({ length: 10 }, () => rotate(now + 60_000)))
    expect((await readdir(directory)).toSorted()).toEqual([
      secretFile,
      laterKeyFile(now + 60_000),
      firstKeyFile,
    ])
  })
})

it('a folder from before there was a secret keeps the one that its first key was', async () => {
  const text = await newKeyText()
  await writeFile(join(directory, firstKeyFile), text)
  const { d } = JSON.parse(text) as { d: string }
  expect((await open()).secretFor('partition keys')).toEqual(
    createHmac('sha256', d).update('partition keys').digest(),
  )
})

describe('a key whose file is deleted', () => {
  it('is no longer believed, not even for tokens that were seen before', async () => {
    const keys = await open()
    const tokens = tokensOf(keys)
    const raw = await tokens.issueAccessToken(ada, 's', now)
    expect((await tokens.verifyAccessToken(raw)).kind).toBe('valid')
    await rotate(now)
    await unlink(join(directory, firstKeyFile))
    await keys.reload()
    expect(await tokens.verifyAccessToken(raw)).toEqual({ kind: 'invalid', reason: 'unknown-key' })
  })
})

describe('a folder that is wrong while gateways run', () => {
  it.each([
    ['a broken key', () => writeFile(join(directory, laterKeyFile(startMs)), 'not a key'), /Ed25519/],
    ['no key', () => unlink(join(directory, firstKeyFile)), /No signing key is left/],
    ['nothing at all', () => rm(directory, { recursive: true }), /identity\.keysDirectory/],
  ])('with %s leaves the keys known so far as they are', async (_, breakIt, problem) => {
    const keys = await open()
    const { kid } = keys.current
    await breakIt()
    await expect(keys.reload()).rejects.toThrow(problem)
    expect(keys.current.kid).toBe(kid)
    expect(await keys.publicKey(kid)).not.toBeNull()
  })

  it('is told once while it lasts, and read again when it is well', async () => {
    const keys = await open()
    const told: unknown[] = []
    const file = join(directory, laterKeyFile(startMs))
    await writeFile(file, 'not a key')
    using _watch = watchSigningKeys({
      keys,
      directory,
      rotateEveryMs: null,
      acceptedForMs: 0,
      warn: (cause) => told.push(cause),
      lookEveryMs: 10,
    })
    await vi.waitFor(() => expect(told).toHaveLength(1))
    await writeFile(file, await newKeyText())
    await vi.waitFor(() => expect(published(keys)).toHaveLength(2))
    expect(told).toHaveLength(1)
  })
})

describe('keys that replace themselves', () => {
  const dayMs = 86_400_000
  it.each([
    ['not before their time', { signsFromMs: startMs }, startMs + 90 * dayMs - publishAheadMs - 1, null],
    ['early enough to be known', { signsFromMs: startMs }, startMs + 90 * dayMs - publishAheadMs, 90],
    [
      'by the age of the file, for the first one',
      { signsFromMs: 0 },
      startMs + 90 * dayMs - publishAheadMs,
      90,
    ],
  ])('do so %s', (_, newest, nowMs, expectedDays) => {
    const next = nextRotationMs({ changedAtMs: startMs, ...newest }, 90 * dayMs, nowMs)
    expect(next).toBe(expectedDays === null ? null : startMs + expectedDays * dayMs)
  })

  it('are published ahead even when no gateway ran at their time', () => {
    const nowMs = startMs + 200 * dayMs
    const next = nextRotationMs({ changedAtMs: 0, signsFromMs: startMs }, 90 * dayMs, nowMs)
    expect(next).toBeGreaterThanOrEqual(nowMs + publishAheadMs)
  })

  it('are made by a gateway that watches, once', async () => {
    await writeFile(join(directory, firstKeyFile), await newKeyText())
    const keys = await openSigningKeys({ directory, tokenLifetimeMs })
    using _watch = watchSigningKeys({
      keys,
      directory,
      rotateEveryMs: 1,
      acceptedForMs: acceptedForMs(tokenLifetimeMs),
      warn: (cause) => expect.unreachable(String(cause)),
      lookEveryMs: 10,
    })
    await vi.waitFor(() => expect(published(keys)).toHaveLength(2))
    const made = await readdir(directory)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await readdir(directory)).toEqual(made)
    expect(await readFile(join(directory, firstKeyFile), 'utf8')).toContain('Ed25519')
  })
})
