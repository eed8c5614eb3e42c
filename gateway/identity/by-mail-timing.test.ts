import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { createMysqlAccounts } from './accounts.mysql.ts'
import { createMysqlCodes } from './codes.mysql.ts'
import { migrateMysql } from './migrations.mysql.ts'
import { createPasswordHashing } from './password-hashing.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let auth: AuthBench

/** On MariaDB, where a row that is there means a write and a wait for the disk. */
beforeAll(async () => {
  const mysql = opened.use(await openMysql(await createDatabase(inject('mysqlUrl'))))
  await migrateMysql(mysql)
  // Everybody's password is hashed (`registration.test.ts`); on a busy machine that would only add noise.
  const hashing = createPasswordHashing({ memoryKib: 64, passes: 1 })
  const [accounts, codes] = [createMysqlAccounts(mysql), createMysqlCodes(mysql)]
  auth = opened.use(await openAuth({ accounts, codes, evenTimeMs: 100, hashing }))
  const passwordHash = await hashing.hashPassword('the right password')
  const person = { firstName: 'Ada', lastName: 'L', passwordHash, role: 'user' } as const
  await accounts.create({ ...person, email: 'taken@example.org' })
  const disabled = await accounts.create({ ...person, email: 'disabled@example.org' })
  if (disabled.kind === 'created') await accounts.update(disabled.account.id, { isActive: false })
})

const owners = ['free', 'pending', 'taken', 'disabled'] as const
const password = 'quatre mots bien longs'
const names = { firstName: 'Zoé', lastName: 'Durand' }
const calls = {
  '/auth/register': (email: string) => ({ ...names, email, password }),
  '/auth/activate': (email: string) => ({ email, code: '000000' }),
  '/auth/activate/resend': (email: string) => ({ email }),
  '/auth/forgot': (email: string) => ({ email }),
  '/auth/reset': (email: string) => ({ email, code: '000000', password }),
}
const rounds = 8

/** Not the mean: what else runs on the machine only ever adds time. */
const lowerQuartile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0

async function measureSpread(path: keyof typeof calls): Promise<number> {
  const times = new Map<string, number[]>(owners.map((owner) => [owner, []]))
  for (let round = 0; round < rounds; round++) {
    // Codes of the hour before count no more.
    auth.clock.now += 3_600_001
    const pending = calls['/auth/register']('pending@example.org')
    await auth.send('/auth/register', { json: pending })
    for (const owner of owners.toSorted(() => Math.random() - 0.5)) {
      // Nobody has asked anything about a free address before.
      const email = owner === 'free' ? `free-${auth.clock.now}@example.org` : `${owner}@example.org`
      const from = performance.now()
      await auth.send(path, { json: calls[path](email) })
      times.get(owner)?.push(performance.now() - from)
    }
  }
  const typical = [...times.values()].map(lowerQuartile)
  return Math.max(...typical) / Math.min(...typical)
}

it.each(Object.keys(calls) as (keyof typeof calls)[])(
  '%s takes the same time for a free, a pending, a taken and a disabled address',
  async (path) => {
    // Noise passes, a leak stays: without the even time, two of these differ by 1.2 to 1.6, every time.
    const spreads: number[] = []
    while (spreads.length < 3 && !spreads.some((spread) => spread < 1.1)) {
      spreads.push(await measureSpread(path))
    }
    expect(Math.min(...spreads), `spreads: ${spreads}`).toBeLessThan(1.1)
  },
  60_000,
)
