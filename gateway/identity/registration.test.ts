import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createPasswordHashing } from './password-hashing.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth({ hashing: createPasswordHashing({ memoryKib: 64, passes: 1 }) })
  await auth.addAccount('taken@example.org', 'the right password')
})
afterAll(() => auth[Symbol.asyncDispose]())
beforeEach(() => {
  auth.sent.length = 0
})

const zoe = { firstName: 'Zoé', lastName: 'Zéphyr', password: 'quatre mots bien longs' }
const register = (email: string, more = {}): Promise<Answer> =>
  auth.send('/auth/register', { json: { ...zoe, email, ...more } })
const activate = (email: string, code: string | undefined): Promise<Answer> =>
  auth.send('/auth/activate', { json: { email, code } })
const resend = (email: string): Promise<Answer> => auth.send('/auth/activate/resend', { json: { email } })
const logIn = (email: string, password = zoe.password): Promise<Answer> =>
  auth.send('/auth/login', { json: { email, password } })

/** The code of the newest mail to this address. */
function codeTo(email: string): string {
  const found = auth.sent.findLast(({ to }) => to.email === email)?.mail
  if (found?.kind !== 'activation') throw new Error(`no code was sent to ${email}`)
  return found.code
}

/** An answer without what differs from one to the next. */
const shown = ({ status, headers: { date: _date, ...headers }, text }: Answer) => ({
  status,
  headers,
  text: text.replace(/"requestId":"[^"]*"/, ''),
})

const wrongCode = { status: 400, body: { code: 'invalid-code' } }

