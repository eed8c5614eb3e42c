import dns from 'node:dns'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Connections } from './http1/connections.ts'
import type { Upstream } from './upstream.ts'

/** How long a target that has moved may still be looked for at its old address. */
const lookUpEveryMs = 30_000

/**
 * The connections to one target. Names are looked up by new connections only, and those in use may live for
 * ever: so when the name leads elsewhere new calls take a new pool, and the old one closes behind its last call.
 */
export class TargetConnections implements AsyncDisposable {
  pool: Connections
  readonly #open: () => Connections
  readonly #retired = new Set<Connections>()
  readonly #stopping = new AbortController()

  constructor(url: string, upstream: Upstream, everyMs = lookUpEveryMs) {
    this.#open = () => openPool(url, upstream)
    this.pool = this.#open()
    const name = new URL(url).hostname.replace(/^\[|\]$/g, '')
    if (isIP(name) === 0) this.#follow(name, everyMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    for (const pool of [this.pool, ...this.#retired]) pool.destroy()
  }

  async #follow(name: string, everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    let known = await addressesOf(name)
    while (!signal.aborted) {
      await wait(everyMs, null, { signal, ref: false }).catch(() => undefined)
      const found = await addressesOf(name)
      if (signal.aborted || found === null) continue
      if (known !== null && found !== known) this.#renew()
      known = found
    }
  }

  #renew(): void {
    const old = this.pool
    this.pool = this.#open()
    this.#retired.add(old)
    old.close().then(() => this.#retired.delete(old))
  }
}

function openPool(url: string, upstream: Upstream): Connections {
  const { maxConnections, connectTimeoutMs, responseTimeoutMs, idleTimeoutMs, ca } = upstream
  const options = { url, maxConnections, connectTimeoutMs, responseTimeoutMs, idleTimeoutMs }
  return new Connections(ca === undefined ? options : { ...options, ca })
}

/** As one text, whatever their order; null: nobody can tell right now. */
function addressesOf(name: string): Promise<string | null> {
  return new Promise((resolve) => {
    dns.lookup(name, { all: true }, (error, found) => {
      const addresses = found?.map(({ address }) => address) ?? []
      resolve(error === null && addresses.length > 0 ? addresses.toSorted().join() : null)
    })
  })
}
