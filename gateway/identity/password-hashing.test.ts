import { hash } from '@node-rs/argon2'
import { describe, expect, test } from 'vitest'
import { createPasswordHashing } from './password-hashing.ts'

const cheap = { memoryKib: 64, passes: 1 }
const { hashPassword, verifyPassword, verifyAgainstNothing } = createPasswordHashing(cheap)

test('by default a hash is argon2id with 19 MiB, 2 passes and 1 lane', async () => {
  expect(await createPasswordHashing().hashPassword('zephyrin')).toMatch(
    /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/,
  )
})

describe('a password is used exactly as typed', () => {
  test.each([
    ['spaces at the ends', '  zephyrin ', 'zephyrin'],
    ['a newline at the end', 'zephyrin\n', 'zephyrin'],
    ['what follows a NUL', 'zephyr\0in', 'zephyr\0on'],
    ['the NUL itself', 'zephyrin\0', 'zephyrin'],
    ['case', 'Zephyrin', 'zephyrin'],
    ['emoji', '🦊🦊🦊🦊🦊🦊🦊🦊', '🦊🦊🦊🦊🦊🦊🦊🐺'],
    ['the Unicode form', 'caf\u00e9 noir', 'cafe\u0301 noir'],
    ['what follows 72 characters', `${'z'.repeat(99)}a`, `${'z'.repeat(99)}b`],
    ['the last of 1024 bytes', `${'z'.repeat(1023)}a`, `${'z'.repeat(1023)}b`],
    ['a lone surrogate', 'zephyr\ufffdin', 'zephyr\ud800in'],
  ])('%s', async (_, password, other) => {
    const stored = await hashPassword(password)
    expect(await verifyPassword(stored, password)).toEqual({ kind: 'right', needsRehash: false })
    expect(await verifyPassword(stored, other)).toEqual({ kind: 'wrong' })
    expect(await verifyPassword(password, password)).toEqual({ kind: 'right', needsRehash: true })
    expect(await verifyPassword(password, other)).toEqual({ kind: 'wrong' })
  })
})

describe('what an older app stored', () => {
  test('is the plain text, to be rehashed at once', async () => {
    expect(await verifyPassword('azerty', 'azerty')).toEqual({ kind: 'right', needsRehash: true })
    expect(await verifyPassword('azerty', 'azertx')).toEqual({ kind: 'wrong' })
    expect(await verifyPassword('azerty', '')).toEqual({ kind: 'wrong' })
  })

  test('is plain text too when it only begins like a hash', async () => {
    expect(await verifyPassword('$argon2id$mine', '$argon2id$mine')).toMatchObject({ kind: 'right' })
  })

  test('when empty, lets nobody in', async () => {
    expect(await verifyPassword('', '')).toEqual({ kind: 'wrong' })
  })

  test('when a hash, is not a password for whoever stole it', async () => {
    const argon2 = await hashPassword('zephyrin')
    const stolen = [
      argon2,
      argon2.slice(0, 50),
      '$2y$10$abcdefghijklmnopqrstuuWb6H1Xl5PqPZ0F0Yw1eJt9o8b7c6d5e',
      '$6$rounds=5000$saltsalt$0123456789abcdef0123456789abcdef',
    ]
    for (const stored of stolen) expect(await verifyPassword(stored, stored)).toEqual({ kind: 'wrong' })
  })

  test('cannot ask for gigabytes', async () => {
    const planted = '$argon2id$v=19$m=4194304,t=1000,p=1$BwcHBwcHBwcHBwcHBwcHBw$CQkJCQkJCQkJCQkJCQkJCQ'
    expect(await verifyPassword(planted, 'zephyrin')).toEqual({ kind: 'wrong' })
  })

  test('with weaker parameters or another argon2 is right, and is to be rehashed', async () => {
    const strong = createPasswordHashing({ memoryKib: 128, passes: 2 })
    const weak = await hash('zephyrin', { memoryCost: 64, timeCost: 2, parallelism: 1 })
    const argon2i = await hash('zephyrin', { memoryCost: 128, timeCost: 2, parallelism: 1, algorithm: 1 })
    for (const stored of [weak, argon2i]) {
      expect(await strong.verifyPassword(stored, 'zephyrin')).toEqual({ kind: 'right', needsRehash: true })
    }
  })
})

test('an unknown e-mail, a wrong password, plain text and a megabyte cost one argon2 each', async () => {
  const passwords = createPasswordHashing({ memoryKib: 19_456, passes: 4, concurrency: 1 })
  const stored = await passwords.hashPassword('zephyrin')
  const ways = {
    wrong: () => passwords.verifyPassword(stored, 'zephyron'),
    nobody: () => passwords.verifyAgainstNothing('zephyron'),
    plain: () => passwords.verifyPassword('azerty', 'zephyron'),
    rightPlain: () => passwords.verifyPassword('azerty', 'azerty'),
    megabyte: () => passwords.verifyPassword(stored, 'z'.repeat(1_000_000)),
  }
  // CPU time of the process, and the least of several: a busy machine only ever adds.
  const leastMs: Record<string, number> = {}
  for (let round = 0; round < 10; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const before = process.cpuUsage()
      await way()
      const spent = process.cpuUsage(before)
      leastMs[name] = Math.min(leastMs[name] ?? Infinity, (spent.user + spent.system) / 1_000)
    }
  }
  const wrongMs = leastMs.wrong ?? 0
  for (const [name, ms] of Object.entries(leastMs)) {
    expect(ms, name).toBeGreaterThan(wrongMs * 0.6)
    expect(ms, name).toBeLessThan(wrongMs * 1.67)
  }
})

test('nobody is let in against nothing', async () => {
  expect(await verifyAgainstNothing('')).toEqual({ kind: 'wrong' })
})

test('a full queue refuses at once with overloaded, and serves again when it has drained', async () => {
  const passwords = createPasswordHashing({ ...cheap, concurrency: 1, queueLimit: 2 })
  const asked = await Promise.allSettled(Array.from({ length: 10 }, () => passwords.hashPassword('zephyrin')))
  expect(asked.map(({ status }) => status)).toEqual([
    ...Array(3).fill('fulfilled'),
    ...Array(7).fill('rejected'),
  ])
  expect(asked.at(-1)).toMatchObject({ reason: { code: 'overloaded', details: { retryAfterSeconds: 1 } } })
  await expect(passwords.hashPassword('zephyrin')).resolves.toMatch(/^\$argon2id/)
})
