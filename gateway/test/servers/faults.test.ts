import { once } from 'node:events'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, inject, test } from 'vitest'
import { startBlackHole } from './black-hole.ts'
import { startDelayingProxy } from './delaying-proxy.ts'

test('a black hole accepts a connection and never answers', async () => {
  await using hole = await startBlackHole()
  const socket = createConnection({ port: hole.port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.write('PING\r\n')
  const heard = await Promise.race([once(socket, 'data'), once(socket, 'end'), sleep(150, 'nothing')])
  expect(heard).toBe('nothing')
  expect(hole.accepted).toBe(1)
  socket.destroy()
})

test('a delaying proxy passes everything on, slows, holds and resets', async () => {
  await using proxy = await startDelayingProxy({ port: Number(new URL(inject('redisUrl')).port) })
  const client = new Redis(proxy.port, '127.0.0.1', { maxRetriesPerRequest: 0, retryStrategy: () => 10 })
  client.on('error', () => {})
  const pingMs = async () => {
    const start = performance.now()
    expect(await client.ping()).toBe('PONG')
    return performance.now() - start
  }
  try {
    const large = 'x'.repeat(1_000_000)
    expect(await client.echo(large)).toBe(large)

    proxy.latencyMs = 200
    expect(await pingMs()).toBeGreaterThan(190)
    proxy.latencyMs = 0

    proxy.freeze = true
    const held = client.ping()
    expect(await Promise.race([held, sleep(150, 'held')])).toBe('held')
    proxy.freeze = false
    expect(await held).toBe('PONG')

    const cut = new Promise((resolve) => client.once('close', resolve))
    proxy.reset()
    await cut
    await expect.poll(() => client.ping().catch(() => 'down')).toBe('PONG')
  } finally {
    client.disconnect()
  }
})