describe('registering', () => {
  it('makes an account of a person once the code from the mail came back', async () => {
    expect((await register(' ZOE@Example.org ')).status).toBe(202)
    const [mail] = auth.sent
    expect(mail).toEqual({
      to: { email: 'zoe@example.org', firstName: 'Zoé', language: 'en' },
      mail: {
        kind: 'activation',
        code: expect.stringMatching(/^\d{6}$/),
        link: `http://etu.example/auth/activate?email=zoe%40example.org&code=${codeTo('zoe@example.org')}`,
      },
    })
    expect((await logIn('zoe@example.org')).status).toBe(401)
    expect(await auth.accounts.findByEmail('zoe@example.org')).toBe(null)

    const answer = await activate('zoe@example.org', codeTo('zoe@example.org'))
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(await auth.accounts.findByEmail('zoe@example.org')).toMatchObject({
      account: { firstName: 'Zoé', lastName: 'Zéphyr', role: 'user', isActive: true },
    })
    expect((await logIn('zoe@example.org')).status).toBe(200)
  })

  it('answers the same for a free, a pending and a taken address, resends and guesses included', async () => {
    await register('pending@example.org')
    const emails = ['free@example.org', 'pending@example.org', 'taken@example.org']
    for (const ask of [
      (email: string) => activate(email, '000000'),
      resend,
      (email: string) => register(email),
    ]) {
      const answers = []
      for (const email of emails) answers.push(shown(await ask(email)))
      for (const answer of answers) expect(answer).toEqual(answers[0])
    }
  })

  it('hashes everybody’s password, so that nobody’s answer is cheaper', async () => {
    let hashed = 0
    const hashPassword = (password: string) => {
      hashed++
      return auth.hashing.hashPassword(password)
    }
    const { accounts, codes, oneTimeCodes } = auth
    const hashing = { ...auth.hashing, hashPassword }
    await using counting = await openAuth({ accounts, codes, oneTimeCodes, hashing })
    for (const email of ['free@example.org', 'pending@example.org', 'taken@example.org']) {
      await counting.send('/auth/register', { json: { ...zoe, email } })
      await counting.send('/auth/reset', { json: { email, code: '000000', password: zoe.password } })
    }
    expect(hashed).toBe(6)
  })

  it('tells the owner of a taken address, by the name that the owner has', async () => {
    await register('taken@example.org', { firstName: 'Eve' })
    expect(auth.sent).toEqual([
      {
        to: { email: 'taken@example.org', firstName: 'Ada', language: 'en' },
        mail: {
          kind: 'already-registered',
          loginLink: 'http://etu.example/auth/login',
          resetLink: 'http://etu.example/auth/forgot?email=taken%40example.org',
        },
      },
    ])
    await resend('taken@example.org')
    expect(auth.sent).toHaveLength(1)
    expect((await logIn('taken@example.org', 'the right password')).status).toBe(200)
  })

  it('writes in the language of the reader', async () => {
    const json = { ...zoe, email: 'fr@example.org' }
    await auth.send('/auth/register', { json, headers: { 'accept-language': 'fr-CA' } })
    expect(auth.sent[0]?.to.language).toBe('fr')
  })

  it('sends five mails an hour to an address, whoever asks for them, and answers as ever', async () => {
    for (let i = 0; i < 4; i++) expect((await register('flooded@example.org')).status).toBe(202)
    for (let i = 0; i < 3; i++) expect((await resend('flooded@example.org')).status).toBe(202)
    for (let i = 0; i < 7; i++) expect((await register('taken@example.org')).status).toBe(202)
    const to = (email: string) => auth.sent.filter((mail) => mail.to.email === email).length
    expect(to('flooded@example.org')).toBe(5)
    expect(to('taken@example.org')).toBeLessThanOrEqual(5)
    expect((await activate('flooded@example.org', codeTo('flooded@example.org'))).status).toBe(204)
  })

  it('goes on with the newest mail and the newest password alone', async () => {
    await register('twice@example.org', { password: 'the attacker chose it' })
    const old = codeTo('twice@example.org')
    await register('twice@example.org')
    expect(await activate('twice@example.org', old)).toMatchObject(wrongCode)
    expect((await activate('twice@example.org', codeTo('twice@example.org'))).status).toBe(204)
    expect((await logIn('twice@example.org', 'the attacker chose it')).status).toBe(401)
    expect((await logIn('twice@example.org')).status).toBe(200)
  })

  it('of two that race, one is good, with its own password', async () => {
    const passwords = ['the first of the two', 'the second of the two']
    await Promise.all(passwords.map((password) => register('race@example.org', { password })))
    const codes = auth.sent.map(({ mail }) => (mail.kind === 'activation' ? mail.code : ''))
    const answers = []
    for (const code of codes) answers.push((await activate('race@example.org', code)).status)
    expect(answers.toSorted()).toEqual([204, 400])
    const logins = await Promise.all(passwords.map((password) => logIn('race@example.org', password)))
    expect(logins.map(({ status }) => status).toSorted()).toEqual([200, 401])
  })

  it('is refused with every field that is wrong and its cure, whoever has the address', async () => {
    const bad = { firstName: ' ', lastName: 'a\0b', password: 'password' }
    const [free, taken] = [await register('any@example.org', bad), await register('taken@example.org', bad)]
    expect(free).toMatchObject({
      status: 400,
      body: {
        code: 'invalid-body',
        problems: {
          firstName: 'The name is empty.',
          lastName: 'The name contains a control character.',
          password: expect.stringMatching(/most common/),
        },
      },
    })
    expect(shown(taken)).toEqual(shown(free))
    expect(auth.sent).toEqual([])
  })

  it.each([
    [{ email: 'a@example.org' }, /firstName and lastName and password missing|firstName.* missing/],
    [{ ...zoe, email: 7 }, /email is not a text/],
    [{ ...zoe, email: 'a@example.org', role: 'admin' }, /Unknown field "role"/],
    [null, /not an object/],
  ])('%j is no registration', async (json, detail) => {
    const answer = await auth.send('/auth/register', { json })
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringMatching(detail) } })
  })
})

