import fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../connections/sqlite.ts'
import type { GatewayError } from '../errors.ts'
import { createAccountAdministration } from '../identity/account-administration.ts'
import { createSqliteAccounts } from '../identity/accounts.sqlite.ts'
import { createSqliteCodes } from '../identity/codes.sqlite.ts'
import { migrateSqlite } from '../identity/migrations.sqlite.ts'
import { createPasswordHashing } from '../identity/password-hashing.ts'
import { createEmbeddedSessions } from '../identity/sessions.embedded.ts'
import type { Sessions } from '../identity/sessions.ts'
import { accountsRoutes } from './accounts.routes.ts'
import { createSqliteAudit } from './audit.sqlite.ts'
import type { AuditTrail } from './audit.ts'

const hashing = createPasswordHashing({ memoryKib: 64, passes: 1 })
const lifetimes = { lifetimeMs: 60_000, idleLifetimeMs: 60_000 }

interface Changes {
  readonly audit?: Partial<AuditTrail>
  readonly sessions?: Partial<Sessions>
}

/** The routes over real stores in process; Ada, an administrator, has the id 1. */
async function open(changes: Changes = {}) {
  const connection = openSqlite(':memory:')
  const { database } = connection
  migrateSqlite(database)
  const accounts = createSqliteAccounts(database)
  const codes = createSqliteCodes(database)
  const sessions: Sessions = { ...createEmbeddedSessions(), ...changes.sessions }
  const audit = { ...createSqliteAudit(database), ...changes.audit }
  const app = fastify()
  onTestFinished(async () => {
    await app.close()
    connection[Symbol.dispose]()
  })
  app.setErrorHandler<GatewayError>(({ code, status = 500, message, details }, _request, reply) =>
    reply.code(status).send({ code, detail: message, ...details?.members }),
  )
  const administration = createAccountAdministration({ accounts, sessions, codes, hashing })
  const logged: string[] = []
  accountsRoutes(app, { administration, audit, changed: ({ action }) => void logged.push(action) })
  const passwordHash = await hashing.hashPassword('zephyrin')
  const ada = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.org', passwordHash }
  await accounts.create({ ...ada, role: 'admin' })
  let opened = 0
  return {
    accounts,
    codes,
    sessions,
    logged,
    trail: async () =>
      (await audit.recent(99)).map(({ action, subject, reason }) => [action, subject, reason]),
    async openSession(accountId: string) {
      const sessionId = `s${++opened}`.padEnd(24, 'x')
      const session = { sessionId, accountId, refreshHash: 'h', device: 'Firefox', address: '192.0.2.7' }
      await sessions.open(session, lifetimes)
      return sessionId
    },
    async call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object | string) {
      const answer = await app.inject({ method, url, ...(payload !== undefined && { payload }) })
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        body: answer.body === '' ? null : answer.json(),
      }
    },
  }
}

const grace = { firstName: ' Grace', lastName: 'Hopper', email: 'Grace@Example.org ' }
const shownGrace = {
  id: '2',
  firstName: 'Grace',
  lastName: 'Hopper',
  email: 'grace@example.org',
  role: 'user',
  plan: null,
  isActive: true,
  lastLoginAt: null,
}

