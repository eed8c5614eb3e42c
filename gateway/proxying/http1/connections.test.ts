import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Asked, askOver, askOverNode, connectTo } from '../../test/proxying/exchange.ts'
import { startRawApp } from '../../test/proxying/raw-app.ts'
import { freePort } from '../../test/servers/free-port.ts'
import { faultOf } from '../upstream-error.ts'

/** An app that answers by bytes. */
async function startApp(answer: (socket: Socket, target: string, nth: number) => unknown) {
  const sockets: Socket[] = []
  const asked = new WeakMap<Socket, number>()
  const app = await startRawApp((socket, request) => {
    const nth = asked.get(socket) ?? 0
    if (nth === 0) sockets.push(socket)
    asked.set(socket, nth + 1)
    answer(socket, request.split(' ')[1] as string, nth)
  })
  onTestFinished(() => app[Symbol.asyncDispose]())
  return { ...app, sockets }
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('the connections to a target', () => {
  it('are bounded: who finds none waits for its turn', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 5))
    const connections = connectTo(app.url)
    const targets = Array.from({ length: 20 }, (_, index) => `/${index}`)
    const answers = await Promise.all(targets.map((target) => askOver(connections, target).answer))
    expect(answers.map(({ body }) => body)).toEqual(targets)
    expect(app.sockets).toHaveLength(2)
  })

  it('forget who does not want to wait any more', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 20))
    const connections = connectTo(app.url, { maxConnections: 1 })
    const [first, second, third] = ['/1', '/2', '/3'].map((target) => askOver(connections, target)) as [
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
    const connections = connectTo(`http://127.0.0.1:${await freePort()}`)
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => askOver(connections).answer))
    expect(failed.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  })

  it('are given up when opening takes too long', async () => {
    // It accepts, and never says a word of TLS.
    const app = await startApp(() => undefined)
    const connections = connectTo(app.url.replace('http', 'https'), { connectTimeoutMs: 50 })
    await expect(askOver(connections).answer).rejects.toMatchObject({ cause: { fault: 'unreachable' } })
  })

  it('are not used again when the app said that it closes them', async () => {
    const app = await startApp((socket) =>
      socket.write(ok('').replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')),
    )
    const connections = connectTo(app.url)
    for (let i = 0; i < 3; i++) await askOver(connections).answer
    expect(app.sockets).toHaveLength(3)
  })

  it('that are lost as they are used again are told apart from new ones', async () => {
    const app = await startApp((socket, _target, nth) =>
      nth === 0 ? socket.write(ok('')) : socket.destroy(),
    )
    const connections = connectTo(app.url, { maxConnections: 1 })
    await askOver(connections).answer
    await expect(askOver(connections).answer).rejects.toMatchObject({ wasReused: true })
    await askOver(connections).answer
    // A new one is opened for who has had enough of old ones, though only one may be open.
    await askOver(connections, '/', true).answer
    expect(app.sockets).toHaveLength(3)
  })

  it('end behind what is under way when they are closed', async () => {
    const app = await startApp((socket, target) => setTimeout(() => socket.write(ok(target)), 30))
    const connections = connectTo(app.url, { maxConnections: 1 })
    const [first, second] = [askOver(connections, '/1'), askOver(connections, '/2')]
    const closed = connections.close()
    await expect(askOver(connections).answer).rejects.toThrow('are closed')
    expect([(await first.answer).body, (await second.answer).body]).toEqual(['/1', '/2'])
    await closed
  })

  it('end at once when they are destroyed', async () => {
    const app = await startApp(() => undefined)
    const connections = connectTo(app.url, { maxConnections: 1 })
    const asked = [askOver(connections), askOver(connections)]
    await expect.poll(() => app.sockets.length).toBe(1)
    connections.destroy()
    for (const { answer } of asked) {
      const { cause } = await answer.then(String, (error) => error)
      expect(cause.message).toMatch('are closed')
      // Else it would be held against the target.
      expect(faultOf(cause)).toBeNull()
    }
    await expect.poll(app.openConnections).toBe(0)
    // Nor is a new one opened for who had waited.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(app.received).toHaveLength(1)
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
    connectTo(app.url, { idleTimeoutMs: 200 }).send(asked)
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
    const connections = connectTo(app.url, { responseTimeoutMs: 50, idleTimeoutMs: 50 })
    for (const target of ['/head', '/body']) {
      await expect(askOver(connections, target).answer).rejects.toMatchObject({ cause: { fault: 'slow' } })
    }
  })

  it('of 2 MB in a chunk of one byte each is read in time', async () => {
    const app = await startApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      socket.write(`${'1\r\nx\r\n'.repeat(350_000)}0\r\n\r\n`)
    })
    expect((await askOver(connectTo(app.url)).answer).body).toHaveLength(350_000)
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
    const connections = connectTo(app.url)
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    await fc.assert(
      fc.asyncProperty(answer, async (one) => {
        sample = one
        expect(await askOver(connections).answer).toEqual(await askOverNode(app.url, agent))
      }),
      { numRuns: 150 },
    )
  })
})
