import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { followByKeyboard, launchBrowser, watchAnswers } from './browser.ts'
import { root } from './operators/repository.ts'
import { type StartedProcess, startProcess } from './servers/child-process.ts'
import { createDatabase } from './servers/mariadb.ts'
import { type PrivateRedis, startRedis } from './servers/redis.ts'
import { ada, temporaryDirectory } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
let redis: PrivateRedis
let gateway: StartedProcess
let url: string
let env: Record<string, string | undefined>

beforeAll(async () => {
  const [directory, mysqlUrl, backendUrl] = await Promise.all([
    temporaryDirectory(),
    createDatabase(inject('mysqlUrl')),
    createDatabase(inject('mysqlUrl')),
  ])
  opened.use(directory)
  redis = opened.use(await startRedis())
  const backend = opened.use(
    await startProcess('backend/main.ts', [], {
      cwd: root,
      env: { PORT: '0', DATABASE_URL: backendUrl, DEMO_DATA: '1' },
    }),
  )
  env = {
    REDIS_URL: redis.url(0),
    REDIS_HITS_URL: redis.url(1),
    MYSQL_URL: mysqlUrl,
    UPSTREAM_URL: String((await backend.firstJsonLine()).backend),
    GUICHET_KEYS_DIR: directory.path,
    PORT: '0',
    ADMIN_PORT: '0',
    GUICHET_ADMIN_TOKEN: 'the token of the operator',
  }
  gateway = opened.use(
    await startProcess('gateway/main.ts', ['run', '--config', 'config/gateway.yaml'], { cwd: root, env }),
  )
  url = String((await gateway.firstJsonLine()).gateway)
})
afterAll(() => opened.disposeAsync())

async function guichet(...args: string[]): Promise<string> {
  await using running = await startProcess('npx', ['--offline', 'guichet', ...args], { cwd: root, env })
  expect(await running.ended, running.stderr).toEqual({ kind: 'exit', code: 0 })
  return running.stdout
}

test('an account from the command line logs in on the page, and its eleventh click is refused', async () => {
  const { email, password } = ada
  const person = ['--first-name', ada.firstName, '--last-name', ada.lastName]
  const added = await guichet('users', 'add', '--email', email, '--password', password, ...person)
  const [, id = ''] = /added account (\d+)/.exec(added) ?? []

  const browser = await launchBrowser()
  await using _closing = { [Symbol.asyncDispose]: () => browser.close() }
  const page = await browser.newPage({ locale: 'fr-FR' })
  const answers = watchAnswers(page)
  // Asked for before the login, and got after it: the first of the ten.
  await page.goto(`${url}/services/achat`)
  expect(await page.textContent('h1')).toBe('Se connecter')
  answers.documents.length = 0
  await page.keyboard.type(email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(password)
  const arrived = page.waitForURL((where) => where.pathname === '/services/achat')
  await page.keyboard.press('Enter')
  await arrived
  for (let click = 2; click <= 11; click++) {
    await followByKeyboard(page, click % 2 === 0 ? 'Vente' : 'Achat')
  }
  expect(answers.documents).toEqual([...Array(10).fill(200), 429])
  expect(await page.textContent('h1')).toBe('Quota atteint')

  // What was not yet written when the gateway was told to stop is written before it ends.
  expect(await gateway.stop()).toEqual({ kind: 'exit', code: 0 })
  expect(gateway.stderr).toBe('')
  const hits = new Redis(redis.url(1))
  await using _quitting = { [Symbol.asyncDispose]: async () => void (await hits.quit()) }
  expect(await hits.hgetall(hitsKey.services)).toEqual({ achat: '5', vente: '5' })
  expect(await hits.zscore(hitsKey.accounts, id)).toBe('10')
})