describe('POST /api/accounts', () => {
  test('creates an active account and tells where it is', async () => {
    const bench = await open()
    const body = { ...grace, password: 'cobol and ships', role: 'admin', plan: 'gold' }
    const answer = await bench.call('POST', '/api/accounts', body)
    expect([answer.status, answer.headers.location]).toEqual([201, '/api/accounts/2'])
    expect(answer.body).toEqual({ ...shownGrace, role: 'admin', plan: 'gold' })
    const found = await bench.accounts.findByEmail('grace@example.org')
    const verdict = await hashing.verifyPassword(found?.storedPassword ?? '', 'cobol and ships')
    expect(verdict.kind).toBe('right')
    expect(await bench.trail()).toEqual([['create-account', 'email:grace@example.org', '']])
  })

  test('without a password makes one up and tells it once', async () => {
    const bench = await open()
    const { body } = await bench.call('POST', '/api/accounts', grace)
    expect(body).toEqual({ ...shownGrace, password: expect.stringMatching(/^[\w-]{20}$/) })
    const found = await bench.accounts.findByEmail('grace@example.org')
    expect(await hashing.verifyPassword(found?.storedPassword ?? '', body.password)).toMatchObject({
      kind: 'right',
    })
    expect((await bench.call('GET', '/api/accounts/2')).body).toEqual(shownGrace)
    expect(JSON.stringify(await bench.trail())).not.toContain(body.password)
  })

  test('an e-mail that somebody has, in any spelling, is a conflict', async () => {
    const bench = await open()
    const answer = await bench.call('POST', '/api/accounts', { ...grace, email: 'ADA@example.org' })
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict'])
  })

  test.each([
    [{ firstName: 'G', lastName: 'H' }, /email missing/],
    [{ ...grace, email: 7 }, /email must be a text/],
    [{ ...grace, role: 'root' }, /role must be "user" or "admin"/],
    [{ ...grace, isActive: false }, /Unknown field "isActive"/],
    [{ ...grace, plan: 'é' }, /The plan is not/],
    [{ ...grace, email: 'grace' }, /name@example\.org/],
    [{ ...grace, firstName: '\u202egro' }, /control character/],
    [{ ...grace, lastName: 'x'.repeat(101) }, /longer than 100/],
    [{ ...grace, password: 'password' }, /most common/],
    [[], /not an object/],
  ])('%j is refused with the cure, and leaves no entry', async (body, detail) => {
    const bench = await open()
    const answer = await bench.call('POST', '/api/accounts', body)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body.detail).toMatch(detail)
    expect(await bench.trail()).toEqual([])
    expect(bench.logged).toEqual([])
  })
})

describe('GET /api/accounts', () => {
  test('comes in pages, and a search is taken literally', async () => {
    const bench = await open()
    for (const name of ['b_b', 'c%c', 'd']) {
      await bench.call('POST', '/api/accounts', { ...grace, lastName: name, email: `${name[0]}@example.org` })
    }
    const ids = async (query: string) => {
      const { body } = await bench.call('GET', `/api/accounts?${query}`)
      return [body.accounts.map(({ id }: { id: string }) => id).join(), body.next]
    }
    expect(await ids('limit=2')).toEqual(['1,2', '2'])
    expect(await ids('limit=2&after=2')).toEqual(['3,4', null])
    expect(await ids('search=GRACE')).toEqual(['2,3,4', null])
    expect(await ids('search=%25')).toEqual(['3', null])
    expect(await ids('search=_')).toEqual(['2', null])
    expect(await ids('search=ada%20love')).toEqual(['1', null])
  })

  test.each(['limit=0', 'limit=x', 'after=x', 'after=-1', 'search=a&search=b', `search=${'x'.repeat(101)}`])(
    '?%s is 400 with the cure',
    async (query) => {
      const { status, body } = await (await open()).call('GET', `/api/accounts?${query}`)
      expect(status).toBe(400)
      expect(body.detail).toMatch(/Send \?/)
    },
  )

  test('an account tells when it last logged in', async () => {
    const bench = await open()
    await bench.accounts.recordLogin('1', Date.UTC(2026, 10, 2))
    const { body } = await bench.call('GET', '/api/accounts/1')
    expect(body).toMatchObject({ id: '1', role: 'admin', lastLoginAt: '2026-11-02T00:00:00.000Z' })
  })
})

