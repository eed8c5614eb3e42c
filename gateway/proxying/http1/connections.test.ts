import { once } from 'node:events'
import { Agent, request as askByNode } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../test/servers/free-port.ts'
import type { HeaderFields } from '../send-http.ts'
import type { Connection, Exchange } from './connection.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'

interface Answered {
  readonly status: number
  readonly headers: HeaderFields
  readonly body: string
  readonly trailers: HeaderFields
}

class Lost extends Error {
  readonly wasReused: boolean
  constructor(cause: Error, wasReused: boolean) {
    super(cause.message, { cause })
    this.wasReused = wasReused
  }
}

/** An exchange of `GET target`, and what becomes of it. */
class Asked implements Exchange {
  readonly request
  readonly answer: Promise<Answered>
  connection: Connection | null = null
  /** Takes no more when true, until somebody resumes. */
  isFull = false
  receivedBytes = 0
  readonly #settle = Promise.withResolvers<Answered>()
  #head: Pick<Answered, 'status' | 'headers'> = { status: 0, headers: {} }
  readonly #chunks: Buffer[] = []

  constructor(target: string) {
    this.request = {
      method: 'GET',
      target,
      headers: {},
      body: null,
      takesTrailers: false,
      responseTimeoutMs: null,
    }
    this.answer = this.#settle.promise
    this.answer.catch(() => undefined)
  }
  begun(connection: Connection): boolean {
    this.connection = connection
    return true
  }
  informed(): void {}
  answered(head: Pick<Answered, 'status' | 'headers'>): void {
    this.#head = head
  }
  received(chunk: Buffer): boolean {
    this.#chunks.push(chunk)
    this.receivedBytes += chunk.length
    return !this.isFull
  }
  ended(trailers: HeaderFields): void {
    const { status, headers } = this.#head
    this.#settle.resolve({ status, headers, body: Buffer.concat(this.#chunks).toString('latin1'), trailers })
  }
  failed(error: Error, wasReused: boolean): void {
    this.#settle.reject(new Lost(error, wasReused))
  }
}

type Answer = (socket: Socket, target: string, nth: number) => void

/** An app that answers by bytes. */
async function startApp(answer: Answer) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    let nth = 0
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (!text.endsWith('\r\n\r\n')) return
      const target = text.split(' ')[1] as string
      text = ''
      answer(socket, target, nth++)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, sockets }
}

function connect(url: string, options: Partial<ConnectionsOptions> = {}): Connections {
  const timeouts = { connectTimeoutMs: 1_000, responseTimeoutMs: 1_000, idleTimeoutMs: 1_000 }
  const connections = new Connections({ url, maxConnections: 2, ...timeouts, ...options })
  onTestFinished(() => connections.destroy())
  return connections
}

function ask(connections: Connections, target = '/', isFresh = false): Asked {
  const asked = new Asked(target)
  connections.send(asked, isFresh)
  return asked
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('the connections to a target', () => {
  it('are bounded: who finds none waits for its turn', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 5))
    const connections = connect(app.url)
    const targets = Array.from({ length: 20 }, (_, index) => `/${index}`)
    const answers = await Promise.all(targets.map((target) => ask(connections, target).answer))
    expect(answers.map(({ body }) => body)).toEqual(targets)
    expect(app.sockets).toHaveLength(2)
  })

  it('forget who does not want to wait any more', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 20))
    const connections = connect(app.url, { maxConnections: 1 })
    const [first, second, third] = ['/1', '/2', '/3'].map((target) => ask(connections, target)) as [
      Asked,
      Asked,
      Asked,
    ]
    connections.withdraw(second)
    expect((await first.answer).body).toBe('/1')
    expect((await third.answer).body).toBe('/3')
    expect(second.connection).toBeNull()
  })

  it('that cannot be opened fail each exchange that waits for one', async () => {
    const connections = connect(`http://127.0.0.1:${await freePort()}`)
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => ask(connections).answer))
    expect(failed.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  })

  it('are given up when opening takes too long', async () => {
    // It accepts, and never says a word of TLS.
    const app = await startApp(() => undefined)
    const connections = connect(app.url.replace('http', 'https'), { connectTimeoutMs: 50 })
    await expect(ask(connections).answer).rejects.toMatchObject({ cause: { fault: 'unreachable' } })
  })

  it('are not used again when the app said that it closes them', async () => {
    const app = await startApp((socket) =>
      socket.write(ok('').replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')),
    )
    const connections = connect(app.url)
    for (let i = 0; i < 3; i++) await ask(connections).answer
    expect(app.sockets).toHaveLength(3)
  })

  it('that are lost as they are used again are told apart from new ones', async () => {
    const app = await startApp((socket, _target, nth) =>
      nth === 0 ? socket.write(ok('')) : socket.destroy(),
    )
    const connections = connect(app.url, { maxConnections: 1 })
    await ask(connections).answer
    await expect(ask(connections).answer).rejects.toMatchObject({ wasReused: true })
    await ask(connections).answer
    // A new one is opened for who has had enough of old ones, though only one may be open.
    await ask(connections, '/', true).answer
    expect(app.sockets).toHaveLength(3)
  })

  it('end behind what is under way when they are closed', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 30))
    const connections = connect(app.url, { maxConnections: 1 })
    const [first, second] = [ask(connections, '/1'), ask(connections, '/2')]
    const closed = connections.close()
    await expect(ask(connections).answer).rejects.toThrow('are closed')
    expect([(await first.answer).body, (await second.answer).body]).toEqual(['/1', '/2'])
    await closed
  })

  it('end at once when they are destroyed', async () => {
    const app = await startApp(() => undefined)
    const connections = connect(app.url, { maxConnections: 1 })
    const asked = [ask(connections), ask(connections)]
    await expect.poll(() => app.sockets.length).toBe(1)
    connections.destroy()
    for (const { answer } of asked) await expect(answer).rejects.toThrow('are closed')
  })
})

