import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { pageSecurityPolicy } from '../page.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createPasswordHashing } from './password-hashing.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth({ hashing: createPasswordHashing({ memoryKib: 64, passes: 1 }) })
})
afterAll(() => auth[Symbol.asyncDispose]())

const submit = (path: string, form: Record<string, string>, bench = auth): Promise<Answer> =>
  bench.send(path, { form, headers: { 'sec-fetch-site': 'same-origin', accept: 'text/html' } })

const zoe = {
  firstName: 'Zoé',
  lastName: 'Zéphyr',
  email: 'zoe@example.org',
  password: 'quatre mots bien longs',
}

/** The field's tag, with what is said of it. */
function fieldOf({ text }: Answer, name: string) {
  const tag = new RegExp(`<input id="${name}"[^>]*>`).exec(text)?.[0] ?? ''
  const describers = /aria-describedby="([^"]*)"/.exec(tag)?.[1]?.split(' ') ?? []
  const said = describers.map((id) => new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(text)?.[1])
  return {
    tag,
    said,
    isInvalid: tag.includes('aria-invalid="true"'),
    hasFocus: tag.includes('autofocus'),
    value: /value="([^"]*)"/.exec(tag)?.[1],
  }
}

const pages = [
  ['/auth/register', ['firstName', 'lastName', 'email', 'password']],
  ['/auth/activate', ['email', 'code']],
  ['/auth/forgot', ['email']],
  ['/auth/reset', ['email', 'code', 'password']],
] as const

describe.each(pages)('%s', (path, fields) => {
  it('is a form without a script, with labels, in French and English', async () => {
    for (const language of ['fr', 'en'] as const) {
      const { headers, text } = await auth.send(path, { headers: { 'accept-language': language } })
      expect(headers['content-security-policy']).toBe(pageSecurityPolicy)
      expect(headers['cache-control']).toBe('no-store')
      expect(text).toContain(`<html lang="${language}">`)
      for (const id of fields) expect(text).toMatch(new RegExp(`<label for="${id}">[^<]+</label>`))
      expect(text).not.toMatch(/<script|style=|onclick|undefined|\[object/)
      expect(text.match(/ autofocus/g)).toHaveLength(1)
    }
  })

  it('keeps what its address says when the language is switched', async () => {
    const { text, cookies } = await auth.send(`${path}?lang=fr`)
    expect(cookies).toEqual({ '__Host-guichet-language': 'fr' })
    expect(text).toContain(`href="${path}?lang=en`)
  })

  it('is shown again, in its language, when it is sent incomplete, too often, or while a store is away', async () => {
    const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
    const refused = () => Promise.reject(new GatewayError('quota-exceeded', { retryAfterSeconds: 233 }))
    await using limited = await openAuth({ admitLogin: refused })
    await using broken = await openAuth({
      accounts: { ...auth.accounts, findByEmail: away },
      codes: { issue: away, renew: away, spend: away, forget: away },
    })
    const form = Object.fromEntries(fields.map((name) => [name, { ...zoe, code: '123456' }[name]]))
    const answers = [
      await submit(path, { lang: 'fr' }),
      await submit(path, { ...form, lang: 'fr' }, limited),
      await submit(path, { ...form, lang: 'fr' }, broken),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 429, 503])
    expect(answers[1]?.headers['retry-after']).toBe('233')
    expect(answers[1]?.text).toMatch(/role="alert"[^>]*>Trop de tentatives. Réessayez dans 3 min 53 s/)
    expect(answers[2]?.headers['retry-after']).toBe('2')
    for (const { text } of answers) {
      expect(text).toMatch(/<html lang="fr">[\s\S]*role="alert"/)
      expect(text).not.toMatch(/quatre mots|ECONN/)
    }
    expect(answers[2]?.text).toContain('value="zoe@example.org"')
  })

  it('shows nothing as HTML that came from outside', async () => {
    const evil = '"><script>alert(1)</script>'
    const query = new URLSearchParams({ email: evil, code: evil, return_to: evil, notice: evil, lang: evil })
    const form = Object.fromEntries(fields.map((name) => [name, evil]))
    for (const answer of [
      await auth.send(`${path}?${query}`),
      await submit(path, { ...form, return_to: evil }),
    ]) {
      expect(answer.text).not.toMatch(/<script/)
    }
  })
})

it.each(['activate', 'forgot', 'reset'])(
  'a link to %s puts no words on the page but an e-mail',
  async (page) => {
    const words = 'Your account is blocked, call 0800 123 456'
    const asked = (email: string) =>
      auth.send(`/auth/${page}?${new URLSearchParams({ email, code: '123456' })}`)
    expect((await asked(words)).text).not.toContain('blocked')
    expect(fieldOf(await asked('Zoe@example.org'), 'email').value).toBe('zoe@example.org')
  },
)

it('fields are known to password managers and phones', async () => {
  const register = await auth.send('/auth/register')
  expect(fieldOf(register, 'firstName').tag).toContain('autocomplete="given-name"')
  expect(fieldOf(register, 'lastName').tag).toContain('autocomplete="family-name"')
  expect(fieldOf(register, 'email').tag).toMatch(/type="email".*autocomplete="username"/)
  expect(fieldOf(register, 'password').tag).toMatch(/type="password".*autocomplete="new-password"/)
  const activate = await auth.send('/auth/activate')
  expect(fieldOf(activate, 'code').tag).toMatch(/inputmode="numeric" autocomplete="one-time-code"/)
})

