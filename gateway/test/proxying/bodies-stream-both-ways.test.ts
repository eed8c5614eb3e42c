import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { openTestGateway } from '../test-gateway.ts'
import { ask, begin } from './ask.ts'

let answer: RequestListener = () => {}
const opened = new AsyncDisposableStack()
const server = createServer((asked, response) => answer(asked, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
opened.defer(() => {
  server.closeAllConnections()
  server.close()
})
const { url } = opened.use(
  await openTestGateway({ upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
)
afterAll(() => opened.disposeAsync())

const chunk = randomBytes(65_536)
const chunks = 800
// What the kernel may hold for the sockets on the way, and no more.
const buffered = 24_000_000

/** Writes 50 MB as fast as they are taken, and tells how many bytes were. */
function pour(into: ServerResponse | ReturnType<typeof request>) {
  let taken = 0
  const written = (async () => {
    for (let i = 0; i < chunks; i++) {
      if (!into.write(chunk)) await once(into, 'drain')
      taken += chunk.length
    }
    into.end()
  })()
  return { taken: () => taken, written }
}

/** Resolves when the number has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read()
    if (now === last && now > 0) return now
    last = now
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

async function digestOf(body: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of body) hash.update(part as Buffer)
  return hash.digest('hex')
}

const whole = createHash('sha256')
for (let i = 0; i < chunks; i++) whole.update(chunk)
const digest = whole.digest('hex')

it('a download of 50 MB waits for a client that does not read, instead of in memory, then arrives whole', async () => {
  let poured: ReturnType<typeof pour> | undefined
  answer = (_, response) => {
    poured = pour(response)
  }
  const response = await begin(url, '/')
  expect(await settled(() => poured?.taken() ?? 0)).toBeLessThan(buffered)
  expect(await digestOf(response)).toBe(digest)
})

it('an upload of 50 MB waits for an app that does not read, instead of in memory, then arrives whole', async () => {
  const reading = Promise.withResolvers<void>()
  answer = async (asked, response) => {
    await reading.promise
    response.end(await digestOf(asked))
  }
  const { hostname, port } = new URL(url)
  const asking = request({ hostname, port, method: 'POST', agent: false })
  const answering = once(asking, 'response')
  const { taken, written } = pour(asking)
  expect(await settled(taken)).toBeLessThan(buffered)
  reading.resolve()
  await written
  const [response] = (await answering) as [IncomingMessage]
  expect(await response.toArray().then((parts) => parts.join(''))).toBe(digest)
})

it('server-sent events arrive one by one, and the head before the first of them', async () => {
  const stream = Promise.withResolvers<ServerResponse>()
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    stream.resolve(response)
  }
  const events = await begin(url, '/', { headers: { accept: 'text/event-stream' } })
  expect(events.headers['content-type']).toBe('text/event-stream')
  const source = await stream.promise
  for (const number of [1, 2, 3]) {
    source.write(`data: ${number}\n\n`)
    expect(String((await once(events, 'data'))[0])).toBe(`data: ${number}\n\n`)
  }
  source.end()
  expect(await events.toArray()).toEqual([])
})

it('an upload reaches the app while it is still being sent, and the answer may begin before its end', async () => {
  answer = (asked, response) => {
    asked.on('data', (part) => response.write(`got ${part}`))
    asked.on('end', () => response.end())
  }
  const { hostname, port } = new URL(url)
  const asking = request({ hostname, port, method: 'POST', agent: false })
  asking.write('one')
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  expect(String((await once(response, 'data'))[0])).toBe('got one')
  asking.end('two')
  expect(String(Buffer.concat(await response.toArray()))).toBe('got two')
})

it('an app that refuses an upload that never ends is heard, and the upload ends', async () => {
  answer = (_, response) => response.writeHead(413, { connection: 'close' }).end('too much')
  const { hostname, port } = new URL(url)
  const client = connect(Number(port), hostname)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  const uploading = setInterval(() => client.write(`8000\r\n${'x'.repeat(0x8000)}\r\n`), 5)
  const closed = new Promise((resolve) => client.on('error', () => {}).once('close', resolve))
  const [head] = (await once(client, 'data')) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1\.1 413 /)
  await closed
  clearInterval(uploading)
})

it('an app that refuses an upload before its end is heard', async () => {
  answer = (_, response) => response.writeHead(413).end('too much')
  expect(await ask(url, '/', { method: 'POST', body: Buffer.alloc(300_000) })).toMatchObject({
    status: 413,
    body: 'too much',
  })
})
