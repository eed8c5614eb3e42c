import { openSqlite } from '../gateway/connections/sqlite.ts'
import { createSqliteAccounts } from '../gateway/identity/accounts.sqlite.ts'
import { migrateSqlite } from '../gateway/identity/migrations.sqlite.ts'
import { createPasswordHashing } from '../gateway/identity/password-hashing.ts'
import { inParallel } from './in-parallel.ts'

const password = 'benchmark-of-the-gateway'
const emailOf = (user: number): string => `user-${user}@bench.example`

/** Fills an SQLite file with accounts, before the gateway opens it. One hash for all: a login costs the same. */
export async function createAccounts(file: string, count: number): Promise<void> {
  using connection = openSqlite(file)
  migrateSqlite(connection.database)
  const accounts = createSqliteAccounts(connection.database)
  const passwordHash = await createPasswordHashing().hashPassword(password)
  connection.database.exec('BEGIN')
  for (let user = 1; user <= count; user++) {
    await accounts.create({
      firstName: 'Ada',
      lastName: `Lovelace ${user}`,
      email: emailOf(user),
      passwordHash,
      role: 'user',
    })
  }
  connection.database.exec('COMMIT')
}

/**
 * Logs every user in, as a client would.
 *
 * @returns their access tokens
 */
export function logIn(gatewayUrl: string, count: number): Promise<string[]> {
  const users = Array.from({ length: count }, (_, index) => index + 1)
  return inParallel(users, 8, async (user) => {
    const response = await fetch(`${gatewayUrl}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: emailOf(user), password }),
    })
    const text = await response.text()
    if (response.status !== 200)
      throw new Error(`the login of user ${user} answered ${response.status}: ${text}`)
    return (JSON.parse(text) as { accessToken: string }).accessToken
  })
}

/** Lets every user make `calls` calls that pass, and one that is denied. */
export async function spendQuotas(url: string, tokens: readonly string[], calls: number): Promise<void> {
  await inParallel(tokens, 32, async (token) => {
    for (let call = 1; call <= calls + 1; call++) {
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      const expected = call <= calls ? 200 : 429
      if (response.status !== expected)
        throw new Error(`call ${call} of a user to ${url} answered ${response.status}, not ${expected}`)
    }
  })
}
