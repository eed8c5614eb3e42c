import type { Browser, Page, Response } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { spokenDuration } from '../error-page.ts'
import { followByKeyboard, launchBrowser, watchAnswers } from './browser.ts'
import { type Demo, type DemoAccount, demoEnvironment, startDemo } from './demo.ts'
import { checkMetrics } from './operators/promtool.ts'
import { root } from './operators/repository.ts'
import { startProcess } from './servers/child-process.ts'
import { logIn, temporaryDirectory } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
let directory: string
let demo: Demo
let browser: Browser

beforeAll(async () => {
  directory = opened.use(await temporaryDirectory()).path
  demo = opened.use(await startDemo(directory))
  browser = await launchBrowser()
  opened.defer(() => browser.close())
})
afterAll(() => opened.disposeAsync())

/** `npx guichet users add`, beside the running demo. */
async function addPerson(firstName: string): Promise<DemoAccount> {
  const person = { email: `${firstName.toLowerCase()}@etu.example`, password: 'typed by an operator' }
  const args = ['--email', person.email, '--password', person.password, '--first-name', firstName]
  await using adding = await startProcess(
    'gateway/main.ts',
    ['users', 'add', ...args, '--last-name', 'X', '--config', 'config/demo.yaml'],
    { cwd: root, env: demoEnvironment(directory) },
  )
  expect(await adding.ended, adding.stderr).toEqual({ kind: 'exit', code: 0 })
  return person
}

async function openPage(locale: string): Promise<Page> {
  const context = await browser.newContext({ locale })
  onTestFinished(() => context.close())
  return context.newPage()
}