describe('the form of a registration', () => {
  it('marks each field that is wrong, says what would be right beside it, and puts the cursor there', async () => {
    const answer = await submit('/auth/register', {
      ...zoe,
      email: 'zoé@x',
      password: 'password',
      lang: 'en',
    })
    expect(answer.status).toBe(400)
    expect(fieldOf(answer, 'firstName')).toMatchObject({ value: 'Zoé', isInvalid: false, said: [] })
    expect(fieldOf(answer, 'email')).toMatchObject({
      value: 'zoé@x',
      isInvalid: true,
      hasFocus: true,
      said: [expect.stringMatching(/such as name@example.org/), 'Correct the fields that are marked.'],
    })
    expect(fieldOf(answer, 'password')).toMatchObject({
      value: '',
      isInvalid: true,
      said: [expect.stringMatching(/most common/)],
    })
  })

  it('leads to the code, on to the login, and back to where the person came from', async () => {
    const registered = await submit('/auth/register', { ...zoe, return_to: '/services/vente?a=b' })
    expect(registered.status).toBe(303)
    const path = '/auth/activate?email=zoe%40example.org&return_to=%2Fservices%2Fvente%3Fa%3Db'
    expect(registered.headers.location).toBe(path)
    const page = await auth.send(path)
    expect(fieldOf(page, 'email').value).toBe('zoe@example.org')
    expect(fieldOf(page, 'code').hasFocus).toBe(true)

    const mail = auth.sent.at(-1)?.mail
    if (mail?.kind !== 'activation') throw new Error('no code was sent')
    const form = { email: zoe.email, code: mail.code, return_to: '/services/vente?a=b' }
    const activated = await submit('/auth/activate', form)
    expect([activated.status, activated.headers.location]).toEqual([
      303,
      '/auth/login?notice=activated&return_to=%2Fservices%2Fvente%3Fa%3Db',
    ])
    const login = await auth.send(
      '/auth/login?notice=activated&return_to=%2Fservices%2Fvente%3Fa%3Db&lang=fr',
    )
    expect(login.text).toMatch(/role="status"[^>]*>Votre compte est activé/)
    expect(login.text).toContain('name="return_to" value="/services/vente?a=b"')

    const again = await submit('/auth/activate', form)
    expect(again.status).toBe(400)
    expect(fieldOf(again, 'code')).toMatchObject({
      isInvalid: true,
      hasFocus: true,
      said: [expect.stringMatching(/was used before/)],
    })
  })

  it('sends another code from the same form, without the first', async () => {
    await submit('/auth/register', { ...zoe, email: 'again@example.org' })
    const answer = await submit('/auth/activate/resend', { email: ' AGAIN@example.org', code: '' })
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      '/auth/activate?email=again%40example.org&notice=sent',
    ])
    expect((await auth.send('/auth/activate?notice=sent')).text).toMatch(
      /role="status"[^>]*>If a registration/,
    )
    expect(auth.sent.filter(({ to }) => to.email === 'again@example.org')).toHaveLength(2)
    const odd = await submit('/auth/activate/resend', { email: 'again', code: '' })
    expect(odd.status).toBe(400)
    expect(fieldOf(odd, 'email')).toMatchObject({ isInvalid: true, hasFocus: true })
  })

  it.each(['//evil.example', 'javascript:alert(1)', '/\\evil'])('leads nobody to %j', async (return_to) => {
    const answer = await submit('/auth/register', { ...zoe, email: 'led@example.org', return_to })
    expect(answer.headers.location).toBe('/auth/activate?email=led%40example.org')
    expect((await auth.send(`/auth/activate?return_to=${encodeURIComponent(return_to)}`)).text).not.toMatch(
      /name="return_to"/,
    )
  })
})

describe('the form of a forgotten password', () => {
  it('leads to the code and the new password, and on to the login', async () => {
    await auth.addAccount('ada@example.org', 'the old password')
    const asked = await submit('/auth/forgot', { email: 'ada@example.org', lang: 'fr' })
    expect([asked.status, asked.headers.location]).toEqual([303, '/auth/reset?email=ada%40example.org'])
    const sent = auth.sent.at(-1)
    if (sent?.mail.kind !== 'password-reset') throw new Error('no code was sent')
    expect(sent.to.language).toBe('fr')

    const { pathname, search } = new URL(sent.mail.link)
    const page = await auth.send(pathname + search)
    expect(fieldOf(page, 'code').value).toBe(sent.mail.code)
    expect(fieldOf(page, 'password').hasFocus).toBe(true)

    const form = { email: 'ada@example.org', code: sent.mail.code }
    const weak = await submit('/auth/reset', { ...form, password: 'password' })
    expect(fieldOf(weak, 'password')).toMatchObject({ isInvalid: true, hasFocus: true, value: '' })
    const done = await submit('/auth/reset', { ...form, password: 'an entirely new phrase' })
    expect([done.status, done.headers.location]).toEqual([303, '/auth/login?notice=password-changed'])
    const spent = await submit('/auth/reset', { ...form, password: 'an entirely new phrase' })
    expect(spent.status).toBe(400)
    expect(fieldOf(spent, 'code')).toMatchObject({
      isInvalid: true,
      said: [expect.stringMatching(/used before/)],
    })
  })

  it('says so when the address is none', async () => {
    const answer = await submit('/auth/forgot', { email: 'ada', lang: 'fr' })
    expect(answer.status).toBe(400)
    expect(fieldOf(answer, 'email')).toMatchObject({ isInvalid: true, hasFocus: true, value: 'ada' })
  })
})