describe('PATCH /api/accounts/:id', () => {
  test('changes what is named, and the entry tells what without telling secrets', async () => {
    const bench = await open()
    const changes = { firstName: ' Augusta ', email: 'Augusta@example.org', plan: 'gold', isActive: true }
    const answer = await bench.call('PATCH', '/api/accounts/1', changes)
    expect(answer.body).toMatchObject({
      firstName: 'Augusta',
      lastName: 'Lovelace',
      email: 'augusta@example.org',
      plan: 'gold',
    })
    await bench.call('PATCH', '/api/accounts/1', { password: 'a new secret', plan: null })
    expect(await bench.trail()).toEqual([
      ['change-account', 'u:1', 'password, plan: none'],
      ['change-account', 'u:1', 'firstName, email, plan: gold, isActive: true'],
    ])
    const found = await bench.accounts.findByEmail('augusta@example.org')
    const verdict = await hashing.verifyPassword(found?.storedPassword ?? '', 'a new secret')
    expect(verdict.kind).toBe('right')
  })

  test.each([
    [{ role: 'user' }, 0],
    [{ role: 'admin' }, 0],
    [{ isActive: false }, 0],
    [{ password: 'a new secret' }, 0],
    [{ isActive: true }, 1],
    [{ firstName: 'A', plan: 'gold', email: 'a@example.org' }, 1],
  ])('%j leaves %i of one session', async (changes, left) => {
    const bench = await open()
    await bench.openSession('1')
    expect((await bench.call('PATCH', '/api/accounts/1', changes)).status).toBe(200)
    expect(await bench.sessions.list('1')).toHaveLength(left)
  })

  test('codes that were mailed before are worth nothing after it', async () => {
    const bench = await open()
    const times = { issuedAtMs: 0, expiresAtMs: 9e12 }
    const code = { purpose: 'password-reset', owner: '1', codeHash: 'h', payload: {}, ...times } as const
    for (const changes of [{ email: 'a@example.org' }, { password: 'a new secret' }, { isActive: false }]) {
      await bench.codes.issue(code)
      await bench.call('PATCH', '/api/accounts/1', changes)
      expect(await bench.codes.spend('password-reset', '1', 'h', 1)).toEqual({ kind: 'wrong' })
    }
  })

  test('whoever sends it again ends the sessions that could not be ended at first', async () => {
    let isAway = true
    const real = createEmbeddedSessions()
    const endAll: Sessions['endAll'] = (id) =>
      isAway ? Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:6379')) : real.endAll(id)
    const bench = await open({ sessions: { ...real, endAll } })
    await bench.openSession('1')
    const refused = await bench.call('PATCH', '/api/accounts/1', { isActive: false })
    expect(refused.status).toBe(503)
    expect(refused.body.detail).toMatch(/is changed.*Send the same change again/)
    expect(refused.text).not.toContain('10.0.0.7')
    isAway = false
    expect((await bench.call('PATCH', '/api/accounts/1', { isActive: false })).status).toBe(200)
    expect(await real.list('1')).toEqual([])
  })

  test.each([
    [{}, 400, /Nothing to change/],
    [{ isActive: 'no' }, 400, /isActive must be true or false/],
    [{ plan: 7 }, 400, /plan must be a text, or null/],
    [{ id: '2' }, 400, /Unknown field "id"/],
    [{ firstName: ' ', email: 'x' }, 400, /The name is empty\. The e-mail/],
    [{ email: 'grace@example.org' }, 409, /Another account has this e-mail/],
  ])('%j is %i', async (changes, status, detail) => {
    const bench = await open()
    await bench.call('POST', '/api/accounts', grace)
    const answer = await bench.call('PATCH', '/api/accounts/1', changes)
    expect(answer.status).toBe(status)
    expect(answer.body.detail).toMatch(detail)
    expect((await bench.call('GET', '/api/accounts/1')).body).toMatchObject({
      firstName: 'Ada',
      email: 'ada@example.org',
    })
  })
})

