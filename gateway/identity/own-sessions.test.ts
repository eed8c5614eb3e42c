import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'

interface Shown {
  readonly id: string
  readonly isCurrent: boolean
}

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
const password = 'the right password'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth()
  await auth.addAccount('ada@example.org', password)
  await auth.addAccount('bob@example.org', password)
})
afterAll(() => auth[Symbol.asyncDispose]())
beforeEach(() => Promise.all([auth.sessions.endAll('1'), auth.sessions.endAll('2')]))

async function logIn(email = 'ada@example.org', headers = {}): Promise<{ bearer: string; id: string }> {
  const { body } = await auth.send('/auth/login', { json: { email, password }, headers })
  return {
    bearer: `Bearer ${String(body.accessToken)}`,
    id: String(body.refreshToken).split('.')[1] as string,
  }
}
const list = (bearer: string): Promise<Answer> =>
  auth.send('/auth/sessions', { headers: { authorization: bearer } })
const end = (bearer: string, path: string, headers = {}): Promise<Answer> =>
  auth.send(path, { method: 'DELETE', headers: { authorization: bearer, ...headers } })
const idsIn = ({ body }: Answer): string[] => (body.sessions as Shown[]).map(({ id }) => id)

describe('GET /auth/sessions', () => {
  it('tells of each session by what, from where and since when, the newest first', async () => {
    const old = await logIn('ada@example.org', { 'user-agent': firefox })
    auth.clock.now += 600_000
    const current = await logIn()
    await logIn('bob@example.org')
    const answer = await list(current.bearer)
    expect(answer.headers['cache-control']).toBe('no-store')
    const at = (ms: number) => new Date(auth.clock.now + ms).toISOString()
    expect(answer.body).toEqual({
      sessions: [
        {
          id: current.id,
          device: null,
          address: '127.0.0.1',
          openedAt: at(0),
          lastSeenAt: at(0),
          expiresAt: at(7_200_000),
          isCurrent: true,
        },
        {
          id: old.id,
          device: 'Firefox (Linux)',
          address: '127.0.0.1',
          openedAt: at(-600_000),
          lastSeenAt: at(-600_000),
          expiresAt: at(6_600_000),
          isCurrent: false,
        },
      ],
    })
  })

  it('shows nothing that opens a session', async () => {
    const { body } = await auth.send('/auth/login', { json: { email: 'ada@example.org', password } })
    const answer = await list(`Bearer ${String(body.accessToken)}`)
    const [, , secret = 'none'] = String(body.refreshToken).split('.')
    expect(answer.text).not.toContain(secret)
    expect(answer.text).not.toContain(String(body.accessToken))
  })
})

describe('DELETE /auth/sessions/:id', () => {
  it('ends that session and no other', async () => {
    const [one, other] = [await logIn(), await logIn()]
    const answer = await end(one.bearer, `/auth/sessions/${other.id}`)
    expect([answer.status, answer.cookies]).toEqual([204, {}])
    expect((await list(other.bearer)).status).toBe(401)
    expect(idsIn(await list(one.bearer))).toEqual([one.id])
  })

  it('takes the cookies back when it was the session that asks', async () => {
    const { bearer, id } = await logIn()
    const answer = await end(bearer, `/auth/sessions/${id}`)
    expect(answer.status).toBe(204)
    expect(Object.values(answer.cookies)).toEqual(['', ''])
    expect((await list(bearer)).status).toBe(401)
  })

  it('does not know the sessions of others, nor what is none', async () => {
    const [ada, bob] = [await logIn(), await logIn('bob@example.org')]
    for (const id of [bob.id, 'x'.repeat(24), 'x', '%2a', `${ada.id}%00`, 'x'.repeat(90)]) {
      const answer = await end(ada.bearer, `/auth/sessions/${id}`)
      expect(answer.status, id).toBe(404)
    }
    expect((await list(bob.bearer)).status).toBe(200)
  })
})

describe('DELETE /auth/sessions', () => {
  it('ends all others and keeps the one that asks', async () => {
    const [one, other, current] = [await logIn(), await logIn(), await logIn()]
    const bob = await logIn('bob@example.org')
    expect((await end(current.bearer, '/auth/sessions')).status).toBe(204)
    expect(idsIn(await list(current.bearer))).toEqual([current.id])
    for (const { bearer } of [one, other]) expect((await list(bearer)).status).toBe(401)
    expect((await list(bob.bearer)).status).toBe(200)
  })
})

describe('whoever asks', () => {
  it.each([
    ['GET', '/auth/sessions'],
    ['DELETE', '/auth/sessions'],
    ['DELETE', `/auth/sessions/${'x'.repeat(24)}`],
  ])('needs a live session for %s %s', async (method, path) => {
    expect((await auth.send(path, { method })).status).toBe(401)
    const { bearer, id } = await logIn()
    await auth.sessions.end('1', id)
    expect((await auth.send(path, { method, headers: { authorization: bearer } })).status).toBe(401)
  })

  it('may not be a page of another site (L8)', async () => {
    const [one, other] = [await logIn(), await logIn()]
    for (const path of ['/auth/sessions', `/auth/sessions/${other.id}`]) {
      expect((await end(one.bearer, path, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    }
    expect((await list(other.bearer)).status).toBe(200)
  })

  it('is told when the sessions are away, not that there are none', async () => {
    const { bearer } = await logIn()
    const gone = () => Promise.reject(new Error('gone'))
    const sessions = { ...auth.sessions, list: gone, end: gone, endAll: gone }
    await using broken = await openAuth({ sessions, accounts: auth.accounts, tokens: auth.tokens })
    const headers = { authorization: bearer }
    for (const [method, path] of [
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions'],
      ['DELETE', `/auth/sessions/${'x'.repeat(24)}`],
    ] as const) {
      expect((await broken.send(path, { method, headers })).status).toBe(503)
    }
  })

  it('is refused once the account is disabled, with a token still good by date (J7)', async () => {
    const { bearer } = await logIn()
    await auth.accounts.update('1', { isActive: false })
    const answers = [await list(bearer), await auth.send('/auth/me', { headers: { authorization: bearer } })]
    await auth.accounts.update('1', { isActive: true })
    expect(answers.map(({ status }) => status)).toEqual([401, 401])
  })
})
