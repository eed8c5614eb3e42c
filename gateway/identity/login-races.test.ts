import { expect, test } from 'vitest'
import { openAuth } from '../test/identity/open-auth.ts'
import type { Accounts } from './accounts.ts'
import { createPasswordHashing } from './password-hashing.ts'
import { createEmbeddedSessions } from './sessions.embedded.ts'

const ada = { email: 'ada@example.org', password: 'the right password' }

/** A login whose session opens just after something else was done to the account, sessions ended and all. */
async function logInAfter(change: (accounts: Accounts, id: string) => Promise<unknown>) {
  const sessions = createEmbeddedSessions()
  const at: { change: () => Promise<unknown> } = { change: async () => undefined }
  await using auth = await openAuth({
    sessions: {
      ...sessions,
      async open(session, lifetimes) {
        await at.change()
        await sessions.open(session, lifetimes)
      },
    },
  })
  const { id } = await auth.addAccount(ada.email, ada.password)
  at.change = async () => {
    await change(auth.accounts, id)
    await sessions.endAll(id)
  }
  const { status, cookies } = await auth.send('/auth/login', { json: ada })
  return { status, cookies, left: (await sessions.list(id)).length }
}

const changes: Record<string, (accounts: Accounts, id: string) => Promise<unknown>> = {
  disabled: (accounts, id) => accounts.update(id, { isActive: false }),
  removed: (accounts, id) => accounts.remove(id),
  'given another password': (accounts, id) => accounts.setPasswordHash(id, 'another password'),
  'given another role': (accounts, id) => accounts.update(id, { role: 'admin' }),
}

test.each(Object.keys(changes))('a login during which the account was %s opens no session', async (name) => {
  expect(await logInAfter(changes[name] as (typeof changes)[string])).toEqual({
    status: 401,
    cookies: {},
    left: 0,
  })
})

test('a login during which another one rehashed the password is one', async () => {
  const { hashPassword } = createPasswordHashing()
  const hash = await hashPassword(ada.password)
  const rehashed = (accounts: Accounts, id: string) => accounts.setPasswordHash(id, hash)
  expect(await logInAfter(rehashed)).toMatchObject({ status: 200, left: 1 })
})

test('a rehash does not overwrite a password that was changed meanwhile', async () => {
  const hashing = createPasswordHashing()
  const at: { change: () => Promise<unknown> } = { change: async () => undefined }
  await using auth = await openAuth({
    hashing: {
      ...hashing,
      async hashPassword(password) {
        await at.change()
        return hashing.hashPassword(password)
      },
    },
  })
  const { id } = await auth.addAccount(ada.email, 'irrelevant')
  await auth.accounts.setPasswordHash(id, ada.password)
  at.change = () => auth.accounts.setPasswordHash(id, 'changed meanwhile')
  expect((await auth.send('/auth/login', { json: ada })).status).toBe(200)
  const found = await auth.accounts.findByEmail(ada.email)
  expect(found?.storedPassword).toBe('changed meanwhile')
})