async function logInByKeyboard(page: Page, words: Words, { email, password }: DemoAccount): Promise<void> {
  await followByKeyboard(page, words.logIn)
  expect(await page.textContent('h1')).toBe(words.logIn)
  // The first field has the focus already.
  await page.keyboard.type(email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(password)
  const arrived = page.waitForURL((url) => url.pathname === '/services')
  await page.keyboard.press('Enter')
  await arrived
}

interface Words {
  readonly logIn: string
  readonly home: string
  readonly services: readonly [string, string]
  readonly limited: string
  readonly wait: (duration: string) => string
  readonly back: string
}

const languages: [locale: string, account: number, words: Words][] = [
  [
    'fr-FR',
    0,
    {
      logIn: 'Se connecter',
      home: 'Vendre et acheter entre étudiants',
      services: ['Vente', 'Achat'],
      limited: 'Quota atteint',
      wait: (duration) => `Prochain appel possible dans ${duration}.`,
      back: 'Retour à l’accueil',
    },
  ],
  [
    'en-GB',
    1,
    {
      logIn: 'Log in',
      home: 'Buy and sell among students',
      services: ['Sell', 'Buy'],
      limited: 'Quota reached',
      wait: (duration) => `Your next call passes in ${duration}.`,
      back: 'Back to the home page',
    },
  ],
]

describe.each(languages)('in a browser in %s, with the keyboard alone', (locale, index, words) => {
  test('the eleventh click says when to come back, the home page still opens, and others go on', async () => {
    const account = demo.accounts[index] as DemoAccount
    const page = await openPage(locale)
    const answers = watchAnswers(page)
    await page.goto(demo.gateway)
    expect(await page.textContent('h1')).toBe(words.home)
    await logInByKeyboard(page, words, account)

    answers.documents.length = 0
    let last: Response | null = null
    page.on('response', (response) => {
      if (response.request().resourceType() === 'document') last = response
    })
    for (let click = 0; click < 11; click++) {
      await followByKeyboard(page, words.services[click % 2] as string)
      expect(answers.documents, 'one answer a click').toHaveLength(click + 1)
    }
    expect(answers.documents).toEqual([...Array(10).fill(200), 429])
    expect(await page.textContent('h1')).toBe(words.limited)
    expect(await page.title()).toContain(words.limited)
    const seconds = Number(await (last as Response | null)?.headerValue('retry-after'))
    expect(seconds).toBeGreaterThan(500)
    expect(await page.textContent('.wait')).toBe(words.wait(spokenDuration(seconds)))
    expect(await page.getAttribute('html', 'lang')).toBe(locale.slice(0, 2))

    await followByKeyboard(page, words.back)
    expect(answers.documents.at(-1)).toBe(200)
    expect(await page.textContent('h1')).toBe(words.home)
    expect(answers.others.length, 'stylesheets, which count for nobody').toBeGreaterThan(0)
    expect(answers.others.filter((status) => status !== 200)).toEqual([])

    const other = await openPage(locale)
    const othersAnswers = watchAnswers(other)
    await other.goto(demo.gateway)
    await logInByKeyboard(other, words, demo.accounts[2] as DemoAccount)
    await followByKeyboard(other, words.services[0])
    expect(othersAnswers.documents.at(-1)).toBe(200)
  })
})

/** Of one of the statistics; each has some of these. */
interface Row {
  readonly account: { readonly email: string }
  readonly service: string
  readonly calls: number
}

const problem = {
  type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  status: 429,
  code: 'quota-exceeded',
  'violated-policies': ['calls'],
}

test('a program gets ten answers that say what is left, and a refusal that says all of the promise', async () => {
  const { authorization } = await logIn({ url: demo.gateway }, await addPerson('Katherine'))
  const call = () => fetch(`${demo.gateway}/api/achat`, { headers: authorization })
  const left: unknown[] = []
  for (let number = 1; number <= 10; number++) {
    const answer = await call()
    await answer.text()
    left.push([answer.status, /;r=(\d+);/.exec(answer.headers.get('ratelimit') ?? '')?.[1]])
    expect(answer.headers.get('ratelimit-policy')).toBe('"calls";q=10;w=600')
  }
  expect(left).toEqual(Array.from({ length: 10 }, (_, index) => [200, String(9 - index)]))

  const denied = await call()
  const seconds = denied.headers.get('retry-after')
  expect(seconds).toMatch(/^5\d\d$|^600$/)
  expect(denied.status).toBe(429)
  expect(Object.fromEntries(denied.headers)).toMatchObject({
    ratelimit: `"calls";r=0;t=${seconds}`,
    'ratelimit-policy': '"calls";q=10;w=600',
    'cache-control': 'no-store',
    'content-type': expect.stringMatching(/^application.problem.json/),
  })
  expect(await denied.json()).toMatchObject({ ...problem, retryAfterSeconds: Number(seconds) })
})

test('the administrator sees who came, who called and who never did', async () => {
  const quiet = await addPerson('Quiet')
  const busy = await addPerson('Busy')
  const { authorization } = await logIn({ url: demo.gateway }, busy)
  for (let number = 0; number < 3; number++) {
    await (await fetch(`${demo.gateway}/api/vente`, { headers: authorization })).text()
  }
  const ask = async (path: string) => {
    const answer = await fetch(demo.admin + path, {
      headers: { authorization: `Bearer ${demo.adminToken}` },
    })
    expect(answer.status, path).toBe(200)
    return answer
  }
  const stats = async (path: string) => (await (await ask(`/api/stats/${path}`)).json()) as Row[]
  const emails = (rows: Row[]) => rows.map(({ account }) => account.email)

  expect(emails(await stats('recent-logins?limit=10'))[0]).toBe(busy.email)
  expect(emails(await stats('top-logins?days=3&limit=10'))).toContain(busy.email)
  // Hits are written in batches, off the road of the request.
  const callsOf = async ({ email }: DemoAccount) =>
    (await stats('least-active?limit=100')).find(({ account }) => account.email === email)?.calls
  await expect.poll(() => callsOf(busy), { timeout: 5_000 }).toBe(3)
  expect(await callsOf(quiet)).toBe(0)
  const services = await stats('services')
  expect(services.map(({ service }) => service).toSorted()).toEqual(['achat', 'vente'])
  expect(services[0]?.calls).toBeGreaterThanOrEqual(services[1]?.calls as number)

  const metrics = await (await ask('/metrics')).text()
  await checkMetrics(metrics)
  expect(metrics).toMatch(/guichet_service_calls_total\{service="vente"\} [1-9]/)
  expect(metrics).toMatch(/guichet_logins_total\{result="accepted"\} [1-9]/)
  expect(metrics).toContain(`guichet_recent_login_timestamp_seconds{account="${busy.email}"}`)
})

test('SIGTERM ends it with 0, and the next start knows the same accounts, passwords and counts', async () => {
  const stats = async ({ admin, adminToken }: Demo) => {
    const headers = { authorization: `Bearer ${adminToken}` }
    const [services = [], people = []] = await Promise.all(
      ['services', 'least-active?limit=100'].map(
        async (name) => (await (await fetch(`${admin}/api/stats/${name}`, { headers })).json()) as Row[],
      ),
    )
    return { services, people }
  }
  await using data = await temporaryDirectory()
  await using first = await startDemo(data.path)
  const [account] = first.accounts as [DemoAccount]
  const { authorization } = await logIn({ url: first.gateway }, account)
  await (await fetch(`${first.gateway}/api/vente`, { headers: authorization })).text()
  // Not yet written, most likely: the end of the process must see to it.
  expect(await first.process.stop()).toEqual({ kind: 'exit', code: 0 })
  expect(first.process.stdout.trimEnd().split('\n'), 'the banner and nothing else').toHaveLength(1)
  expect(first.process.stderr).toBe('')

  await using second = await startDemo(data.path)
  expect(second.accounts).toEqual(first.accounts)
  await logIn({ url: second.gateway }, account)
  const { services, people } = await stats(second)
  expect(services).toEqual([
    { service: 'vente', calls: 1 },
    { service: 'achat', calls: 0 },
  ])
  expect(people).toHaveLength(3)
  expect(people.at(-1)).toMatchObject({ account: { email: account.email }, calls: 1 })
})
