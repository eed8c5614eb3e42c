import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { scriptedPageSecurityPolicy } from '../page.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createPasswordHashing } from './password-hashing.ts'

const password = ' the right password '
const hashing = createPasswordHashing({ memoryKib: 64, passes: 1 })

let auth: AuthBench
let id = ''
let people = 0
let email = ''
let cookie = ''
beforeAll(async () => {
  auth = await openAuth({ hashing })
})
afterAll(() => auth[Symbol.asyncDispose]())
beforeEach(async () => {
  email = `ada${++people}@example.org`
  id = (await auth.addAccount(email, password)).id
  cookie = await logIn()
})

async function logIn(userAgent = 'curl/8'): Promise<string> {
  auth.clock.now += 1_000
  const { cookies } = await auth.send('/auth/login', {
    json: { email, password },
    headers: { 'user-agent': userAgent },
  })
  const { access } = auth.cookies.names
  return `${access}=${cookies[access]}`
}

const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }
const open = (path = '/auth/account', bench = auth): Promise<Answer> =>
  bench.send(path, { headers: { ...navigation, cookie } })
const submit = (path: string, form: Record<string, string> = {}, bench = auth): Promise<Answer> =>
  bench.send(`/auth/account${path}`, { form, headers: { ...navigation, cookie } })
const isAlive = async (held: string): Promise<boolean> =>
  (await auth.send('/auth/me', { headers: { cookie: held } })).status === 200
const leadsTo = ({ status, headers }: Answer) => [status, headers.location]

/** The field's tag, what is said of it, and whether its fold is open. */
function fieldOf({ text }: Answer, name: string) {
  const tag = new RegExp(`<input id="${name}"[^>]*>`).exec(text)?.[0] ?? ''
  const describers = /aria-describedby="([^"]*)"/.exec(tag)?.[1]?.split(' ') ?? []
  const fold = text
    .slice(0, text.indexOf(tag))
    .match(/<details( open)?>/g)
    ?.at(-1)
  return {
    isInvalid: tag.includes('aria-invalid="true"'),
    hasFocus: tag.includes('autofocus'),
    isOpen: fold === '<details open>',
    value: /value="([^"]*)"/.exec(tag)?.[1],
    said: describers.map((each) => new RegExp(`id="${each}"[^>]*>([^<]*)<`).exec(text)?.[1]),
  }
}
const refusedField = (...said: unknown[]) =>
  expect.objectContaining({ isInvalid: true, hasFocus: true, isOpen: true, said })

