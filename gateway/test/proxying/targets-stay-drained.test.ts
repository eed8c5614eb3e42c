import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, inject, it } from 'vitest'
import { startGatewayProcess } from '../gateway-process.ts'
import { freePort } from '../servers/free-port.ts'
import { temporaryDirectory, testConfig } from '../test-gateway.ts'
import { ask } from './ask.ts'
import { inTurns, startTarget, tally } from './balanced.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

it('on all workers, and on those that a new configuration starts, until an operator brings them back', async () => {
  const [one, other] = [await startTarget(await freePort()), await startTarget(await freePort())]
  opened.use(one)
  opened.use(other)
  const { path: directory } = opened.use(await temporaryDirectory())
  const [sessions, hits] = ['/59', '/60'].map((path) => new URL(path, inject('redisUrl')).href) as [
    string,
    string,
  ]
  const upstreams = { app: { targets: [{ url: one.url }, { url: other.url }] } }
  const options = {
    directory,
    sessions,
    hits,
    upstream: '',
    config: { workers: 2, log: { level: 'info' }, upstreams },
  }
  const gateway = opened.use(await startGatewayProcess(options))
  const { url, adminUrl } = gateway
  const whoAnswers = async () => tally(await inTurns(40, 4, async () => (await ask(url, '/')).body))
  const drain = async (method: 'PUT' | 'DELETE') => {
    const headers = { authorization: 'Bearer test-admin-token-0123456789' }
    return (await fetch(`${adminUrl}/api/upstreams/app/targets/${one.name}/drain`, { method, headers }))
      .status
  }
  // A connection of its own for each call, so that all workers are asked.
  expect(Object.keys(await whoAnswers()).toSorted()).toEqual([one.name, other.name].toSorted())

  expect(await drain('PUT')).toBe(200)
  await expect.poll(whoAnswers).toEqual({ [other.name]: 40 })

  const file = testConfig({ ...options, config: { ...options.config, answers: { legacyHeaders: true } } })
  await writeFile(join(directory, 'gateway.yaml'), JSON.stringify(file))
  process.kill(gateway.process.pid, 'SIGHUP')
  const isReloaded = () => gateway.log().some(({ msg }) => /read again/.test(String(msg)))
  await expect.poll(isReloaded, { timeout: 20_000 }).toBe(true)
  expect(await whoAnswers()).toEqual({ [other.name]: 40 })

  expect(await drain('DELETE')).toBe(200)
  await expect.poll(async () => Object.keys(await whoAnswers()).length).toBe(2)
})
