import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { afterAll, expect, it } from 'vitest'
import { startGatewayProcess } from '../gateway-process.ts'
import { temporaryDirectory } from '../test-gateway.ts'
import { begin } from './ask.ts'

const bytes = 2_000_000_000
const chunk = Buffer.alloc(1_000_000)
// What the bytes on their way may take, uncollected buffers included; at rest the process has its own 150 MB and more.
const mostGrowth = 150_000_000

const opened = new AsyncDisposableStack()
const app = createServer(async (asked, response) => {
  if (asked.method === 'GET') await pour(response.writeHead(200, { 'content-length': bytes }))
  else response.end(String(await drink(asked)))
})
app.listen(0, '127.0.0.1')
await once(app, 'listening')
opened.defer(() => {
  app.closeAllConnections()
  app.close()
})
const gateway = opened.use(
  await startGatewayProcess({
    directory: opened.use(await temporaryDirectory()).path,
    upstream: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
    config: { limits: { maxBodyBytes: bytes } },
  }),
)
afterAll(() => opened.disposeAsync())

async function pour(into: Writable): Promise<void> {
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!into.write(chunk)) await once(into, 'drain')
  }
  into.end()
}

async function drink(from: IncomingMessage): Promise<number> {
  let received = 0
  from.on('data', (part) => {
    received += part.length
  })
  await once(from, 'end')
  return received
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

const atRest = residentBytes()

/** The most that the gateway has grown by while this runs, in bytes. */
async function growthDuring(transfer: () => Promise<void>): Promise<number> {
  let most = 0
  const watching = setInterval(() => {
    most = Math.max(most, residentBytes())
  }, 20)
  await transfer()
  clearInterval(watching)
  return most - atRest
}

it('a download of 2 GB grows the gateway by less than 150 MB', { timeout: 120_000 }, async () => {
  const growth = await growthDuring(async () => {
    expect(await drink(await begin(gateway.url, '/'))).toBe(bytes)
  })
  expect(growth).toBeLessThan(mostGrowth)
})

it('an upload of 2 GB grows the gateway by less than 150 MB', { timeout: 120_000 }, async () => {
  const { hostname, port } = new URL(gateway.url)
  const headers = { 'content-length': bytes }
  const growth = await growthDuring(async () => {
    const asking = request({ hostname, port, method: 'POST', headers, agent: false })
    const answering = once(asking, 'response')
    await pour(asking)
    const [answer] = (await answering) as [IncomingMessage]
    expect(String(Buffer.concat(await answer.toArray()))).toBe(String(bytes))
  })
  expect(growth).toBeLessThan(mostGrowth)
})
