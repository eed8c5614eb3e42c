import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createSqliteAudit } from '../admin/audit.sqlite.ts'
import { openMysql } from '../connections/mysql.ts'
import { openRedis } from '../connections/redis.ts'
import { openSqlite } from '../connections/sqlite.ts'
import { createMysqlAccounts } from '../identity/accounts.mysql.ts'
import { createSqliteAccounts } from '../identity/accounts.sqlite.ts'
import { createPasswordHashing } from '../identity/password-hashing.ts'
import { createRedisSessions } from '../identity/sessions.redis.ts'
import { createDatabase } from '../test/servers/mariadb.ts'

const folder = mkdtempSync(join(tmpdir(), 'guichet-users-'))
afterAll(() => rmSync(folder, { recursive: true }))
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function run(args: string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [main, 'users', ...args], { cwd: folder })
  child.stdin.end(input)
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, out, err }
}

function configFile(name: string, accounts: string, sessions: string): string {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(
    file,
    `listen: { host: 127.0.0.1, port: 0 }
stores: { sessions: '${sessions}', hits: embedded, accounts: '${accounts}', deadline: 100ms }
upstreams: { app: { url: 'http://127.0.0.1:3000' } }
routes: [{ path: /, upstream: app, access: public }]
`,
  )
  return file
}

const ada = ['--email', 'Ada@Example.org', '--first-name', 'Ada', '--last-name', 'Lovelace']
const { verifyPassword } = createPasswordHashing()

describe('with everything embedded', () => {
  const database = join(folder, 'data/guichet.sqlite')
  let config: string[]
  beforeAll(() => {
    config = ['--config', configFile('embedded', `sqlite:${database}`, 'embedded')]
  })

  const storedPassword = async (): Promise<string> => {
    using connection = openSqlite(database)
    const found = await createSqliteAccounts(connection.database).findByEmail('ada@example.org')
    return found?.storedPassword ?? ''
  }

  test('an account is added, listed, disabled, enabled and given a new password', async () => {
    expect(await run(['add', ...ada, '--password', 'zephyrin', '--role', 'admin', ...config])).toEqual({
      code: 0,
      out: 'added account 1: ada@example.org (admin)\n',
      err: '',
    })
    expect(await verifyPassword(await storedPassword(), 'zephyrin')).toMatchObject({ kind: 'right' })
    expect(await run(['disable', '--email', ' ADA@example.org', ...config])).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^disabled account 1: ada@example.org\n.*DELETE \/api\/accounts\/1\/sessions/,
      ),
    })
    const table = (active: string) =>
      `ID  EMAIL            FIRST NAME  LAST NAME  ROLE   PLAN  ACTIVE\n1   ada@example.org  Ada         Lovelace   admin  -     ${active}\n`
    expect(await run(['list', ...config])).toEqual({ code: 0, out: table('no'), err: '' })
    expect((await run(['enable', '--email', 'ada@example.org', ...config])).out).toMatch(/^enabled/)
    expect((await run(['list', ...config])).out).toBe(table('yes'))
    expect(
      await run(['password', '--email', 'ada@example.org', '--password', '-', ...config], ' un autre \n'),
    ).toMatchObject({ code: 0 })
    expect(await verifyPassword(await storedPassword(), ' un autre ')).toMatchObject({ kind: 'right' })
  })

  test('a plan is given with the account, changed and taken away', async () => {
    const grace = ['--email', 'grace@example.org']
    const names = ['--first-name', 'Grace', '--last-name', 'Hopper', '--password', 'zephyrin']
    const plan = async () => / user +(\S+) +yes/.exec((await run(['list', ...config])).out)?.[1]
    expect(await run(['add', ...grace, ...names, '--plan', 'free', ...config])).toMatchObject({ code: 0 })
    expect(await plan()).toBe('free')
    expect(await run(['plan', ...grace, '--plan', 'gold', ...config])).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^changed the plan of account \d+: grace@example.org \(gold\)\n.*next login/,
      ),
    })
    expect(await plan()).toBe('gold')
    expect((await run(['plan', ...grace, '--plan', '', ...config])).out).toContain('(none)')
    expect(await plan()).toBe('-')
  })

  test('a role is changed, and an account deleted for ever', async () => {
    const alan = ['--email', 'alan@example.org']
    const names = ['--first-name', 'Alan', '--last-name', 'Turing', '--password', 'zephyrin']
    expect(await run(['add', ...alan, ...names, ...config])).toMatchObject({ code: 0 })
    const role = async () => / Turing +(\S+) /.exec((await run(['list', ...config])).out)?.[1]
    expect(await run(['role', ...alan, '--role', 'admin', ...config])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^changed the role of account \d+: alan@example.org \(admin\)\n/),
    })
    expect(await role()).toBe('admin')
    expect((await run(['role', ...alan, '--role', 'user', ...config])).out).toContain('(user)')
    expect(await role()).toBe('user')
    expect(await run(['delete', ...alan, ...config])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^deleted account \d+: alan@example.org\n/),
    })
    expect((await run(['list', ...config])).out).not.toContain('alan')
    expect(await run(['delete', ...alan, ...config])).toMatchObject({ code: 1 })

    using connection = openSqlite(database)
    const trail = await createSqliteAudit(connection.database).recent(4)
    expect(trail.map(({ via, action, subject, reason }) => [via, action, subject, reason])).toEqual([
      ['CLI', 'delete-account', expect.stringMatching(/^u:\d+$/), ''],
      ['CLI', 'change-account', trail[0]?.subject, 'role: user'],
      ['CLI', 'change-account', trail[0]?.subject, 'role: admin'],
      ['CLI', 'create-account', 'email:alan@example.org', ''],
    ])
    // Eight processes, each of which reads all of the gateway.
  }, 60_000)

  test('an e-mail that has an account already: exit 1 and one clear line', async () => {
    await run(['add', ...ada, '--password', 'zephyrin', ...config])
    expect(await run(['add', ...ada, '--password', 'zephyrin', ...config])).toEqual({
      code: 1,
      out: '',
      err: 'guichet users: ada@example.org has an account already. To change its password: guichet users password.\n',
    })
  })

  test('an unknown e-mail: exit 1', async () => {
    for (const args of [
      ['disable'],
      ['enable'],
      ['password', '--password', 'zephyrin'],
      ['plan', '--plan', 'gold'],
      ['role', '--role', 'admin'],
      ['delete'],
    ]) {
      expect(await run([...args, '--email', 'nobody@example.org', ...config])).toMatchObject({
        code: 1,
        err: expect.stringContaining('no account has the e-mail "nobody@example.org"'),
      })
    }
  })

  test('wrong fields are told all at once: exit 64', async () => {
    const wrong = ['add', '--email', 'ada', '--password', 'short', '--first-name', ' ', '--last-name', 'L']
    expect(await run([...wrong, ...config])).toEqual({
      code: 64,
      out: '',
      err: [
        'guichet users: --first-name: The name is empty.',
        'guichet users: --email: The e-mail must look like name@example.org.',
        'guichet users: --password: The password is shorter than 8 characters.',
        '',
      ].join('\n'),
    })
  })
})