describe('GET /auth/account', () => {
  it('says who one is, what is left and where one is logged in, and lets only our own script run', async () => {
    await logIn('Mozilla/5.0 (iPhone; CPU) Version/17.0 Mobile Safari/604.1')
    const page = await open()
    expect(page.status).toBe(200)
    expect(page.headers['content-security-policy']).toBe(scriptedPageSecurityPolicy)
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.text).toContain('<dd>Ada Lovelace</dd>')
    expect(page.text).toContain(`<dd>${email}</dd>`)
    expect(page.text).toContain('<h2>Calls</h2>')
    const sessions = page.text.match(/<li>[\s\S]*?<\/li>/g) ?? []
    expect(sessions).toHaveLength(2)
    expect(sessions[0]).toMatch(
      /Safari \(iPhone\)[\s\S]*127\.0\.0\.1[\s\S]*15 Jan 2027, 08:\d\d UTC[\s\S]*>End</,
    )
    expect(sessions[1]).toMatch(/curl[\s\S]*this session/)
    expect(sessions[1]).not.toContain('<button')
  })

  it('shows nothing as HTML that came from outside', async () => {
    await auth.accounts.update(id, { firstName: '<script>alert(1)</script>', lastName: '"><b>' })
    const { text } = await open('/auth/account?notice=%3Cscript%3E&lang=%3Cscript%3E')
    expect(text).not.toMatch(/<script|<b>/)
  })

  it('sends a person without a session to the login and back, and answers 401 to a program', async () => {
    const bare = await auth.send('/auth/account?lang=fr', { headers: navigation })
    expect(leadsTo(bare)).toEqual([303, '/auth/login?return_to=%2Fauth%2Faccount%3Flang%3Dfr'])
    expect((await auth.send('/auth/account')).status).toBe(401)
    await auth.sessions.endAll(id)
    expect(leadsTo(await open())).toEqual([303, '/auth/login?return_to=%2Fauth%2Faccount'])
  })

  it('shows the calls alone to a caller whom another issuer knows', async () => {
    const caller = {
      ...{ kind: 'connected', accountId: 'campus:7', sessionId: null, role: 'user', plan: null },
      ...{ email: 'eve@campus.example', firstName: 'Eve', lastName: '' },
    } as const
    const tokens = { ...auth.tokens, verifyAccessToken: () => ({ kind: 'valid', caller }) as never }
    await using foreign = await openAuth({ tokens, hashing })
    const page = await foreign.send('/auth/account', { headers: { authorization: 'Bearer x' } })
    expect(page.status).toBe(200)
    expect(page.text).toContain('<h2>Calls</h2>')
    expect(page.text).not.toMatch(/<form|<li>|delete/)
    const press = { form: {}, headers: { authorization: 'Bearer x' } }
    expect((await foreign.send('/auth/account/sessions/end-others', press)).status).toBe(303)
  })

  it('speaks French and English, as asked', async () => {
    const page = await auth.send('/auth/account', { headers: { cookie, 'accept-language': 'fr-CA' } })
    expect(page.text).toMatch(/<html lang="fr">[\s\S]*<h1>Mon compte<\/h1>/)
    const switched = await open('/auth/account?lang=fr')
    expect(switched.cookies).toEqual({ '__Host-guichet-language': 'fr' })
    expect(switched.text).toContain('href="/auth/account?lang=en"')
  })
})

describe('the form of the names', () => {
  it('changes them and comes back with a word about it', async () => {
    const answer = await submit('/name', { lang: 'fr', firstName: ' Augusta ', lastName: 'King' })
    expect(leadsTo(answer)).toEqual([303, '/auth/account?notice=name'])
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Augusta', lastName: 'King' })
    expect((await open('/auth/account?notice=name&lang=fr')).text).toMatch(/role="status"[^>]*>Votre nom est/)
  })

  it('comes back open, with what was typed and what would be right', async () => {
    const answer = await submit('/name', { lang: 'en', firstName: 'Augusta', lastName: ' ' })
    expect(answer.status).toBe(400)
    expect(fieldOf(answer, 'name-firstName')).toMatchObject({ value: 'Augusta', isInvalid: false })
    expect(fieldOf(answer, 'name-lastName')).toEqual(
      refusedField('Enter a last name of 100 characters at most.', 'Correct what is marked.'),
    )
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada' })
  })
})

it('the address of a form that came back leads to the page', async () => {
  for (const form of ['name', 'email', 'password']) {
    expect(leadsTo(await open(`/auth/account/${form}`))).toEqual([303, '/auth/account'])
  }
})

it('says that a store is away, and takes no cookie back for it', async () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
  const stores = [
    { ...auth, sessions: { ...auth.sessions, isAlive: away, list: away } },
    { ...auth, accounts: { ...auth.accounts, findById: away } },
  ]
  for (const store of stores) {
    await using broken = await openAuth({ ...store, hashing })
    const page = await open('/auth/account', broken)
    expect([page.status, page.cookies]).toEqual([503, {}])
    expect(page.text).toMatch(/<h1>/)
    expect((await submit('/name', { firstName: 'A', lastName: 'B' }, broken)).status).toBe(503)
  }
})