describe('DELETE /api/accounts/:id', () => {
  test('removes the account with its sessions and codes', async () => {
    const bench = await open()
    await bench.openSession('1')
    expect((await bench.call('DELETE', '/api/accounts/1')).status).toBe(204)
    expect(await bench.sessions.list('1')).toEqual([])
    expect((await bench.call('GET', '/api/accounts/1')).status).toBe(404)
    expect((await bench.call('DELETE', '/api/accounts/1')).status).toBe(404)
    expect(await bench.trail()).toEqual([['delete-account', 'u:1', '']])
  })
})

describe('/api/accounts/:id/sessions', () => {
  test('are listed and ended one by one or all at once', async () => {
    const bench = await open()
    const [one, two] = [await bench.openSession('1'), await bench.openSession('1')]
    const { body } = await bench.call('GET', '/api/accounts/1/sessions')
    expect(body.sessions.map(({ id }: { id: string }) => id).toSorted()).toEqual([one, two])
    expect(body.sessions[0]).toEqual({
      id: expect.any(String),
      device: 'Firefox',
      address: '192.0.2.7',
      openedAt: expect.stringMatching(/Z$/),
      lastSeenAt: expect.stringMatching(/Z$/),
      expiresAt: expect.stringMatching(/Z$/),
    })
    expect((await bench.call('DELETE', `/api/accounts/1/sessions/${one}`)).status).toBe(204)
    expect((await bench.call('DELETE', `/api/accounts/1/sessions/${one}`)).status).toBe(404)
    expect((await bench.sessions.list('1')).map(({ sessionId }) => sessionId)).toEqual([two])
    expect((await bench.call('DELETE', '/api/accounts/1/sessions')).body).toEqual({ ended: 1 })
    expect(await bench.trail()).toEqual([
      ['end-sessions', 'u:1', 'all sessions'],
      ['end-sessions', 'u:1', 'one session'],
    ])
  })
})

test('sessions that outlived their account can still be ended', async () => {
  const bench = await open()
  await bench.openSession('1')
  await bench.accounts.remove('1')
  expect((await bench.call('DELETE', '/api/accounts/1/sessions')).body).toEqual({ ended: 1 })
  expect((await bench.call('DELETE', '/api/accounts/1/sessions')).status).toBe(404)
})

test.each(['0', '01', '1x', '1%20OR%201=1', '-1', '9'.repeat(19), '%00', '🦊'])(
  'account %s is unknown, and nothing is noted',
  async (id) => {
    const bench = await open()
    const answers = [
      await bench.call('GET', `/api/accounts/${encodeURI(id)}`),
      await bench.call('PATCH', `/api/accounts/${encodeURI(id)}`, { isActive: false }),
      await bench.call('DELETE', `/api/accounts/${encodeURI(id)}`),
      await bench.call('GET', `/api/accounts/${encodeURI(id)}/sessions`),
      await bench.call('DELETE', `/api/accounts/${encodeURI(id)}/sessions`),
      await bench.call('DELETE', `/api/accounts/${encodeURI(id)}/sessions/x`),
    ]
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(404))
    expect(await bench.trail()).toEqual([])
  },
)

test('nothing is changed while the trail cannot be written', async () => {
  const bench = await open({ audit: { record: () => Promise.reject(new Error('read-only')) } })
  const sessionId = await bench.openSession('1')
  const answers = [
    await bench.call('POST', '/api/accounts', grace),
    await bench.call('PATCH', '/api/accounts/1', { isActive: false, password: 'a new secret' }),
    await bench.call('DELETE', '/api/accounts/1'),
    await bench.call('DELETE', `/api/accounts/1/sessions/${sessionId}`),
    await bench.call('DELETE', '/api/accounts/1/sessions'),
  ]
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(503))
  expect(await bench.accounts.list('0', 9)).toMatchObject([{ id: '1', isActive: true }])
  expect(await bench.sessions.list('1')).toHaveLength(1)
  const found = await bench.accounts.findByEmail('ada@example.org')
  expect(await hashing.verifyPassword(found?.storedPassword ?? '', 'zephyrin')).toMatchObject({
    kind: 'right',
  })
})
