import { afterAll, describe, expect, test } from 'vitest'
import { openSqlite } from '../connections/sqlite.ts'
import { createSqliteAccounts } from './accounts.sqlite.ts'
import { createAccount } from './create-account.ts'
import { migrateSqlite } from './migrations.sqlite.ts'
import { createPasswordHashing } from './password-hashing.ts'

const connection = openSqlite(':memory:')
afterAll(() => connection[Symbol.dispose]())
migrateSqlite(connection.database)
const accounts = createSqliteAccounts(connection.database)
const hashing = createPasswordHashing({ memoryKib: 64, passes: 1 })
const create = (more: Partial<Parameters<typeof createAccount>[1]>) =>
  createAccount(
    { accounts, hashing },
    { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.org', password: 'zephyrin', ...more },
  )

test('what was typed becomes an account: names trimmed, e-mail normalised, password hashed as typed', async () => {
  expect(await create({ firstName: ' Zoé ', email: ' Zoe@Example.org', password: ' zephyrin ' })).toEqual({
    kind: 'created',
    account: {
      id: expect.any(String),
      firstName: 'Zoé',
      lastName: 'Lovelace',
      email: 'zoe@example.org',
      role: 'user',
      plan: null,
      isActive: true,
    },
  })
  const { storedPassword = '' } = (await accounts.findByEmail('zoe@example.org')) ?? {}
  expect(storedPassword).toMatch(/^\$argon2id\$/)
  expect(await hashing.verifyPassword(storedPassword, ' zephyrin ')).toMatchObject({ kind: 'right' })
  expect(await hashing.verifyPassword(storedPassword, 'zephyrin')).toMatchObject({ kind: 'wrong' })
})

test('an administrator is created when asked for', async () => {
  expect(await create({ email: 'root@example.org', role: 'admin' })).toMatchObject({
    account: { role: 'admin' },
  })
})

test('another spelling of a known e-mail is taken', async () => {
  await create({ email: 'one@example.org' })
  expect(await create({ email: 'ＯＮＥ@Example.org ' })).toEqual({
    kind: 'email-taken',
    email: 'one@example.org',
  })
})

test('every wrong field is told at once', async () => {
  expect(await create({ firstName: ' ', lastName: 'a\0b', email: 'ada', password: 'short' })).toEqual({
    kind: 'invalid',
    problems: {
      firstName: 'The name is empty.',
      lastName: 'The name contains a control character.',
      email: 'The e-mail must look like name@example.org.',
      password: 'The password is shorter than 8 characters.',
    },
  })
})

describe('a name', () => {
  test.each(['O’Brien-Núñez', '李', 'مريم', '🦊', "'; DROP TABLE x; --", '<b>', '𝒵'.repeat(100), '👩‍👩‍👧'])(
    'may be %s',
    async (name) => {
      const email = `n${Buffer.from(name).toString('hex').slice(0, 40)}@example.org`
      expect(await create({ firstName: name, email })).toMatchObject({
        kind: 'created',
        account: { firstName: name },
      })
    },
  )

  test.each(['', '\u3000', 'a\nb', 'a\u202eb', '\ud800', '𝒵'.repeat(101), 'z'.repeat(1_000_000)])(
    'is refused: case %#',
    async (name) => {
      expect(await create({ firstName: name })).toMatchObject({ kind: 'invalid' })
    },
  )
})
