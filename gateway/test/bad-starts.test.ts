import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { demoEnvironment, startDemo } from './demo.ts'
import { startEchoApp } from './echo-app.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { root } from './operators/repository.ts'
import { startProcess } from './servers/child-process.ts'
import { freePort } from './servers/free-port.ts'
import { createDatabase } from './servers/mariadb.ts'
import { startRedis } from './servers/redis.ts'
import { addAccount, logIn, temporaryDirectory } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

const folder = async (): Promise<string> => opened.use(await temporaryDirectory()).path

async function guichet(args: string[], env: Record<string, string | undefined>) {
  await using running = await startProcess('gateway/main.ts', args, { cwd: root, env })
  const exit = await running.ended
  return { exit, lines: running.stderr.trimEnd().split('\n'), stdout: running.stdout }
}

const failed = { kind: 'exit', code: 1 }

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  opened.defer(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

describe.each([
  ['PORT', (port: number) => `guichet: cannot listen on 127.0.0.1:${port}: `],
  ['ADMIN_PORT', (port: number) => `guichet: cannot listen on 127.0.0.1:${port}: `],
  [
    'BACKEND_PORT',
    (port: number) => `guichet: EtuServices did not start: port ${port} is taken: set BACKEND_PORT`,
  ],
])('a taken %s', (name, says) => {
  test.concurrent('ends the demo with one clear line and leaves no process behind', async () => {
    const [port, backendPort] = await Promise.all([takenPort(), freePort()])
    const { exit, lines, stdout } = await guichet(['demo'], {
      ...{ ...demoEnvironment(await folder()), BACKEND_PORT: String(backendPort) },
      [name]: String(port),
    })
    expect(exit).toEqual(failed)
    expect(lines).toEqual([expect.stringContaining(says(port))])
    expect(stdout).toBe('')
    expect(await answers(`http://127.0.0.1:${backendPort}/health`)).toBe(false)
  })
})

test.concurrent('a signing key that cannot be read ends the start with one line that names the file and the cure', async () => {
  const directory = await folder()
  const key = join(directory, 'keys', 'signing-key.jwk.json')
  await mkdir(key, { recursive: true })
  const { exit, lines, stdout } = await guichet(['demo'], demoEnvironment(directory))
  expect(exit).toEqual(failed)
  expect(lines).toEqual([
    expect.stringMatching(/^guichet: .*signing-key\.jwk\.json.*Let the gateway's user read/),
  ])
  expect(stdout).toBe('')
})

test.concurrent('a folder for data that cannot be made ends the demo with one line', async () => {
  const file = join(await folder(), 'a-file')
  await writeFile(file, '')
  const { exit, lines } = await guichet(['demo'], demoEnvironment(join(file, 'data')))
  expect(exit).toEqual(failed)
  expect(lines).toEqual([expect.stringMatching(/^guichet: EtuServices did not start: .*may write to/)])
})

test.concurrent('a bad configuration ends with 78 and every problem, before anything listens or is asked', async () => {
  const file = join(await folder(), 'bad.yaml')
  await writeFile(file, 'polices: {}\nroutes: 5\nlisten: { port: -1 }\n')
  const { exit, lines, stdout } = await guichet(['run', '--config', file], {})
  expect(exit).toEqual({ kind: 'exit', code: 78 })
  expect(lines.length).toBeGreaterThanOrEqual(3)
  expect(lines.join('\n')).toMatch(/bad\.yaml:1:1: .*did you mean .policies/)
  for (const line of lines) expect(line).toContain('bad.yaml:')
  expect(stdout).toBe('')
})

test.concurrent('an unknown option ends with 64 and the usage', async () => {
  const { exit, lines } = await guichet(['run', '--conf', 'x.yaml'], {})
  expect(exit).toEqual({ kind: 'exit', code: 64 })
  expect(lines).toEqual([
    expect.stringContaining("Unknown option '--conf'"),
    expect.stringMatching(/^usage:/),
  ])
})

test.concurrent('without MySQL it does not start: one line that names the place and the cure, not the password', async () => {
  const { exit, lines, stdout } = await guichet(['run'], {
    MYSQL_URL: `mysql://u:hush-hush@127.0.0.1:${await freePort()}/guichet`,
    REDIS_URL: inject('redisUrl'),
    REDIS_HITS_URL: inject('redisUrl').replace(/\d+$/, '1'),
    GUICHET_KEYS_DIR: await folder(),
    PORT: '0',
    ADMIN_PORT: '0',
  })
  expect(exit).toEqual(failed)
  expect(lines).toEqual([
    expect.stringMatching(/^guichet: MySQL at 127\.0\.0\.1:\d+\/guichet: .*Start it, or/),
  ])
  expect(stdout).not.toContain('hush-hush')
})

test.concurrent('without Redis it starts, says so once, is alive and not ready, and recovers by itself', async ({
  expect,
}) => {
  const [directory, redis, app] = await Promise.all([folder(), startRedis(), startEchoApp()])
  await using _redis = redis
  await using _app = app
  await redis.kill()
  const accounts = await createDatabase(inject('mysqlUrl'))
  await using gateway = await startGatewayProcess({
    ...{ upstream: app.url, directory, accounts, sessions: redis.url(0), hits: redis.url(1) },
  })
  await addAccount(gateway, undefined, accounts)
  const away = gateway.log().filter(({ msg, store }) => store === 'sessions' && /without/.test(String(msg)))
  expect(away).toHaveLength(1)
  expect(away[0]?.msg).toMatch(/nothing listens there; start Redis/)
  const status = async (path: string) => (await fetch(gateway.adminUrl + path)).status
  expect(await status('/livez')).toBe(200)
  expect(await status('/readyz')).toBe(503)
  expect((await fetch(`${gateway.url}/public`)).status).toBe(200)
  await expect(logIn(gateway)).rejects.toThrow('503')

  await redis.restart()
  await expect.poll(() => status('/readyz'), { timeout: 5_000 }).toBe(200)
  const { authorization } = await logIn(gateway)
  await expect
    .poll(async () => (await fetch(`${gateway.url}/api/vente`, { headers: authorization })).status)
    .toBe(200)
  expect(await gateway.process.stop()).toEqual({ kind: 'exit', code: 0 })
})

test.concurrent('a demo that is killed takes EtuServices with it', async ({ expect }) => {
  const directory = await folder()
  await using demo = await startDemo(directory)
  expect(await answers(`${demo.backend}/health`)).toBe(true)
  expect(await demo.process.stop('SIGKILL')).toEqual({ kind: 'signal', signal: 'SIGKILL' })
  await expect.poll(() => answers(`${demo.backend}/health`), { timeout: 5_000 }).toBe(false)
})

test.concurrent('a demo whose EtuServices ends says so and ends too', async () => {
  const directory = await folder()
  await using demo = await startDemo(directory)
  await using pkill = await startProcess('pkill', ['-KILL', '-P', String(demo.process.pid)])
  await pkill.ended
  expect(await demo.process.ended).toEqual(failed)
  expect(demo.process.stderr).toBe('guichet: EtuServices ended by itself; start again\n')
})
