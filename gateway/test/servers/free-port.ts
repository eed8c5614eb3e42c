import { createServer } from 'node:net'

/**
 * A loopback TCP port nobody listens on right now. Another process may still take it first: whoever starts a
 * server on it retries.
 *
 * Not port 0: the system hands out ephemeral ports, and a client that keeps reconnecting to a *dead* server on
 * an ephemeral port sooner or later gets that same port as its own source port, connects to itself, and keeps
 * the server from coming back. So the range ends below Linux's 32768 (and macOS's 49152).
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free TCP port between 15000 and 32000 on 127.0.0.1: end what listens there')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
