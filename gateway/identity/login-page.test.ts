import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { pageSecurityPolicy } from '../page.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth()
  await auth.addAccount('ada@example.org', 'the right password')
})
afterAll(() => auth[Symbol.asyncDispose]())

const [accessName, refreshName, resumedName] = [
  '__Host-guichet-access',
  '__Secure-guichet-refresh',
  '__Secure-guichet-resumed',
]
const ada = { email: 'ada@example.org', password: 'the right password' }
const submit = (form: Record<string, string>, bench = auth): Promise<Answer> =>
  bench.send('/auth/login', { form, headers: { 'sec-fetch-site': 'same-origin', accept: 'text/html' } })

describe('GET /auth/login', () => {
  it('is a form with labels that password managers know, in the language of the reader', async () => {
    const { headers, text } = await auth.send('/auth/login', { headers: { 'accept-language': 'fr' } })
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toBe(pageSecurityPolicy)
    expect(headers['cache-control']).toBe('no-store')
    expect(text).toContain('<html lang="fr">')
    for (const id of ['email', 'password']) expect(text).toContain(`<label for="${id}">`)
    expect(text).toMatch(/type="email"[^>]*autocomplete="username"/)
    expect(text).toMatch(/type="password"[^>]*autocomplete="current-password"/)
    expect(text).not.toContain('role="alert"')
    expect((await auth.send('/auth/login')).text).toContain('<html lang="en">')
  })

  it('remembers the language that was chosen, and the way back meanwhile', async () => {
    const { cookies, text } = await auth.send('/auth/login?lang=fr&return_to=%2Fservices%3Fa%3Db')
    expect(cookies).toEqual({ '__Host-guichet-language': 'fr' })
    expect(text).toContain('<html lang="fr">')
    const cookie = `__Host-guichet-language=${cookies['__Host-guichet-language']}`
    expect((await auth.send('/auth/login', { headers: { cookie } })).text).toContain('<html lang="fr">')
    expect(text).toContain('name="return_to" value="/services?a=b"')
    expect(text).toContain('href="/auth/login?lang=en&#38;return_to=%2Fservices%3Fa%3Db"')
  })

  it.each([
    [true, '__Host-guichet-language=fr; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure'],
    [false, 'guichet_language=fr; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax'],
  ])('keeps the language in a cookie like the others, over https: %s', async (isSecure, line) => {
    await using bench = await openAuth({ isSecure })
    expect((await bench.send('/auth/login?lang=fr')).headers['set-cookie']).toEqual([line])
  })

  it('has a stylesheet that a browser may keep', async () => {
    const { headers } = await auth.send('/auth/style.css')
    expect(headers['content-type']).toBe('text/css; charset=utf-8')
    expect(headers['cache-control']).toBe('public, max-age=600')
  })

  it.each(['//evil.example', '/\\evil.example', 'javascript:alert(1)', '"><script>alert(1)</script>'])(
    'drops the way back to %j (L9)',
    async (path) => {
      const { text } = await auth.send(`/auth/login?return_to=${encodeURIComponent(path)}`)
      expect(text).not.toMatch(/evil|alert|name="return_to"/)
    },
  )
})

