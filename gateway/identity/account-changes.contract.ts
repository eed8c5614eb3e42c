import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Accounts } from './accounts.ts'
import { type AccountsAtHand, create, someone } from './accounts-at-hand.contract.ts'

const hourMs = 3_600_000
const noonMs = Date.UTC(2026, 10, 2, 12)

/** What every home promises of accounts that are found, changed and removed. */
export function accountChangesContract(home: string, open: () => Promise<AccountsAtHand>): void {
  describe(`changes of accounts in ${home}`, () => {
    let opened: AccountsAtHand
    let accounts: Accounts
    beforeAll(async () => {
      opened = await open()
      accounts = opened.accounts
    })
    afterAll(() => opened[Symbol.asyncDispose]())

    test('what is named is changed, the rest stays', async () => {
      const ada = await create(accounts, 'ada@example.org', { plan: 'gold' })
      const changed = { ...ada, firstName: 'Augusta', email: 'augusta@example.org' }
      const changes = { firstName: 'Augusta', email: 'augusta@example.org' }
      expect(await accounts.update(ada.id, changes)).toEqual({ kind: 'updated', account: changed })
      // MySQL by itself answers "0 changed" to the same values.
      expect(await accounts.update(ada.id, changes)).toEqual({ kind: 'updated', account: changed })
      expect(await accounts.findByEmail('ada@example.org')).toBeNull()
      const others = { lastName: 'K', role: 'admin', plan: null, isActive: false } as const
      const all = { ...changed, ...others }
      expect(await accounts.update(ada.id, others)).toEqual({ kind: 'updated', account: all })
      expect(await accounts.update(ada.id, {})).toEqual({ kind: 'updated', account: all })
      expect((await accounts.findByEmail('augusta@example.org'))?.storedPassword).toMatch(/^\$argon2id/)
    })

    test('what is no id is an unknown account', async () => {
      const { id } = await create(accounts, 'ids@example.org')
      for (const not of ['', `${id}x`, `${id} OR 1=1`, `0${id}`, '-1', '999999', '9'.repeat(99)]) {
        expect(await accounts.update(not, { firstName: 'X' }), not).toEqual({ kind: 'unknown' })
        expect(await accounts.update(not, {}), not).toEqual({ kind: 'unknown' })
        expect(await accounts.remove(not), not).toEqual({ kind: 'unknown' })
        expect(await accounts.findWithLastLogin(not), not).toBeNull()
      }
      expect(await accounts.findById(id)).toMatchObject({ firstName: 'Ada' })
    })

    test('an e-mail of somebody else is taken, and nothing is changed', async () => {
      await create(accounts, 'owner@example.org')
      const { id } = await create(accounts, 'wants@example.org')
      const asked = { firstName: 'X', email: 'owner@example.org' }
      expect(await accounts.update(id, asked)).toEqual({ kind: 'email-taken' })
      expect(await accounts.findById(id)).toMatchObject({ firstName: 'Ada', email: 'wants@example.org' })
    })

    test('an e-mail that several want at the same instant goes to one of them', async () => {
      const people = await Promise.all(
        Array.from({ length: 4 }, (_, i) => create(accounts, `racer${i}@example.org`)),
      )
      const asked = await Promise.all([
        ...people.map(({ id }) => accounts.update(id, { email: 'prize@example.org' })),
        accounts.create(someone('prize@example.org')),
      ])
      expect(asked.filter(({ kind }) => kind !== 'email-taken')).toHaveLength(1)
    })

    test('a password is replaced only while the expected one is stored, byte by byte', async () => {
      const { id } = await create(accounts, 'cas@example.org', { passwordHash: 'Old É ' })
      for (const not of ['old É ', 'Old E ', 'Old É', 'Old É  ', '']) {
        expect(await accounts.setPasswordHash(id, 'stolen', not), not).toBe(false)
      }
      expect(await accounts.setPasswordHash(id, 'new', 'Old É ')).toBe(true)
      expect(await accounts.setPasswordHash(id, 'late', 'Old É ')).toBe(false)
      expect(await accounts.findByEmail('cas@example.org')).toMatchObject({ storedPassword: 'new' })
      const asked = await Promise.all(
        ['a', 'b', 'c'].map((next) => accounts.setPasswordHash(id, next, 'new')),
      )
      expect(asked.filter(Boolean)).toHaveLength(1)
      expect(await accounts.setPasswordHash('999999', 'x', 'new')).toBe(false)
    })

    test('who is removed is gone with their logins, and the e-mail is free again', async () => {
      const email = 'gone@example.org'
      const { id } = await create(accounts, email)
      const { id: stays } = await create(accounts, 'stays@example.org')
      for (const who of [id, id, stays]) await accounts.recordLogin(who, noonMs)
      expect(await accounts.remove(id)).toEqual({ kind: 'removed' })
      expect(await accounts.remove(id)).toEqual({ kind: 'unknown' })
      expect(await accounts.findById(id)).toBeNull()
      expect(await accounts.findByEmail(email)).toBeNull()
      expect((await accounts.recentLogins(9)).map(({ account }) => account.id)).toEqual([stays])
      expect((await accounts.topLogins(0, 1)).map(({ account }) => account.id)).toEqual([stays])
      expect((await create(accounts, email)).id).not.toBe(id)
    })

    test('a login at the instant of the removal leaves no counter behind', async () => {
      const { id } = await create(accounts, 'both@example.org')
      await Promise.all([
        ...Array.from({ length: 8 }, () => accounts.recordLogin(id, noonMs - 100 * hourMs)),
        accounts.remove(id),
      ])
      // The hours of `both` are the oldest there are, and nobody else has any of them.
      expect(await accounts.forgetLogins(noonMs - 90 * hourMs, 100)).toBe(0)
    })

    test('counters of hours that have ended are forgotten, a few at a time', async () => {
      const { id } = await create(accounts, 'hours@example.org')
      const firstMs = noonMs - 50 * hourMs
      for (const hour of [0, 1, 2, 3]) await accounts.recordLogin(id, firstMs + hour * hourMs)
      const untilMs = firstMs + 3 * hourMs
      expect(await accounts.forgetLogins(untilMs - 1, 100)).toBe(2)
      expect(await accounts.forgetLogins(firstMs + 4 * hourMs, 1)).toBe(1)
      const left = (await accounts.topLogins(0, 9)).find(({ account }) => account.id === id)
      expect(left).toMatchObject({ logins: 1 })
      expect(await accounts.forgetLogins(firstMs + 4 * hourMs, 1)).toBe(1)
      expect(await accounts.forgetLogins(firstMs + 4 * hourMs, 1)).toBe(0)
      // Statistics of the last login do not need the counters.
      expect(await accounts.findWithLastLogin(id)).toMatchObject({ lastLoginAtMs: untilMs })
    })
  })

  describe(`a search of accounts in ${home}`, () => {
    let opened: AccountsAtHand
    let accounts: Accounts
    beforeAll(async () => {
      opened = await open()
      accounts = opened.accounts
      await create(accounts, 'ada@etu.example')
      await create(accounts, 'grace_100@etu.example', { firstName: 'Grâce', lastName: 'ÉLUARD %' })
      await create(accounts, 'a\\b!c@etu.example', { firstName: '🦊', lastName: "O'Brien _x" })
      await accounts.recordLogin('1', noonMs)
    })
    afterAll(() => opened[Symbol.asyncDispose]())

    const found = async (text: string, afterId = '0', limit = 10): Promise<string[]> =>
      (await accounts.search({ text, afterId, limit })).map(({ account }) => account.id)

    test.each([
      ['', ['1', '2', '3']],
      ['ADA@', ['1']],
      ['etu.example', ['1', '2', '3']],
      ['love', ['1']],
      ['ada lovelace', ['1']],
      ['éluard', ['2']],
      ['GRÂCE é', ['2']],
      ['eluard', []],
      ['%', ['2']],
      ['_', ['2', '3']],
      ['e_1', ['2']],
      ['\\', ['3']],
      ['!', ['3']],
      ["o'b", ['3']],
      ['🦊', ['3']],
      ["' OR 1=1 -- ", []],
      ['\0', []],
      ['lovelace@etu', []],
    ])('%j finds %j', async (text, ids) => {
      expect(await found(text)).toEqual(ids)
    })

    test('comes in pages by ascending id', async () => {
      expect(await found('etu', '0', 2)).toEqual(['1', '2'])
      expect(await found('etu', '2', 2)).toEqual(['3'])
      expect(await found('etu', '3', 2)).toEqual([])
      expect(await found('ada', '1', 2)).toEqual([])
    })

    test('tells when each logged in last, as looking at one does', async () => {
      const [ada, grace] = await accounts.search({ text: '', afterId: '0', limit: 2 })
      expect(ada).toEqual({ account: await accounts.findById('1'), lastLoginAtMs: noonMs })
      expect(grace).toMatchObject({ lastLoginAtMs: null })
      expect(await accounts.findWithLastLogin('1')).toEqual(ada)
    })
  })
}
