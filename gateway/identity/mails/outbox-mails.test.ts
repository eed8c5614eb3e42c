import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import { createOutboxMails, type KeptMail } from './outbox-mails.ts'

const link = 'https://etu.example/auth/activate'
const ada = { email: 'ada@example.org', firstName: 'Ada', language: 'fr' } as const

function openOutbox() {
  const path = mkdtempSync(join(tmpdir(), 'guichet-outbox-'))
  const kept: KeptMail[] = []
  const warnings: string[] = []
  const directory = join(path, 'in/outbox')
  const mails = createOutboxMails({
    directory,
    from: 'Guichet <no-reply@etu.example>',
    print: (mail) => kept.push(mail),
    warn: (_, sentence) => warnings.push(sentence),
  })
  return { path, directory, mails, kept, warnings, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test('each mail is a file that a mail program opens, for its owner alone, and its code is told', async () => {
  using outbox = openOutbox()
  outbox.mails.send(ada, { kind: 'activation', code: '012345', link })
  outbox.mails.send(ada, { kind: 'password-changed', resetLink: link })
  expect(readdirSync(outbox.path)).toEqual([])
  await outbox.mails.close()

  const [activation, changed] = outbox.kept.toSorted((a) => (a.code === undefined ? 1 : -1))
  expect(activation).toMatchObject({ to: 'ada@example.org', code: '012345' })
  expect(changed).not.toHaveProperty('code')
  expect(new Set(outbox.kept.map(({ file }) => file)).size).toBe(2)
  const file = activation?.file ?? ''
  expect(file).toMatch(/\/in\/outbox\/\d{4}-\d\d-\d\dT[\d-]+Z-ada@example\.org-[\da-f]{8}\.eml$/)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(outbox.directory).mode & 0o777).toBe(0o700)

  const { from, to, subject, text, html } = await PostalMime.parse(readFileSync(file))
  expect(from).toMatchObject({ name: 'Guichet', address: 'no-reply@etu.example' })
  expect(to).toMatchObject([{ address: 'ada@example.org' }])
  expect(subject).toBe(activation?.subject)
  for (const content of [text, html])
    expect(content).toMatch(/012345[\s\S]*https:\/\/etu\.example\/auth\/activate/)
})

test.each([
  "../../../tmp/o'../x@example.org",
  '-rf/*@example.org',
  `${'a'.repeat(5_000)}@example.org`,
  '\0\r\n@x',
])('no address leads out of the directory: case %#', async (email) => {
  using outbox = openOutbox()
  outbox.mails.send({ ...ada, email }, { kind: 'password-changed', resetLink: link })
  await outbox.mails.close()
  expect(
    readdirSync(outbox.path, { recursive: true }).filter((name) => !String(name).startsWith('in')),
  ).toEqual([])
  for (const name of readdirSync(outbox.directory)) expect(name).toMatch(/^\d{4}-[\w@.-]{20,200}\.eml$/)
  expect(outbox.kept.length + outbox.warnings.length).toBe(1)
})

test('a directory that cannot be written is told with its cure, and stops nothing', async () => {
  const warnings: string[] = []
  const mails = createOutboxMails({
    directory: '/dev/null/outbox',
    from: 'no-reply@etu.example',
    print: () => undefined,
    warn: (_, sentence) => warnings.push(sentence),
  })
  mails.send(ada, { kind: 'activation', code: '012345', link })
  await mails.close()
  expect(warnings).toEqual([expect.stringMatching(/Let the gateway write to \/dev\/null\/outbox/)])
})
