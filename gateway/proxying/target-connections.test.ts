import dns from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { askOver } from '../test/proxying/exchange.ts'
import type { Connections } from './http1/connections.ts'
import { TargetConnections } from './target-connections.ts'
import type { Upstream } from './upstream.ts'

async function startAt(address: string, port: number): Promise<number> {
  const server = createServer((_, response) => response.end(address)).listen(port, address)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const bodyOf = async (pool: Connections): Promise<string> => (await askOver(pool).answer).body

it('an app that moves to another address is followed, though the old one still answers', async () => {
  const port = await startAt('127.0.0.1', 0)
  await startAt('127.0.0.2', port)
  let address = '127.0.0.1'
  vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    _options: object,
    found: (...all: unknown[]) => void,
  ) => found(null, [{ address, family: 4 }])) as never)
  onTestFinished(() => void vi.restoreAllMocks())

  const upstream = {
    maxConnections: 1,
    connectTimeoutMs: 1_000,
    responseTimeoutMs: 1_000,
    idleTimeoutMs: 1_000,
  }
  const connections = new TargetConnections(`http://app.test:${port}`, upstream as Upstream, 100)
  onTestFinished(() => connections[Symbol.asyncDispose]())
  const whoAnswers = () => bodyOf(connections.pool)
  expect(await whoAnswers()).toBe('127.0.0.1')
  const { pool } = connections
  address = '127.0.0.2'
  expect(await whoAnswers()).toBe('127.0.0.1')
  await expect.poll(whoAnswers, { timeout: 1_000, interval: 20 }).toBe('127.0.0.2')
  await expect(bodyOf(pool)).rejects.toThrow('are closed')
  // The same addresses are no reason to begin anew.
  const settled = connections.pool
  await new Promise((resolve) => setTimeout(resolve, 250))
  expect(connections.pool).toBe(settled)
})