describe('the form of the e-mail', () => {
  const change = (newEmail: string, currentPassword = password) =>
    submit('/email', { lang: 'en', email: newEmail, currentPassword })

  it('mails a code to the new address, and leads on to where it is typed', async () => {
    const newEmail = `new-${email}`
    expect(leadsTo(await change(newEmail))).toEqual([303, '/auth/me/email?notice=sent'])
    expect((await open('/auth/me/email?notice=sent')).text).toMatch(
      /role="status"[^>]*>An e.mail with a code/,
    )
    const { to, mail } = auth.sent.at(-1) ?? {}
    expect(to?.email).toBe(newEmail)
    const code = mail?.kind === 'email-change' ? mail.code : ''
    const confirmed = await auth.send('/auth/me/email', {
      form: { code },
      headers: { ...navigation, cookie },
    })
    expect(leadsTo(confirmed)).toEqual([303, '/auth/account?notice=email'])
    expect((await open()).text).toContain(`<dd>${newEmail}</dd>`)
  })

  it('says at its field what is wrong', async () => {
    const right = 'Enter another address than the present one, such as name@example.org.'
    for (const typed of ['nobody', email.toUpperCase()]) {
      const answer = await change(typed)
      expect(fieldOf(answer, 'email-email')).toEqual(refusedField(right, 'Correct what is marked.'))
      expect(fieldOf(answer, 'email-email').value).toBe(typed)
    }
    const wrong = await change(`new-${email}`, 'a wrong password')
    expect(wrong.status).toBe(400)
    expect(fieldOf(wrong, 'email-currentPassword')).toEqual(
      refusedField(expect.stringMatching(/not your current password/), 'Correct what is marked.'),
    )
    expect(wrong.text).not.toContain('a wrong password')
  })

  it('says when too many codes were mailed', async () => {
    for (let i = 0; i < 5; i++) await change(`new${i}-${email}`)
    const answer = await change(`new-${email}`)
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '3600'])
    expect(answer.text).toMatch(/role="alert"[^>]*>Too many attempts. Try again in 1 h\./)
  })

  it('is not there where no mails are sent, nor is the way to replace a forgotten password', async () => {
    const links = ['action="/auth/account/email"', `href="/auth/forgot?${new URLSearchParams({ email })}"`]
    const { text } = await open()
    for (const link of links) expect(text).toContain(link)
    await using silent = await openAuth({ ...auth, mails: null, hashing })
    const { text: silentText } = await open('/auth/account', silent)
    for (const link of links) expect(silentText).not.toContain(link)
    expect((await submit('/email', {}, silent)).status).toBe(404)
  })
})

describe('the form of the password', () => {
  it('changes it and ends all other sessions', async () => {
    const other = await logIn()
    const answer = await submit('/password', { currentPassword: password, newPassword: 'a newer password' })
    expect(leadsTo(answer)).toEqual([303, '/auth/account?notice=password'])
    expect([await isAlive(cookie), await isAlive(other)]).toEqual([true, false])
  })

  it('says at its fields what is wrong, and never shows a password again', async () => {
    const wrong = await submit('/password', { currentPassword: 'wrong one', newPassword: 'a newer password' })
    expect(fieldOf(wrong, 'password-currentPassword')).toMatchObject({ isInvalid: true, hasFocus: true })
    const common = await submit('/password', { currentPassword: password, newPassword: 'password' })
    expect(fieldOf(common, 'password-newPassword')).toEqual(
      refusedField(expect.stringMatching(/most common/), 'Correct what is marked.'),
    )
    expect(wrong.text + common.text).not.toMatch(/wrong one|a newer|right password/)
  })

  it('waits as failed logins do', async () => {
    const loginDelays = { begin: async () => 40_000, takeBack: async () => {}, forget: async () => {} }
    await using delaying = await openAuth({ ...auth, loginDelays, hashing })
    const form = { lang: 'en', currentPassword: password, newPassword: 'a newer password' }
    const answer = await submit('/password', form, delaying)
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '40'])
    expect(answer.text).toMatch(/role="alert"[^>]*>Too many attempts. Try again in 40 s/)
    expect(fieldOf(answer, 'password-currentPassword')).toMatchObject({ hasFocus: true, isOpen: true })
  })

  it('comes back when too many passwords wait to be hashed', async () => {
    const verifyPassword = () => Promise.reject(new GatewayError('overloaded', { retryAfterSeconds: 1 }))
    await using busy = await openAuth({ ...auth, hashing: { ...hashing, verifyPassword } })
    const form = { lang: 'en', currentPassword: password, newPassword: 'a newer password' }
    const answer = await submit('/password', form, busy)
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1'])
    expect(answer.text).toContain('This is unavailable for a moment.')
  })
})

