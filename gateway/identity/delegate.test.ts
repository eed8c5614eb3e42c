import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import type { Journey } from '../journey.ts'
import { walk } from '../steps.ts'
import { openAuth } from '../test/identity/open-auth.ts'
import { delegateLogin } from './delegate.step.ts'
import { type DelegateRules, readAnswer, typedAccount } from './delegate.ts'

const rules: DelegateRules = {
  path: '/login',
  method: 'POST',
  account: '/email',
  successStatus: 200,
  subject: '/user/id',
  email: '/user/email',
  firstName: null,
  lastName: null,
  redact: ['/user/password', '/rows/0/a~1b'],
  logout: [],
}
const json = (text: string, type = 'application/json') => ({
  status: 200,
  headers: { 'content-type': type },
  body: Buffer.from(text),
})
const textOf = (reading: ReturnType<typeof readAnswer>): string =>
  'body' in reading ? reading.body.toString() : reading.kind

describe('an answer to a login', () => {
  it('loses what must not leave, whatever it calls itself, and keeps its numbers', () => {
    const text = '{"user":{"id":90071992547409931234,"password":"x"},"rows":[{"a/b":1,"c":1.0}]}'
    for (const type of ['application/json', 'text/html']) {
      const reading = readAnswer(rules, json(text, type))
      expect(reading).toMatchObject({ kind: 'logged-in', person: { subject: '90071992547409931234' } })
      expect(textOf(reading)).toBe('{"user":{"id":90071992547409931234},"rows":[{"c":1.0}]}')
    }
  })

  it('stays byte for byte when nothing must be kept back', () => {
    const text = '{ "user" : {"id": 7} }'
    expect(textOf(readAnswer({ ...rules, redact: [] }, json(text)))).toBe(text)
  })

  it('loses it also where a member comes twice, or behind a byte order mark', () => {
    const twice = '{"user":{"password":"x"},"user":{"id":7}}'
    expect(textOf(readAnswer(rules, json(twice)))).toBe('{"user":{"id":7}}')
    const marked = '\ufeff{"user":{"id":7,"password":"x"}}'
    expect(textOf(readAnswer(rules, json(marked, 'text/plain')))).toBe('{"user":{"id":7}}')
  })

  it('names nobody by a field that is empty, no text, or not its own', () => {
    for (const id of ['null', '""', 'true', '{}', '" "', '"a\\u0000b"']) {
      expect(readAnswer(rules, json(`{"user":{"id":${id}}}`)).kind).toBe('unnamed')
    }
    expect(readAnswer({ ...rules, subject: '/constructor/name' }, json('{}')).kind).toBe('unnamed')
    expect(readAnswer(rules, json('[]')).kind).toBe('unnamed')
  })

  it('is withheld when it says to be JSON and is none, or is packed', () => {
    expect(readAnswer(rules, json('{"user":')).kind).toBe('unreadable')
    expect(readAnswer(rules, json('{}\n{}', 'application/x-ndjson')).kind).toBe('unreadable')
    expect(readAnswer(rules, json('called({})', 'text/javascript')).kind).toBe('unreadable')
    const packed = { status: 200, headers: { 'content-encoding': 'br' }, body: Buffer.from([1, 2, 3]) }
    expect(readAnswer(rules, packed).kind).toBe('unreadable')
  })
})

it('the account is found in JSON and in forms, or is not', () => {
  const form = 'application/x-www-form-urlencoded'
  expect(typedAccount(rules, 'application/json', Buffer.from('{"email":"a@b.c"}'))).toBe('a@b.c')
  expect(typedAccount(rules, form, Buffer.from('x=1&email=a%40b.c'))).toBe('a@b.c')
  expect(typedAccount(rules, 'application/json', Buffer.from('{"email":{"$gt":""}}'))).toBe(null)
  expect(typedAccount(rules, 'text/plain', Buffer.from('email'))).toBe(null)
})

it('a form that names two accounts is refused: guesses at one would count for the other', () => {
  const form = 'application/x-www-form-urlencoded'
  expect(() => typedAccount(rules, form, Buffer.from('email=x&email=ada%40b.c'))).toThrow('Send email once.')
})

it('an account that is disabled while its login is under way gets no session', async () => {
  await using auth = await openAuth()
  const accounts = {
    ...auth.accounts,
    async findById(id: string) {
      await auth.accounts.update(id, { isActive: false })
      return auth.accounts.findById(id)
    },
  }
  await using app = Fastify()
  app.decorateRequest('journey', null as unknown as Journey)
  app.addHook('onRequest', async (request) => {
    const route = { crossSite: 'refuse' }
    request.journey = {
      path: '/login',
      address: '192.0.2.1',
      caller: { kind: 'anonymous' },
      route,
    } as Journey
  })
  const answer = json('{"user":{"id":7,"email":"ada@example.org"}}')
  app.addHook(
    'onRequest',
    walk([
      delegateLogin({
        rules,
        accounts,
        sessions: auth.sessions,
        tokens: auth.tokens,
        cookies: auth.cookies,
        sessionLifetimeMs: 60_000,
        idleLifetimeMs: 60_000,
        now: () => auth.clock.now,
        admitLogin: async () => async () => undefined,
        loginDelays: { begin: async () => 0, takeBack: async () => undefined, forget: async () => undefined },
        networkOf: (address) => `a:${address}`,
        upstream: {
          readBody: async () => Buffer.from('{"email":"ada@example.org"}'),
          ask: async () => answer,
          send: (reply, { body }) => reply.send(body),
        },
      }),
    ]),
  )
  app.post('/login', () => 'never')
  const refused = await app.inject({ method: 'POST', url: '/login' })
  expect(refused.headers['set-cookie']).toBe(undefined)
  expect(refused.body).toContain('do not match an active account')
  expect(await auth.sessions.count()).toBe(0)
})