describe('an answer', () => {
  it('comes no faster than it is taken', async () => {
    const size = 32 * 1_048_576
    const app = await startApp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
    })
    const asked = new Asked('/')
    asked.isFull = true
    // Longer than the time without a byte that is allowed: the silence is not the target's.
    connect(app.url, { idleTimeoutMs: 200 }).send(asked)
    await expect.poll(() => asked.receivedBytes).toBeGreaterThan(0)
    const before = asked.receivedBytes
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(asked.receivedBytes).toBe(before)
    expect(before).toBeLessThan(1_048_576)
    asked.isFull = false
    asked.connection?.resume()
    expect((await asked.answer).body).toHaveLength(size)
  })

  it('that is silent for too long is given up', async () => {
    const app = await startApp((socket, target) => {
      if (target === '/body') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe')
    })
    const connections = connect(app.url, { responseTimeoutMs: 50, idleTimeoutMs: 50 })
    for (const target of ['/head', '/body']) {
      await expect(ask(connections, target).answer).rejects.toMatchObject({ cause: { fault: 'slow' } })
    }
  })

  it('of 2 MB in a chunk of one byte each is read in time', async () => {
    const app = await startApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      socket.write(`${'1\r\nx\r\n'.repeat(350_000)}0\r\n\r\n`)
    })
    expect((await ask(connect(app.url)).answer).body).toHaveLength(350_000)
  })
})

describe("the same as Node's own client", () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', ' ', '\r\n', '0', ':', 'HTTP/1.1'),
    maxLength: 200,
  })
  const value = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '\t', ';', 'é', '"'), maxLength: 12 })
  const name = fc.constantFrom('X-A', 'x-a', 'Set-Cookie', 'ETag', 'Vary')
  const answer = fc.record({
    status: fc.constantFrom(200, 204, 304, 404, 500),
    fields: fc.array(fc.tuple(name, value), { maxLength: 5 }),
    framing: fc.constantFrom('length', 'chunked', 'close'),
    pieces: fc.array(text, { maxLength: 4 }),
    interim: fc.constantFrom('', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
    cuts: fc.array(fc.nat(600), { maxLength: 6 }),
  })

  type Sample = typeof answer extends fc.Arbitrary<infer T> ? T : never

  function bytesOf({ status, fields, framing, pieces, interim }: Sample): Buffer {
    const parts = pieces.map((piece) => Buffer.from(piece)).filter(({ length }) => length > 0)
    const hasBody = status !== 204 && status !== 304
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const framingLine = {
      length: `Content-Length: ${length}\r\n`,
      chunked: 'Transfer-Encoding: chunked\r\n',
      close: 'Connection: close\r\n',
    }[framing]
    const lines = fields.map(([field, content]) => `${field}: ${content}\r\n`).join('')
    const head = Buffer.from(
      `${interim}HTTP/1.1 ${status} Some words\r\n${lines}${hasBody ? framingLine : ''}\r\n`,
    )
    if (!hasBody) return head
    if (framing !== 'chunked') return Buffer.concat([head, ...parts])
    const chunks = parts.flatMap((part) => [
      Buffer.from(`${part.length.toString(16)}\r\n`),
      part,
      Buffer.from('\r\n'),
    ])
    return Buffer.concat([head, ...chunks, Buffer.from('0\r\nX-Trailer: t\r\n\r\n')])
  }

  const byNode = (port: number, agent: Agent): Promise<Answered> =>
    new Promise((resolve, reject) => {
      askByNode({ port, host: '127.0.0.1', agent, joinDuplicateHeaders: false }, async (response) => {
        const chunks = await response.toArray()
        resolve({
          status: response.statusCode ?? 0,
          headers: grouped(response.rawHeaders),
          body: Buffer.concat(chunks).toString('latin1'),
          trailers: grouped(response.rawTrailers),
        })
      })
        .on('error', reject)
        .end()
    })

  function grouped(raw: readonly string[]): HeaderFields {
    const fields: Record<string, string[]> = {}
    for (let i = 0; i < raw.length; i += 2) {
      const field = (raw[i] as string).toLowerCase()
      fields[field] = [...(fields[field] ?? []), raw[i + 1] as string]
    }
    return Object.fromEntries(
      Object.entries(fields).map(([field, values]) => [
        field,
        values.length === 1 ? (values[0] as string) : values,
      ]),
    )
  }

  it('whatever the answer is made of, and whatever pieces it comes in', async () => {
    let sample: Sample | null = null
    const app = await startApp(async (socket) => {
      const { framing, status, cuts } = sample as Sample
      const bytes = bytesOf(sample as Sample)
      let from = 0
      for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
        if (cut <= from || cut > bytes.length) continue
        socket.write(bytes.subarray(from, cut))
        from = cut
        await new Promise(setImmediate)
      }
      if (framing === 'close' && status !== 204 && status !== 304) socket.end()
    })
    const connections = connect(app.url)
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    await fc.assert(
      fc.asyncProperty(answer, async (one) => {
        sample = one
        expect(await ask(connections).answer).toEqual(await byNode(app.port, agent))
      }),
      { numRuns: 150 },
    )
  })
})