describe('the buttons beside the sessions', () => {
  it('end one of them, at once', async () => {
    const other = await logIn()
    const [newest] = await auth.sessions.list(id)
    const answer = await submit('/sessions/end', { id: newest?.sessionId ?? '' })
    expect(leadsTo(answer)).toEqual([303, '/auth/account?notice=session'])
    expect([await isAlive(cookie), await isAlive(other)]).toEqual([true, false])
  })

  it('end all others', async () => {
    const others = [await logIn(), await logIn()]
    expect(leadsTo(await submit('/sessions/end-others'))).toEqual([303, '/auth/account?notice=sessions'])
    expect(await Promise.all([cookie, ...others].map(isAlive))).toEqual([true, false, false])
  })

  it("do not reach anybody else's", async () => {
    const bob = await auth.addAccount(`bob-${email}`, password)
    const session = { ...{ accountId: bob.id, sessionId: 'b'.repeat(24), refreshHash: 'h' }, device: null }
    await auth.sessions.open({ ...session, address: '127.0.0.1' }, { lifetimeMs: 1e6, idleLifetimeMs: 1e6 })
    await submit('/sessions/end', { id: session.sessionId })
    expect(await auth.sessions.isAlive(bob.id, session.sessionId)).toBe(true)
  })
})

describe('the page of deletion', () => {
  it('deletes the account of whoever knows the password', async () => {
    expect((await open('/auth/account/delete')).text).toContain(email)
    const wrong = await submit('/delete', { lang: 'en', currentPassword: 'another one' })
    expect(wrong.status).toBe(400)
    expect(wrong.text).toContain('This is not your current password.')
    expect(await auth.accounts.findById(id)).not.toBeNull()
    const answer = await submit('/delete', { currentPassword: password })
    expect(leadsTo(answer)).toEqual([303, '/auth/login?notice=deleted'])
    expect(Object.values(answer.cookies)).toEqual(['', ''])
    expect(await auth.accounts.findById(id)).toBeNull()
    expect(await isAlive(cookie)).toBe(false)
    expect((await auth.send('/auth/login?notice=deleted')).text).toContain('Your account is deleted.')
  })

  it('says when the app holds on to the account', async () => {
    const accounts = { ...auth.accounts, remove: async () => ({ kind: 'referenced' }) as const }
    await using held = await openAuth({ ...auth, accounts, hashing })
    const answer = await submit('/delete', { lang: 'en', currentPassword: password }, held)
    expect(answer.status).toBe(409)
    expect(answer.text).toMatch(/role="alert"[^>]*>The app still has records/)
  })
})

describe.each([
  ['/name', { firstName: 'A', lastName: 'B' }],
  ['/email', { email: 'eve@example.org', currentPassword: password }],
  ['/password', { currentPassword: password, newPassword: 'a newer password' }],
  ['/sessions/end', { id: 'x'.repeat(24) }],
  ['/sessions/end-others', {}],
  ['/delete', { currentPassword: password }],
])('POST /auth/account%s', (path, form) => {
  it('is refused from another site (L8)', async () => {
    const headers = { ...navigation, cookie, 'sec-fetch-site': 'cross-site' }
    expect((await auth.send(`/auth/account${path}`, { form, headers })).status).toBe(403)
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada', email })
  })

  it('leads back over the login when the session has ended, with nothing changed', async () => {
    await auth.sessions.endAll(id)
    const answer = await submit(path, form)
    const back = encodeURIComponent('/auth/account?notice=again')
    expect(leadsTo(answer)).toEqual([303, `/auth/login?return_to=${back}`])
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada', email })
  })

  it('changes nothing when its fields are missing or are others', async () => {
    for (const odd of [{}, { ...form, isAdmin: 'true' }]) {
      if (path.startsWith('/sessions')) continue
      const answer = await submit(path, { ...odd, lang: 'fr' })
      expect(answer.status).toBe(400)
      expect(answer.text).toMatch(/role="alert"[^>]*>Remplissez tous les champs/)
    }
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada', email })
  })
})
