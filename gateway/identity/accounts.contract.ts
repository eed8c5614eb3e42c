import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import { type AccountsAtHand, create, someone } from './accounts-at-hand.contract.ts'

const hourMs = 3_600_000
const noonMs = Date.UTC(2026, 10, 2, 12)

/** Names that break what is glued together instead of bound. */
const naughty = [
  '🦊👩‍👩‍👧‍👦',
  'مرحبا \u202eRTL',
  'a\0b',
  "'; DROP TABLE utilisateurs; -- ",
  '"`\\\'%s%n{{7*7}}',
  '<script>alert(1)</script>',
  '\r\nSet-Cookie: x=y',
  'undefined',
  '   ',
  '𝒵'.repeat(100),
  '\u2028\ufeff\u0301',
]

/** What every home of the accounts promises. `open` gives an empty home; dates are parameters. */
export function accountsContract(home: string, open: () => Promise<AccountsAtHand>): void {
  describe(`accounts in ${home}`, () => {
    let opened: AccountsAtHand
    let accounts: Accounts
    beforeAll(async () => {
      opened = await open()
      accounts = opened.accounts
    })
    afterAll(() => opened[Symbol.asyncDispose]())

    test('a new account is active and found by e-mail, by id and by ids', async () => {
      const ada = await create(accounts, 'ada@example.org', { role: 'admin' })
      expect(ada).toEqual({
        id: expect.stringMatching(/^[1-9]\d*$/),
        firstName: 'Ada',
        lastName: 'Lovelace',
        email: 'ada@example.org',
        role: 'admin',
        plan: null,
        isActive: true,
      })
      expect(await accounts.findByEmail('ada@example.org')).toEqual({
        account: ada,
        storedPassword: someone('').passwordHash,
      })
      expect(await accounts.findById(ada.id)).toEqual(ada)
      const bob = await create(accounts, 'bob@example.org')
      const found = await accounts.findByIds([bob.id, ada.id, ada.id, '999999', 'x', '1 OR 1=1'])
      expect(found.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([ada, bob])
      expect(await accounts.findByIds([])).toEqual([])
    })

    test('an e-mail belongs to one account, even when two ask at once', async () => {
      const asked = await Promise.all(
        Array.from({ length: 8 }, () => accounts.create(someone('one@example.org'))),
      )
      expect(asked.map(({ kind }) => kind).toSorted()).toEqual(['created', ...Array(7).fill('email-taken')])
    })

    test('e-mails are equal byte by byte, whatever the database thinks of case and accents', async () => {
      await create(accounts, 'jose@example.org')
      for (const email of ['José@example.org', 'JOSE@example.org', 'jose@example.org\0', "' OR '1'='1"]) {
        expect(await accounts.findByEmail(email), email).toBeNull()
      }
    })

    test('what is no id is an unknown id', async () => {
      const { id } = await create(accounts, 'ids@example.org')
      for (const not of [
        '',
        'x',
        `${id}x`,
        `${id} OR 1=1`,
        `0${id}`,
        `${id}.0`,
        '-1',
        '9'.repeat(19),
        '9'.repeat(99),
      ]) {
        expect(await accounts.findById(not), not).toBeNull()
        expect(await accounts.setPasswordHash(not, 'x'), not).toBe(false)
        await accounts.recordLogin(not, noonMs)
      }
      expect(await accounts.findById(id)).toMatchObject({ isActive: true })
    })

    test.each(naughty.map((text, i) => [i, text]))(
      'a naughty name is stored intact: case %i',
      async (i, text) => {
        const { id } = await create(accounts, `naughty${i}@example.org`, {
          firstName: text,
          lastName: text,
          passwordHash: text,
        })
        expect(await accounts.findById(id)).toMatchObject({ firstName: text, lastName: text })
        expect(await accounts.findByEmail(`naughty${i}@example.org`)).toMatchObject({ storedPassword: text })
      },
    )

    test('pages by ascending id stay stable while accounts come', async () => {
      const made = [
        await create(accounts, 'p1@example.org'),
        await create(accounts, 'p2@example.org'),
        await create(accounts, 'p3@example.org'),
      ]
      const before = String(Number(made[0]?.id) - 1)
      expect(await accounts.list(before, 2)).toEqual(made.slice(0, 2))
      const late = await create(accounts, 'p4@example.org')
      expect(await accounts.list(made[1]?.id ?? '', 10)).toEqual([made[2], late])
      expect(await accounts.list(late.id, 10)).toEqual([])
      expect(await accounts.list('0', 1)).toHaveLength(1)
      expect(await accounts.list('', 1)).toHaveLength(1)
    })

    test('the password can be changed, and says whether someone was there', async () => {
      const { id } = await create(accounts, 'change@example.org')
      expect(await accounts.setPasswordHash(id, 'new')).toBe(true)
      // MySQL by itself answers "0 changed" to the same value.
      expect(await accounts.setPasswordHash(id, 'new')).toBe(true)
      expect(await accounts.findByEmail('change@example.org')).toMatchObject({ storedPassword: 'new' })
      expect(await accounts.setPasswordHash('999999', 'x')).toBe(false)
    })

    test('a plan is kept, changed and taken away', async () => {
      const made = await create(accounts, 'plan@example.org', { plan: 'gold' })
      expect(made).toMatchObject({ plan: 'gold' })
      expect(await accounts.findByEmail('plan@example.org')).toMatchObject({ account: { plan: 'gold' } })
      for (const plan of ['Silver-2', 'Silver-2', null]) {
        await accounts.update(made.id, { plan })
        expect(await accounts.findById(made.id)).toEqual({ ...made, plan })
      }
    })

    test('it answers', async () => {
      await expect(accounts.ping()).resolves.toBeUndefined()
    })
  })

  describe(`logins in ${home}`, () => {
    let opened: AccountsAtHand
    let accounts: Accounts
    const people: Account[] = []
    const person = (index: number): Account => people[index] as Account
    beforeAll(async () => {
      opened = await open()
      accounts = opened.accounts
      for (const name of ['ann', 'ben', 'cid', 'dee']) {
        const created = await accounts.create(someone(`${name}@example.org`))
        if (created.kind === 'created') people.push(created.account)
      }
    })
    afterAll(() => opened[Symbol.asyncDispose]())

    test('nobody has connected yet', async () => {
      expect(await accounts.recentLogins(10)).toEqual([])
      expect(await accounts.topLogins(0, 10)).toEqual([])
    })

    test('recent logins are newest first, each account once, ties by id; a late record never goes back', async () => {
      await accounts.recordLogin(person(2).id, noonMs)
      await accounts.recordLogin(person(1).id, noonMs)
      await accounts.recordLogin(person(0).id, noonMs + 1_000)
      await accounts.recordLogin(person(0).id, noonMs - 5 * hourMs)
      const expected = [
        { account: person(0), atMs: noonMs + 1_000 },
        { account: person(1), atMs: noonMs },
        { account: person(2), atMs: noonMs },
      ]
      expect(await accounts.recentLogins(10)).toEqual(expected)
      expect(await accounts.recentLogins(2)).toEqual(expected.slice(0, 2))
    })

    test('top logins count the hours that end after the given instant, ties by id', async () => {
      await accounts.recordLogin(person(3).id, noonMs - 5 * hourMs)
      await accounts.recordLogin(person(3).id, noonMs - 5 * hourMs)
      await accounts.recordLogin(person(2).id, noonMs + hourMs - 1)
      const counts = async (sinceMs: number, limit = 10) =>
        (await accounts.topLogins(sinceMs, limit)).map(({ account, logins }) => [account.email, logins])
      const all = [
        ['ann@example.org', 2],
        ['cid@example.org', 2],
        ['dee@example.org', 2],
        ['ben@example.org', 1],
      ]
      expect(await counts(0)).toEqual(all)
      expect(await counts(0, 3)).toEqual(all.slice(0, 3))
      // The hour 7–8 is in until it has ended.
      expect(await counts(noonMs - 4 * hourMs - 1)).toEqual(all)
      const today = [
        ['cid@example.org', 2],
        ['ann@example.org', 1],
        ['ben@example.org', 1],
      ]
      expect(await counts(noonMs - 4 * hourMs)).toEqual(today)
      expect(await counts(noonMs + 0.5)).toEqual(today)
      expect(await counts(noonMs + hourMs)).toEqual([])
    })

    test('fifty logins at once are fifty', async () => {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          accounts.recordLogin(person(i % 2).id, noonMs + 48 * hourMs + i),
        ),
      )
      const counted = await accounts.topLogins(noonMs + 47 * hourMs, 10)
      expect(counted.map(({ logins }) => logins)).toEqual([25, 25])
      expect((await accounts.recentLogins(1))[0]).toEqual({
        account: person(1),
        atMs: noonMs + 48 * hourMs + 49,
      })
    })

    test('who has been disabled still counts', async () => {
      await accounts.update(person(1).id, { isActive: false })
      expect((await accounts.recentLogins(1))[0]?.account).toMatchObject({
        id: person(1).id,
        isActive: false,
      })
    })
  })
}
