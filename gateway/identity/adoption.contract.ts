import { describe, expect, test } from 'vitest'
import type { Accounts } from './accounts.ts'
import { AdoptionRefused } from './adoption.ts'
import { type MigrationReport, migrations } from './migrations.ts'
import { createPasswordHashing } from './password-hashing.ts'

/** A database with whatever an older app left in it. */
export interface OldDatabase extends AsyncDisposable {
  readonly accounts: () => Accounts
  migrate(): Promise<MigrationReport>
  execute(statement: string): Promise<void>
  rows(query: string): Promise<Record<string, unknown>[]>
}

const { hashPassword, verifyPassword } = createPasswordHashing({ memoryKib: 64, passes: 1 })

/**
 * What adopting an older app's table promises, in both databases.
 *
 * @param oldTable creates `utilisateurs (id, nom, prenom, email, mot_de_passe, promotion)`, as an older app would:
 *   no role, and an e-mail that is compared without case.
 */
export function adoptionContract(home: string, oldTable: string, open: () => Promise<OldDatabase>): void {
  const insert = 'INSERT INTO utilisateurs (id, nom, prenom, email, mot_de_passe, promotion) VALUES'

  describe(`a table of an older app in ${home}`, () => {
    test('keeps its rows and its own columns, and gets what is missing', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute(
        `${insert} (7, 'Noël', 'Zoé', 'Zoe@Example.ORG ', 'azerty', 2027), (9, 'X', 'Y', 'no address', 'x', 2028)`,
      )
      const report = await old.migrate()
      expect(report.ran).toEqual(migrations.map(({ name }) => name))
      expect(report.warnings).toEqual([expect.stringContaining('account 9')])
      expect(
        await old.rows('SELECT id, email, mot_de_passe, promotion FROM utilisateurs ORDER BY id'),
      ).toEqual([
        { id: 7, email: 'zoe@example.org', mot_de_passe: 'azerty', promotion: 2027 },
        { id: 9, email: 'no address', mot_de_passe: 'x', promotion: 2028 },
      ])
      expect(await old.accounts().findById('7')).toEqual({
        id: '7',
        firstName: 'Zoé',
        lastName: 'Noël',
        email: 'zoe@example.org',
        role: 'user',
        plan: null,
        isActive: true,
      })
      expect((await old.migrate()).ran).toEqual([])
    })

    test('its plain-text password works once, then there is a hash that works too', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute(`${insert} (1, 'A', 'B', 'a@example.org', 'azerty', 2027)`)
      await old.migrate()
      const accounts = old.accounts()
      const stored = async () => (await accounts.findByEmail('a@example.org'))?.storedPassword ?? ''
      expect(await verifyPassword(await stored(), 'azerty')).toEqual({ kind: 'right', needsRehash: true })
      expect(await accounts.setPasswordHash('1', await hashPassword('azerty'))).toBe(true)
      expect(await stored()).toMatch(/^\$argon2id\$/)
      expect(await verifyPassword(await stored(), 'azerty')).toEqual({ kind: 'right', needsRehash: false })
    })

    test('takes new accounts and their logins, with any name', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute(`${insert} (41, 'A', 'B', 'a@example.org', 'azerty', 2027)`)
      await old.migrate()
      const accounts = old.accounts()
      const lastName = '🦊'.repeat(100)
      const fresh = {
        firstName: 'F',
        lastName,
        email: 'f@example.org',
        passwordHash: 'h'.repeat(120),
        role: 'admin',
      } as const
      const created = await accounts.create(fresh)
      expect(created).toMatchObject({ kind: 'created', account: { id: '42', lastName, role: 'admin' } })
      expect(await accounts.create({ ...fresh, email: 'a@example.org' })).toEqual({ kind: 'email-taken' })
      await accounts.recordLogin('41', 1_000)
      expect(await accounts.recentLogins(2)).toMatchObject([{ account: { id: '41' }, atMs: 1_000 }])
      expect(await accounts.topLogins(0, 3)).toMatchObject([{ account: { id: '41' }, logins: 1 }])
    })

    test('its accounts are found, changed and removed, but none that the app still refers to', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute(
        `${insert} (1, 'Noël', 'Zoé', 'a@example.org', 'Azerty', 2027), (2, NULL, NULL, 'b@example.org', NULL, 1), (3, 'C', NULL, NULL, 'x', 1)`,
      )
      await old.migrate()
      const accounts = old.accounts()
      const found = async (text: string) =>
        (await accounts.search({ text, afterId: '0', limit: 9 })).map(({ account }) => account.id)
      expect(await found('')).toEqual(['1', '2', '3'])
      expect(await found('zoé NOËL')).toEqual(['1'])
      expect(await found('zoe')).toEqual([])
      expect(await found('B@')).toEqual(['2'])
      expect(await accounts.setPasswordHash('1', 'x', 'azerty')).toBe(false)
      expect(await accounts.setPasswordHash('1', 'h', 'Azerty')).toBe(true)
      expect(await accounts.setPasswordHash('2', 'h', '')).toBe(true)
      const changes = {
        firstName: '🦊',
        email: 'c@example.org',
        role: 'admin',
        plan: 'gold',
        isActive: false,
      } as const
      expect(await accounts.update('3', changes)).toMatchObject({ kind: 'updated', account: changes })
      expect(await accounts.update('3', { email: 'a@example.org' })).toEqual({ kind: 'email-taken' })
      await old.execute(
        'CREATE TABLE articles (id INT PRIMARY KEY, vendeur INT, FOREIGN KEY (vendeur) REFERENCES utilisateurs (id))',
      )
      await old.execute('INSERT INTO articles (id, vendeur) VALUES (1, 1)')
      await accounts.recordLogin('1', 1_000)
      expect(await accounts.remove('1')).toEqual({ kind: 'referenced' })
      expect(await accounts.topLogins(0, 9)).toMatchObject([{ account: { id: '1' }, logins: 1 }])
      expect(await accounts.remove('2')).toEqual({ kind: 'removed' })
      expect(await found('')).toEqual(['1', '3'])
    })

    test('is refused, unchanged, when two rows have one e-mail; the error names them and the cure', async () => {
      await using old = await open()
      await old.execute(oldTable.replace(/ UNIQUE/i, ''))
      await old.execute(
        `${insert} (3, 'A', 'B', 'Bob@example.org', 'x', 1), (5, 'A', 'B', 'bob@example.org ', 'y', 1), (6, 'A', 'B', 'C@example.org', 'y', 1)`,
      )
      const refused = await old.migrate().catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(AdoptionRefused)
      expect(String(refused)).toMatch(
        /"bob@example.org": id 3 \("Bob@example.org"\), id 5 .*Change the e-mail/,
      )
      expect(await old.rows('SELECT * FROM utilisateurs WHERE id = 6')).toEqual([
        { id: 6, nom: 'A', prenom: 'B', email: 'C@example.org', mot_de_passe: 'y', promotion: 1 },
      ])
      await old.execute("UPDATE utilisateurs SET email = 'bob2@example.org' WHERE id = 5")
      expect((await old.migrate()).ran).toHaveLength(migrations.length)
      expect(await old.accounts().findByEmail('bob2@example.org')).toMatchObject({ account: { id: '5' } })
    })

    test('keeps its own plans; what is none of ours is no plan', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute("ALTER TABLE utilisateurs ADD COLUMN Plan VARCHAR(200) DEFAULT 'free'")
      await old.execute(
        `INSERT INTO utilisateurs (id, email, mot_de_passe, plan) VALUES (1, 'a@example.org', 'x', 'Gold '), (2, 'b@example.org', 'x', ''), (3, 'c@example.org', 'x', NULL), (4, 'd@example.org', 'x', 'é'), (5, 'e@example.org', 'x', '7')`,
      )
      await old.migrate()
      const accounts = old.accounts()
      const plans = async () => (await accounts.list('0', 10)).map(({ plan }) => plan)
      expect(await plans()).toEqual(['Gold', null, null, null, '7'])
      const fresh = { firstName: 'F', lastName: 'L', passwordHash: 'h', role: 'user' } as const
      await accounts.create({ ...fresh, email: 'f@example.org' })
      await accounts.create({ ...fresh, email: 'g@example.org', plan: 'gold' })
      expect((await plans()).slice(-2)).toEqual(['free', 'gold'])
    })

    test('may spell the names of its columns in capitals', async () => {
      await using old = await open()
      await old.execute(
        oldTable.replace('email', 'Email').replace('mot_de_passe', 'MOT_DE_PASSE').replace(' nom ', ' NOM '),
      )
      await old.execute(`${insert} (1, 'A', 'B', 'a@example.org', 'azerty', 2027)`)
      await old.migrate()
      expect(await old.accounts().findByEmail('a@example.org')).toMatchObject({
        account: { lastName: 'A', email: 'a@example.org' },
        storedPassword: 'azerty',
      })
    })

    test('may hold NULL, and odd roles that give no right', async () => {
      await using old = await open()
      await old.execute(oldTable)
      await old.execute('ALTER TABLE utilisateurs ADD COLUMN role VARCHAR(10) NULL')
      await old.execute(
        `${insert} (1, NULL, NULL, NULL, NULL, 1), (2, 'A', 'B', 'b@example.org', NULL, 1), (3, 'A', 'B', 'c@example.org', 'x', 1), (4, NULL, NULL, NULL, NULL, 1)`,
      )
      await old.execute("UPDATE utilisateurs SET role = 'ADMIN' WHERE id = 2")
      await old.execute("UPDATE utilisateurs SET role = 'admin' WHERE id = 3")
      await old.migrate()
      const accounts = old.accounts()
      expect((await accounts.list('0', 10)).map(({ role, isActive }) => [role, isActive])).toEqual([
        ['user', true],
        ['user', true],
        ['admin', true],
        ['user', true],
      ])
      const withoutPassword = await accounts.findByEmail('b@example.org')
      expect(await verifyPassword(withoutPassword?.storedPassword ?? 'x', '')).toEqual({ kind: 'wrong' })
    })

    test('that wants more than we know serves its accounts, and says what to change before new ones', async () => {
      await using old = await open()
      await old.execute(oldTable.replace(/promotion INT\w*/, '$& NOT NULL'))
      await old.execute(`${insert} (1, 'A', 'B', 'a@example.org', 'azerty', 2027)`)
      expect((await old.migrate()).warnings).toEqual([expect.stringContaining('promotion must be given')])
      expect(await old.accounts().findByEmail('a@example.org')).toMatchObject({ storedPassword: 'azerty' })
    })

    test('without the columns that a login needs is refused with the cure', async () => {
      await using old = await open()
      await old.execute('CREATE TABLE utilisateurs (id INTEGER PRIMARY KEY, nom VARCHAR(10))')
      await expect(old.migrate()).rejects.toThrow('It has no column email. Add it, or rename the table.')
    })
  })
}
