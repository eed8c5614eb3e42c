import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../../test/proxying/certificates.ts'
import { startRawApp } from '../../test/proxying/raw-app.ts'
import { type MailServerOptions, startMailServer } from '../../test/servers/mail-server.ts'
import type { Mail } from './mail.ts'
import { createSmtpMails, type SmtpMailsOptions } from './smtp-mails.ts'

const folder = await mkdtemp(join(tmpdir(), 'guichet-mails-'))
const certificates = await makeCertificates(folder)
const ca = readFileSync(certificates.caFile, 'utf8')
afterAll(() => rm(folder, { recursive: true }))

/** Of a machine that does much else. */
const patience = { timeout: 5_000 }

const link = 'https://etu.example/auth/activate?email=ada%40example.org&code=012345'
const ada = { email: 'ada@example.org', firstName: 'Zoé', language: 'fr' } as const
const activation: Mail = { kind: 'activation', code: '012345', link }
const mails: readonly Mail[] = [
  activation,
  { kind: 'already-registered', loginLink: link, resetLink: 'https://etu.example/auth/forgot' },
  { kind: 'password-reset', code: '678901', link },
  { kind: 'email-change', code: '234567', link },
  { kind: 'email-changed', newEmail: 'ada@elsewhere.example' },
  { kind: 'password-changed', resetLink: link },
]

async function serve(options: MailServerOptions = {}) {
  const server = await startMailServer(options)
  onTestFinished(() => server.stop())
  return server
}

/** Mails that are tried again within the test's patience. */
function openMails(url: string, options: Partial<SmtpMailsOptions> = {}) {
  const log: string[] = []
  const opened = createSmtpMails({
    url,
    from: 'Guichet <no-reply@etu.example>',
    ca: null,
    warn: (fields, sentence) => log.push(`${sentence} ${JSON.stringify(fields)}`),
    queue: { firstPauseMs: 20, longestPauseMs: 50, ...options.queue },
    ...options,
  })
  onTestFinished(() => opened.close(0))
  return { mails: opened, log }
}

const withLogin = (url: string, login: string): string => url.replace('://', `://${login}@`)