describe('names and addresses that break things (L4, L11)', () => {
  it.each(['josé', 'ß', 'ı', 'zero\u200bwidth', 'а', 'nul\0', "o'; DROP--", 'a\r\nBcc: x'])(
    'the address %j@… is an account of its own or refused',
    async (local) => {
      await register('jose@example.org')
      auth.sent.length = 0
      const { status } = await register(`${local}@example.org`)
      expect([202, 400]).toContain(status)
      for (const { to } of auth.sent) expect(to.email).not.toMatch(/[\r\n\0]|^jose@|^ss@|^i@|^a@/)
    },
  )

  it('one person in two spellings is one account', async () => {
    await register('ＮＯＲＡ@Example.org ')
    expect((await activate(' nora@EXAMPLE.org', codeTo('nora@example.org'))).status).toBe(204)
    await register('nora@example.org')
    expect(auth.sent.at(-1)?.mail.kind).toBe('already-registered')
  })

  it.each(['👩‍👩‍👧‍👦', '<b>"&\'</b>', "'; DROP TABLE utilisateurs; --", '{{7*7}}<%= 7*7 %>%s%n', 'مريم'])(
    'the name %j is kept as it is',
    async (name) => {
      const email = `n${Buffer.from(name).toString('hex').slice(0, 40)}@example.org`
      await register(email, { firstName: name, lastName: name })
      expect((await activate(email, codeTo(email))).status).toBe(204)
      expect(await auth.accounts.findByEmail(email)).toMatchObject({
        account: { firstName: name, lastName: name },
      })
    },
  )

  it.each(['\ud800', '\u202eadA', 'x'.repeat(101), '\0'])('the name %j is refused', async (name) => {
    expect((await register('odd@example.org', { firstName: name })).status).toBe(400)
  })

  it.each([' zéphyrs\0\n ', '🦊'.repeat(8), 'z'.repeat(200)])(
    'the password %j is used as typed',
    async (password) => {
      const email = `p${password.length}@example.org`
      await register(email, { password })
      await activate(email, codeTo(email))
      expect((await logIn(email, password)).status).toBe(200)
      expect((await logIn(email, password.trim().slice(0, 7))).status).toBe(401)
    },
  )
})

describe('a code', () => {
  it.each([undefined, '', '12345', '１２３４５６x', "' OR 1=1", '\0', '9'.repeat(9_000)])(
    '%.20j is wrong and takes no try',
    async (code) => {
      await register('odd-code@example.org')
      const right = codeTo('odd-code@example.org')
      for (let i = 0; i < 6; i++) {
        expect((await activate('odd-code@example.org', code)).status).toBe(400)
      }
      expect((await activate('odd-code@example.org', right)).status).toBe(204)
      await auth.database.exec("DELETE FROM utilisateurs WHERE email = 'odd-code@example.org'")
      await auth.database.exec('DELETE FROM guichet_codes')
    },
  )

  it('is dead after five tries, and a new one is good', async () => {
    await register('tries@example.org')
    const right = codeTo('tries@example.org')
    const other = right === '000000' ? '000001' : '000000'
    for (let i = 0; i < 5; i++) expect(await activate('tries@example.org', other)).toMatchObject(wrongCode)
    expect(await activate('tries@example.org', right)).toMatchObject(wrongCode)
    await resend('tries@example.org')
    expect((await activate('tries@example.org', codeTo('tries@example.org'))).status).toBe(204)
  })

  it('is good for ten minutes', async () => {
    await register('late@example.org')
    const code = codeTo('late@example.org')
    auth.clock.now += 600_000
    expect(await activate('late@example.org', code)).toMatchObject(wrongCode)
    await resend('late@example.org')
    auth.clock.now += 599_999
    expect((await activate('late@example.org', codeTo('late@example.org'))).status).toBe(204)
  })

  it('of ten activations at once makes one account', async () => {
    await register('parallel@example.org')
    const code = codeTo('parallel@example.org')
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => activate('parallel@example.org', code)),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(9).fill(400)])
  })

  it('is wrong when somebody else has the address by now', async () => {
    await register('meanwhile@example.org')
    const code = codeTo('meanwhile@example.org')
    await auth.addAccount('meanwhile@example.org', 'made by an operator')
    expect(await activate('meanwhile@example.org', code)).toMatchObject(wrongCode)
    expect((await logIn('meanwhile@example.org', 'made by an operator')).status).toBe(200)
  })

  it('is not spent by looking at its link, however often', async () => {
    await register('scanned@example.org')
    const code = codeTo('scanned@example.org')
    for (let i = 0; i < 10; i++) {
      const { status, text } = await auth.send(`/auth/activate?email=scanned%40example.org&code=${code}`)
      expect(status).toBe(200)
      expect(text).toContain(`value="${code}"`)
    }
    await auth.send(`/auth/activate?email=scanned%40example.org&code=${code}`, { method: 'HEAD' })
    expect((await activate('scanned@example.org', code)).status).toBe(204)
  })
})