describe('the form', () => {
  it('leads back to where the person came from', async () => {
    const answer = await submit({ ...ada, return_to: '/services/vente?a=b', lang: 'fr' })
    expect([answer.status, answer.headers.location]).toEqual([303, '/services/vente?a=b'])
    expect(Object.keys(answer.cookies)).toEqual([accessName, refreshName])
    const headers = { cookie: `${accessName}=${answer.cookies[accessName]}` }
    expect((await auth.send('/private', { headers })).status).toBe(200)
  })

  it.each([
    ['//evil.example'],
    ['/\\evil.example'],
    ['https:evil.example'],
    ['/%0d%0aX:1'],
    ['javascript:alert(1)'],
    ['/\t/evil.example'],
  ])('leads home instead of to %j (L9)', async (return_to) => {
    const answer = await submit({ ...ada, return_to })
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
  })

  it('comes back with an alert and the e-mail, never the password', async () => {
    const answer = await submit({ email: '"><b>ada', password: 'my secret', return_to: '/x', lang: 'fr' })
    expect(answer.status).toBe(401)
    expect(answer.cookies).toEqual({})
    expect(answer.text).toContain('<html lang="fr">')
    expect(answer.text).toMatch(/role="alert" id="saying">[^<]+aucun compte actif/)
    expect(answer.text).toContain('value="&#34;&#62;&#60;b&#62;ada"')
    expect(answer.text).toContain('name="return_to" value="/x"')
    expect(answer.text).not.toContain('my secret')
  })

  it('says what is missing', async () => {
    const answer = await submit({ email: 'ada@example.org', password: '' })
    expect(answer.status).toBe(400)
    expect(answer.text).toMatch(/role="alert"[^>]*>Enter your e-mail address and your password/)
    expect(answer.text).toContain('value="ada@example.org"')
  })

  it('says when the next attempt passes', async () => {
    await using limited = await openAuth({
      admitLogin: async () => {
        throw new GatewayError('quota-exceeded', { retryAfterSeconds: 233 })
      },
    })
    const answer = await submit({ ...ada, lang: 'fr' }, limited)
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toBe('233')
    expect(answer.text).toMatch(/role="alert"[^>]*>Trop de tentatives. Réessayez dans 3 min 53 s/)
  })

  it('says so when the accounts are away, and keeps what was typed', async () => {
    const findByEmail = () => Promise.reject(new Error('gone'))
    await using broken = await openAuth({ accounts: { ...auth.accounts, findByEmail } })
    const answer = await submit(ada, broken)
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2'])
    expect(answer.text).toContain('value="ada@example.org"')
  })
})

describe('a browser whose access token ran out', () => {
  let refresh = ''
  beforeEach(async () => {
    refresh = (await auth.send('/auth/login', { json: ada })).cookies[refreshName] ?? ''
  })
  const visit = (
    headers: Record<string, string> = {},
    cookie = `${refreshName}=${refresh}`,
  ): Promise<Answer> =>
    auth.send('/auth/login?return_to=/private', { headers: { accept: 'text/html', cookie, ...headers } })

  it.each([
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    {},
  ])('goes on with a new pair, without being asked: %j', async (headers) => {
    const answer = await visit(headers)
    expect([answer.status, answer.headers.location]).toEqual([303, '/private'])
    const cookie = `${accessName}=${answer.cookies[accessName]}`
    expect((await auth.send('/private', { headers: { cookie } })).status).toBe(200)
    expect(answer.cookies[refreshName]).not.toBe(refresh)
  })

  it.each([
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch' },
    { referer: 'https://evil.example/' },
    { accept: '*/*' },
  ])('is asked when another site or a script sent it: %j', async (headers) => {
    const answer = await visit(headers)
    expect(answer.status).toBe(200)
    expect(answer.cookies).toEqual({})
  })

  it('goes on in every tab that a browser restores at once (L6)', async () => {
    const tabs = await Promise.all(Array.from({ length: 5 }, () => visit()))
    for (const { status, cookies } of tabs) {
      expect(status).toBe(303)
      expect(cookies).toEqual(tabs[0]?.cookies)
    }
    expect((await visit({}, `${refreshName}=${tabs[0]?.cookies[refreshName]}`)).status).toBe(303)
  })

  it('is asked rather than sent round and round', async () => {
    const first = await visit()
    const cookie = Object.entries(first.cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ')
    expect(first.cookies[resumedName]).toBe('1')
    const second = await visit({}, cookie)
    expect(second.status).toBe(200)
    expect(second.cookies).toEqual({})
  })

  it('is asked, and rid of its cookies, when the session has ended', async () => {
    await auth.sessions.endAll('1')
    const answer = await visit()
    expect(answer.status).toBe(200)
    expect(answer.cookies).toEqual({ [accessName]: '', [refreshName]: '' })
  })

  it('sees the page, and keeps its session, while a store is away', async () => {
    const findById = () => Promise.reject(new Error('gone'))
    const { sessions, tokens } = auth
    await using broken = await openAuth({ sessions, tokens, accounts: { ...auth.accounts, findById } })
    const headers = { accept: 'text/html', cookie: `${refreshName}=${refresh}` }
    const answer = await broken.send('/auth/login', { headers })
    expect(answer.status).toBe(200)
    expect(answer.cookies).toEqual({})
    expect((await visit()).status).toBe(303)
  })
})
