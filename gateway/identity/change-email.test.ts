import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'

const password = 'the right password'

let auth: AuthBench
let id = ''
let people = 0
let [oldEmail, newEmail, access] = ['', '', '']
beforeAll(async () => {
  auth = await openAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())
beforeEach(async () => {
  auth.sent.length = 0
  oldEmail = `old${++people}@example.org`
  newEmail = `new${people}@example.org`
  id = (await auth.addAccount(oldEmail, password)).id
  access = await logIn()
})

async function logIn(email = oldEmail): Promise<string> {
  const { body } = await auth.send('/auth/login', { json: { email, password } })
  return String(body.accessToken)
}
const headers = () => ({ authorization: `Bearer ${access}` })
const ask = (email = newEmail, more: object = {}, bench = auth): Promise<Answer> =>
  bench.send('/auth/me', {
    method: 'PATCH',
    json: { email, currentPassword: password, ...more },
    headers: headers(),
  })
const confirm = (code: string): Promise<Answer> =>
  auth.send('/auth/me/email', { json: { code }, headers: headers() })
const emailNow = async () => (await auth.accounts.findById(id))?.email
const mailedCode = (): string => {
  const mail = auth.sent.findLast(({ to }) => to.email === newEmail)?.mail
  if (mail?.kind !== 'email-change') throw new Error('no code was mailed')
  expect(mail.link).toBe(`http://etu.example/auth/me/email?code=${mail.code}`)
  return mail.code
}

it('a new address is taken once the code that was mailed to it comes back; the old one is told', async () => {
  const answer = await ask(` NEW${people}@Example.org`, { firstName: 'Augusta' })
  expect(answer.status).toBe(202)
  const shown = { id, firstName: 'Augusta', lastName: 'Lovelace', email: oldEmail, role: 'user' }
  expect(answer.body).toEqual({ ...shown, pendingEmail: newEmail })
  expect(await emailNow()).toBe(oldEmail)
  const code = mailedCode()
  auth.sent.length = 0
  const confirmed = await confirm(code)
  expect([confirmed.status, confirmed.body]).toEqual([200, { ...shown, email: newEmail }])
  expect(await emailNow()).toBe(newEmail)
  expect(auth.sent).toEqual([
    {
      to: { email: oldEmail, firstName: 'Augusta', language: 'en' },
      mail: { kind: 'email-changed', newEmail },
    },
  ])
  expect((await auth.send('/auth/login', { json: { email: newEmail, password } })).status).toBe(200)
  expect((await auth.send('/auth/login', { json: { email: oldEmail, password } })).status).toBe(401)
})

it('a code works once, and only for the account that asked', async () => {
  await ask()
  const code = mailedCode()
  const ownAccess = access
  await auth.addAccount(`thief${people}@example.org`, password)
  access = await logIn(`thief${people}@example.org`)
  expect((await confirm(code)).status).toBe(400)
  access = ownAccess
  expect((await confirm(code)).status).toBe(200)
  expect((await confirm(code)).status).toBe(400)
})

it.each(['', '12345', 'x', '１２３', '\0', '<script>', '9'.repeat(5_000)])(
  '%.20j is no code',
  async (code) => {
    await ask()
    const answer = await confirm(code)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: 'invalid-code' })
    // It takes none of the tries.
    expect((await confirm(mailedCode())).status).toBe(200)
  },
)

it('the fifth wrong code is the last try', async () => {
  await ask()
  const code = mailedCode()
  const wrong = code === '000000' ? '000001' : '000000'
  for (let i = 0; i < 5; i++) expect((await confirm(wrong)).status).toBe(400)
  expect((await confirm(code)).status).toBe(400)
  expect(await emailNow()).toBe(oldEmail)
})

it('a code is good for ten minutes', async () => {
  await ask()
  const code = mailedCode()
  auth.clock.now += 600_001
  expect((await confirm(code)).status).toBe(400)
})

it("somebody else's address gets the same answer; its owner alone learns of it", async () => {
  const taken = `taken${people}@example.org`
  await auth.addAccount(taken, password)
  const free = await ask()
  const answer = await ask(taken)
  const shown = ({
    status,
    headers: { date: _date, 'content-length': _length, ...others },
    body,
  }: Answer) => ({
    status,
    headers: others,
    body: { ...body, pendingEmail: '' },
  })
  expect(shown(answer)).toEqual(shown(free))
  expect(auth.sent.filter(({ to }) => to.email === taken).map(({ mail }) => mail.kind)).toEqual([
    'already-registered',
  ])
})