describe('who may ask', () => {
  it('no other site (L8)', async () => {
    for (const path of ['/auth/register', '/auth/activate', '/auth/activate/resend']) {
      for (const body of [{ json: {} }, { form: {} }]) {
        const answer = await auth.send(path, { ...body, headers: { 'sec-fetch-site': 'cross-site' } })
        expect(answer.status).toBe(403)
      }
    }
  })

  it('each address as often as it may log in, before anything is hashed, kept or sent', async () => {
    const refused = () => Promise.reject(new GatewayError('quota-exceeded', { retryAfterSeconds: 42 }))
    await using limited = await openAuth({ admitLogin: refused })
    for (const [path, json] of [
      ['/auth/register', { ...zoe, email: 'a@example.org' }],
      ['/auth/activate', { email: 'a@example.org', code: '123456' }],
      ['/auth/activate/resend', { email: 'a@example.org' }],
    ] as const) {
      const answer = await limited.send(path, { json })
      expect([answer.status, answer.headers['retry-after']]).toEqual([429, '42'])
    }
    expect(limited.sent).toEqual([])
    auth.asked.length = 0
    await register('counted@example.org')
    expect(auth.asked).toEqual([{ email: null, address: '127.0.0.1' }])
  })

  it.each([{ isRegistrationOpen: false }, { mails: null }])(
    'nobody where it is closed: %j',
    async (closed) => {
      await using bench = await openAuth(closed)
      for (const path of ['/auth/register', '/auth/activate', '/auth/activate/resend']) {
        expect((await bench.send(path, { json: {} })).status).toBe(404)
        expect((await bench.send(path)).status).toBe(404)
      }
      expect((await bench.send('/auth/login')).text).not.toContain('/auth/register')
    },
  )
})

describe('when something is away or busy', () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED'))

  it.each(['findByEmail', 'issue', 'spend', 'renew'] as const)(
    '%s: 503 with a short Retry-After',
    async (name) => {
      await using broken = await openAuth({
        accounts: { ...auth.accounts, ...(name === 'findByEmail' && { [name]: away }) },
        codes: { issue: away, spend: away, renew: away, forget: away },
      })
      const [path, json] = {
        findByEmail: ['/auth/register', { ...zoe, email: 'a@example.org' }] as const,
        issue: ['/auth/register', { ...zoe, email: 'a@example.org' }] as const,
        spend: ['/auth/activate', { email: 'a@example.org', code: '123456' }] as const,
        renew: ['/auth/activate/resend', { email: 'a@example.org' }] as const,
      }[name]
      const answer = await broken.send(path, { json })
      expect(answer).toMatchObject({ status: 503, body: { code: 'store-unavailable' } })
      expect(answer.headers['retry-after']).toBe('2')
      expect(answer.text).not.toContain('ECONNREFUSED')
      expect(broken.sent).toEqual([])
    },
  )

  it('too many passwords to hash: 503, and nothing is sent', async () => {
    const hashPassword = () => Promise.reject(new GatewayError('overloaded', { retryAfterSeconds: 1 }))
    await using busy = await openAuth({ hashing: { ...auth.hashing, hashPassword } })
    const answer = await busy.send('/auth/register', { json: { ...zoe, email: 'a@example.org' } })
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1'])
    expect(busy.sent).toEqual([])
  })
})
