import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface DelayingProxy extends AsyncDisposable {
  readonly port: number
  /** Added to every chunk on its way to the client; may be changed at any time. */
  latencyMs: number
  /** While true nothing passes in either direction; what was sent meanwhile follows at the thaw. */
  freeze: boolean
  /** Resets every connection; new ones are accepted. */
  reset(): void
}

/** A TCP relay to `target` on loopback that can be made slow, silent or broken while connections are open. */
export async function startDelayingProxy(target: { port: number }): Promise<DelayingProxy> {
  const sockets = new Set<Socket>()
  const waiting: (() => void)[] = []
  let frozen = false
  let latencyMs = 0

  const server = createServer((client) => {
    const upstream = connect({ port: target.port, host: '127.0.0.1' })
    relay(client, upstream, () => 0)
    relay(upstream, client, () => latencyMs)
  })

  function relay(from: Socket, to: Socket, delayMs: () => number): void {
    sockets.add(from)
    // One chunk after another, so that a smaller latency never lets a later chunk overtake an earlier one.
    let last = Promise.resolve()
    const pass = (act: () => void) => {
      const due = performance.now() + delayMs()
      last = last.then(async () => {
        const restMs = due - performance.now()
        if (restMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, restMs).unref())
        if (frozen) await new Promise<void>((resolve) => waiting.push(resolve))
        act()
      })
    }
    from.setNoDelay(true)
    from.on('data', (chunk) => pass(() => to.write(chunk)))
    from.on('end', () => pass(() => to.end()))
    from.on('error', () => pass(() => cut(to)))
    from.on('close', () => sockets.delete(from))
  }

  const thaw = () => {
    for (const go of waiting.splice(0)) go()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get latencyMs() {
      return latencyMs
    },
    set latencyMs(value) {
      latencyMs = value
    },
    get freeze() {
      return frozen
    },
    set freeze(value) {
      frozen = value
      if (!value) thaw()
    },
    reset() {
      for (const socket of sockets) cut(socket)
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.close()
      for (const socket of sockets) socket.destroy()
      thaw()
      await once(server, 'close')
    },
  }
}

/** A reset that comes while the socket is ending fails inside Node, which then never closes the handle. */
const cut = (socket: Socket): unknown => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy())