it('an address that was taken meanwhile is a wrong code', async () => {
  await ask()
  await auth.addAccount(newEmail, password)
  const answer = await confirm(mailedCode())
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid-code'])
  expect(await emailNow()).toBe(oldEmail)
})

it('the password is asked for, and nothing is changed or mailed with a wrong one', async () => {
  const answer = await ask(newEmail, { currentPassword: 'wrong', firstName: 'Augusta' })
  expect([answer.status, answer.body.code]).toEqual([401, 'invalid-credentials'])
  expect(auth.sent).toEqual([])
  expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada' })
})

it("one's own address in another spelling is no change", async () => {
  const answer = await auth.send('/auth/me', {
    method: 'PATCH',
    json: { email: ` OLD${people}@example.org ` },
    headers: headers(),
  })
  expect([answer.status, answer.body.email]).toEqual([200, oldEmail])
  expect(auth.sent).toEqual([])
})

it('no more than five codes are mailed in an hour', async () => {
  for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(202)
  const answer = await ask(newEmail, { firstName: 'Augusta' })
  expect([answer.status, answer.headers['retry-after']]).toEqual([429, '3600'])
  expect(auth.sent).toHaveLength(5)
  expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada' })
})

it('a new password makes the code for another address worthless, and a new address the one for a password', async () => {
  await ask()
  const json = { currentPassword: password, newPassword: 'a newer password' }
  await auth.send('/auth/password', { json, headers: headers() })
  expect((await confirm(mailedCode())).status).toBe(400)
  const reset = async () => {
    await auth.send('/auth/forgot', { json: { email: oldEmail } })
    const mail = auth.sent.findLast(({ mail: { kind } }) => kind === 'password-reset')?.mail
    return mail?.kind === 'password-reset' ? mail.code : ''
  }
  const code = await reset()
  await ask(newEmail, { currentPassword: 'a newer password' })
  expect((await confirm(mailedCode())).status).toBe(200)
  const answer = await auth.send('/auth/reset', { json: { email: newEmail, code, password: 'stolen it is' } })
  expect(answer.body.code).toBe('invalid-code')
})

it('a gateway without mails says whom to ask, and changes names all the same', async () => {
  await using mute = await openAuth({
    mails: null,
    accounts: auth.accounts,
    tokens: auth.tokens,
    sessions: auth.sessions,
  })
  const answer = await ask(newEmail, {}, mute)
  expect(answer.status).toBe(409)
  expect(answer.body.detail).toMatch(/Ask its operator/)
  const named = await mute.send('/auth/me', { method: 'PATCH', json: { firstName: 'A' }, headers: headers() })
  expect(named.status).toBe(200)
})

it('the link of the mail shows a page with a button; looking spends nothing, pressing confirms', async () => {
  await ask()
  const code = mailedCode()
  const cookie = `${auth.cookies.names.access}=${access}`
  const look = () => auth.send(`/auth/me/email?code=${code}&lang=fr`, { headers: { cookie } })
  await look()
  const page = await look()
  expect(page.status).toBe(200)
  expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  expect(page.text).toContain('Confirmer l’adresse')
  expect(page.text).toContain(`value="${code}"`)
  const press = (typed: string) =>
    auth.send('/auth/me/email', { form: { code: typed, lang: 'fr' }, headers: { cookie } })
  const wrong = await press(code === '000000' ? '000001' : '000000')
  expect(wrong.status).toBe(400)
  expect(wrong.text).toContain('Ce code est faux')
  const pressed = await press(code)
  expect([pressed.status, pressed.headers.location]).toEqual([303, '/auth/account?notice=email'])
  expect(await emailNow()).toBe(newEmail)
})

it('whoever follows the link without a session logs in first and comes back to it', async () => {
  const answer = await auth.send('/auth/me/email?code=123456', {
    headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  })
  expect([answer.status, answer.headers.location]).toEqual([
    303,
    `/auth/login?return_to=${encodeURIComponent('/auth/me/email?code=123456')}`,
  ])
})