describe.each(['fr', 'en'] as const)('in %s', (language) => {
  test.each(mails)('$kind arrives, in text and in HTML', async (mail) => {
    const server = await serve()
    openMails(server.url).mails.send({ ...ada, language }, mail)
    const received = await server.waitForMailTo('ada@example.org')
    const values = Object.entries(mail).filter(([key]) => key !== 'kind')
    for (const [, value] of values) {
      expect(received.text).toContain(value)
      expect(received.html.replaceAll('&amp;', '&')).toContain(value)
    }
    expect(received.code).toBe('code' in mail ? mail.code : undefined)
    if ('link' in mail) expect(received.link).toBe(mail.link)
    expect(received.parsed).toMatchObject({
      from: { name: 'Guichet', address: 'no-reply@etu.example' },
      to: [{ address: 'ada@example.org', name: '' }],
      messageId: expect.stringMatching(/^<[\da-f-]{36}@etu\.example>$/),
    })
    expect(received.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(received.raw).toMatch(new RegExp(`^Content-Language: ${language}\r$`, 'm'))
  })
})

test.each([
  'Ada\r\nBcc: eve@example.org',
  'Ada\nX-Injected: 1',
  'Ada <eve@example.org>',
  '=?utf-8?q?=0D=0ABcc:eve@x?=',
])('a name adds no header and no recipient: %j', async (firstName) => {
  const server = await serve()
  openMails(server.url).mails.send({ ...ada, firstName }, activation)
  const received = await server.waitForMailTo('ada@example.org')
  expect(received.to).toEqual(['ada@example.org'])
  expect(received.raw).not.toMatch(/eve@|^Bcc|^X-Injected/im)
})

test.each([
  'ada@example.org,eve@example.org',
  'ada@example.org\r\nBcc: eve@example.org',
  'Eve <eve@example.org>',
])('an address that should not have come so far is one address or none: %j', async (email) => {
  const server = await serve()
  const { mails: opened } = openMails(server.url)
  opened.send({ ...ada, email }, activation)
  opened.send(ada, activation)
  const received = await server.waitForMailTo('ada@example.org')
  await opened.close(1_000)
  expect(received.raw).not.toMatch(/eve@/i)
  expect(server.received.flatMap(({ to }) => to)).not.toContain('eve@example.org')
})

test('a server that is away when the mail is written gets it when it is back, and the log tells both once', async () => {
  const server = await serve()
  const { mails: opened, log } = openMails(server.url)
  await server.stop()
  opened.send(ada, activation)
  opened.send({ ...ada, email: 'bob@example.org' }, activation)
  await expect.poll(() => log.length, patience).toBe(1)
  await server.start()
  await server.waitForMailTo('ada@example.org')
  await server.waitForMailTo('bob@example.org')
  await opened.close(1_000)
  const host = `127.0.0.1:${server.port}`
  expect(log).toEqual([
    `mails wait: the mail server ${host} does not answer. Check that it runs and can be reached, or correct mail.smtp. {"code":"ESOCKET"}`,
    `the mail server ${host} takes mails again {}`,
  ])
  expect(server.received).toHaveLength(2)
})

test('what still waits at the end leaves before it', async () => {
  const server = await serve()
  const { mails: opened } = openMails(server.url, { queue: { firstPauseMs: 60_000, longestPauseMs: 60_000 } })
  await server.stop()
  opened.send(ada, activation)
  await server.start()
  await opened.close(5_000)
  expect(server.received).toHaveLength(1)
})

test('to a server that never answers sending returns at once, a bounded number waits, and the end does not', async () => {
  const silent = await startRawApp(() => undefined)
  onTestFinished(() => silent[Symbol.asyncDispose]())
  const { mails: opened, log } = openMails(silent.url.replace('http', 'smtp'), {
    queue: { mostLetters: 100 },
  })
  const startedAtMs = performance.now()
  for (let i = 0; i < 1_000; i++) opened.send(ada, activation)
  expect(performance.now() - startedAtMs).toBeLessThan(100)
  await expect.poll(() => silent.openConnections(), patience).toBe(3)
  await opened.close(100)
  expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  await expect.poll(() => silent.openConnections(), patience).toBe(0)
  expect(log).toEqual([
    expect.stringMatching(
      /^too many mails wait, and new ones are lost\. Check that the mail server .* keeps up\./,
    ),
    'mails that could not be sent before the end {"lost":100}',
  ])
})

test('a recipient whom the server does not know is not asked for twice, and the log keeps silent about who and what', async () => {
  let asked = 0
  const server = await serve({
    refuse: (email) => {
      if (email === 'bob@example.org') return null
      asked += 1
      return { status: 550, words: `no such user ${email}, your code was 012345` }
    },
  })
  const { mails: opened, log } = openMails(server.url)
  opened.send(ada, activation)
  opened.send({ ...ada, email: 'bob@example.org' }, activation)
  await server.waitForMailTo('bob@example.org')
  await opened.close(1_000)
  expect(asked).toBe(1)
  expect(log).toEqual([
    expect.stringMatching(
      /^a mail is lost: .* refuses it\. Its log says why.*\{"code":"EENVELOPE","status":550\}$/,
    ),
  ])
  expect(log.join()).not.toMatch(/012345|etu\.example\/auth|ada@|Zoé/)
})

test('a server that puts off is asked again (greylisting)', async () => {
  let asked = 0
  const server = await serve({
    refuse: () => (++asked < 3 ? { status: 451, words: 'try again later' } : null),
  })
  const { mails: opened, log } = openMails(server.url)
  opened.send(ada, activation)
  await server.waitForMailTo('ada@example.org')
  expect([asked, log]).toEqual([3, []])
})

describe('TLS', () => {
  const { good, wrongName, expired, selfSigned } = certificates

  test.each([true, false])('a verified server is used, secure from the first byte: %s', async (secure) => {
    const server = await serve({ certificate: good, secure })
    openMails(server.url, { ca }).mails.send(ada, activation)
    await server.waitForMailTo('ada@example.org')
    expect(server.secured).toBe(1)
  })

  test.each([
    ['for another name', wrongName, ca],
    ['that has expired', expired, ca],
    ['that it signed itself', selfSigned, ca],
    ['of an authority that nobody has configured', good, null],
  ])('an imposter with a certificate %s hears no mail and no password', async (_, certificate, authority) => {
    for (const secure of [true, false]) {
      const server = await serve({ certificate, secure, login: { user: 'gate', password: 'hush' } })
      const url = withLogin(server.url, 'gate:hush')
      const { mails: opened, log } = openMails(url, { ca: authority })
      opened.send(ada, activation)
      await expect.poll(() => log, patience).toHaveLength(1)
      await opened.close(0)
      expect(log[0]).toMatch(/certificate of the mail server 127\.0\.0\.1:\d+ cannot be verified.*mail\.ca/)
      expect(log.join()).not.toMatch(/hush|gate/)
      expect([server.received.length, server.logins.length]).toEqual([0, 0])
    }
  })

  test('a password is not sent in clear text, when somebody has taken STARTTLS out of the greeting', async () => {
    const server = await serve({ login: { user: 'gate', password: 'hush' } })
    const { mails: opened, log } = openMails(withLogin(server.url, 'gate:hush'))
    opened.send(ada, activation)
    await expect.poll(() => log, patience).toHaveLength(1)
    expect(log[0]).toMatch(/Let it offer STARTTLS, or write smtps:/)
    expect([server.received.length, server.logins.length]).toEqual([0, 0])
  })
})

describe('login', () => {
  const login = { user: 'gate@etu.example', password: 'a/b:c@d é' }
  const written = `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}`

  test('a server that asks for it gets user and password as they are, whatever the URL has to escape', async () => {
    const server = await serve({ certificate: certificates.good, login })
    openMails(withLogin(server.url, written), { ca }).mails.send(ada, activation)
    await server.waitForMailTo('ada@example.org')
    expect(server.logins).toEqual([login.user])
  })

  test('a login that is refused is told with its cure, without the password', async () => {
    const server = await serve({ certificate: certificates.good, login })
    const { mails: opened, log } = openMails(withLogin(server.url, 'gate:hush'), { ca })
    opened.send(ada, activation)
    await expect.poll(() => log, patience).toHaveLength(1)
    expect(log[0]).toMatch(
      /refuses the login\. Correct user and password in mail\.smtp\. \{"code":"EAUTH","status":535\}/,
    )
    expect(log.join()).not.toContain('hush')
    expect(server.received).toEqual([])
  })
})