describe('called wrongly it exits 64 and says what is right', () => {
  test.each([
    [[], 'which command?'],
    [['remove'], 'there is no command remove.'],
    [['toString'], 'there is no command toString.'],
    [['add', '--email', 'a@example.org'], 'add --password and --first-name and --last-name.'],
    [['list', '--email', 'a@example.org'], "Unknown option '--email'"],
    [['disable', '--email'], "Option '--email <value>' argument missing"],
    [['add', ...ada, '--password', 'zephyrin', '--role', 'root'], '--role is user or admin.'],
    [['plan', '--email', 'a@example.org', '--plan', 'gold plan'], '--plan is 1 to 64 letters'],
    [['plan', '--email', 'a@example.org'], 'add --plan.'],
  ])('%j', async (args, problem) => {
    const { code, err } = await run(args)
    expect(code).toBe(64)
    expect(err).toContain(problem)
    expect(err).toContain('usage: guichet users')
  })
})

test('a configuration that is missing: exit 78 and its name', async () => {
  expect(await run(['list', '--config', 'nowhere.yaml'])).toMatchObject({
    code: 78,
    err: expect.stringContaining('nowhere.yaml'),
  })
})

describe('with MySQL and Redis', () => {
  test('disabling and changing the password end the sessions at once', async () => {
    const mysqlUrl = await createDatabase(inject('mysqlUrl'))
    const redisUrl = inject('redisUrl')
    const config = ['--config', configFile('servers', mysqlUrl, redisUrl)]
    await run(['add', ...ada, '--password', 'zephyrin', ...config])
    await using mysql = await openMysql(mysqlUrl)
    const accounts = createMysqlAccounts(mysql)
    // Another test file may have sessions of account 1 in the same Redis.
    await mysql.pool.query('UPDATE utilisateurs SET id = 7000000000000007001')
    const { id = '' } = (await accounts.findByEmail('ada@example.org'))?.account ?? {}
    await using redis = await openRedis(redisUrl, { deadlineMs: 1_000 })
    const sessions = createRedisSessions(redis.redis)
    const open = (sessionId: string) =>
      sessions.open(
        { sessionId, accountId: id, refreshHash: 'x', device: null, address: '192.0.2.7' },
        { lifetimeMs: 60_000, idleLifetimeMs: 60_000 },
      )

    await open('one')
    await open('two')
    expect(await run(['disable', '--email', 'ada@example.org', ...config])).toEqual({
      code: 0,
      out: `disabled account ${id}: ada@example.org\nended 2 sessions\n`,
      err: '',
    })
    expect(await sessions.isAlive(id, 'one')).toBe(false)
    expect(await accounts.findById(id)).toMatchObject({ isActive: false })

    await open('three')
    const changed = await run(['password', '--email', 'ada@example.org', '--password', 'un autre', ...config])
    expect(changed).toMatchObject({ code: 0, out: expect.stringContaining('ended 1 session\n') })
    expect(await sessions.isAlive(id, 'three')).toBe(false)
  })

  test('when Redis is away the account is disabled all the same, and exit 1 says what is left to do', async () => {
    const mysqlUrl = await createDatabase(inject('mysqlUrl'))
    const config = ['--config', configFile('no-redis', mysqlUrl, 'redis://127.0.0.1:9')]
    await run(['add', ...ada, '--password', 'zephyrin', ...config])
    const { code, err } = await run(['disable', '--email', 'ada@example.org', ...config])
    expect(code).toBe(1)
    expect(err).toMatch(/its sessions go on: .*Run the same command again/)
    expect((await run(['list', ...config])).out).toMatch(/ no\n$/)
  })

  test('a database that refuses the password: exit 1, without the password', async () => {
    const url = new URL(await createDatabase(inject('mysqlUrl')))
    url.username = 'nobody'
    url.password = 'topsecret'
    const { code, err } = await run(['list', '--config', configFile('refused', url.href, 'embedded')])
    expect(code).toBe(1)
    expect(err).toContain('user and password are refused')
    expect(err).not.toContain('topsecret')
  })
})
