import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { openServer, type ServerOptions } from './listening/open-server.ts'
import { SecureServer } from './listening/secure-server.ts'

export interface Address {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/**
 * A listening socket that stays while the app behind it changes: whoever is connected notices nothing, and the next
 * request on the same connection meets the new app.
 */
export interface Door {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Requests that begin from now on go to this app, which must be ready; those under way stay with theirs. */
  leadTo(app: FastifyInstance): void
  /**
   * Lets nobody in any more. Connections stay for a while, since a client may be sending on one that looks idle:
   * the apps tell them to close with their next answer. Resolves when all have, or `withinMs` have passed.
   */
  shut(withinMs: number): Promise<void>
  /** Closes what is idle at once, the rest when it has been answered, and cuts after `withinMs` what is left. */
  close(withinMs: number): Promise<void>
}

/** What Node's server tells an app of beside requests. */
const rareEvents = ['upgrade', 'checkContinue', 'connect', 'clientError'] as const

/** As `upgrades.ts` sets it, and Node asks it. */
type Upgrading = HttpServer & { shouldUpgradeCallback: (request: unknown) => boolean }

/**
 * Listens at `address`.
 *
 * @throws Error that names the address, or the file, and the cure
 */
export async function openDoor(
  address: Address,
  firstApp: FastifyInstance,
  options: ServerOptions,
): Promise<Door> {
  let app = firstApp
  const server = openServer(options)
  server.on('request', (request, response) => void app.server.emit('request', request, response))
  for (const event of rareEvents)
    server.on(event, (...told: unknown[]) => void app.server.emit(event, ...told))
  Object.assign(server, {
    shouldUpgradeCallback: (request: unknown) => (app.server as Upgrading).shouldUpgradeCallback(request),
  })
  await listen(server, address)

  const connectionsLeft = (): Promise<number> =>
    new Promise((resolve) => {
      server.getConnections((_error, count) => resolve(count))
    })

  return {
    url: urlOf(server, address),
    leadTo(next) {
      app = next
    },
    async shut(withinMs) {
      if (server instanceof SecureServer) server.announceEnd()
      // Not Node's close of an HTTP server, which closes idle connections as well.
      Server.prototype.close.call(server)
      const untilMs = performance.now() + withinMs
      while (performance.now() < untilMs && (await connectionsLeft()) > 0) await sleep(50)
    },
    async close(withinMs) {
      const sweeping = setInterval(() => server.closeIdleConnections(), 50)
      const cutting = setTimeout(() => server.closeAllConnections(), withinMs)
      // When it was shut before, the callback's error says so, and comes when the last connection is gone all the same.
      await new Promise<unknown>((resolve) => {
        server.close(resolve)
      })
      clearInterval(sweeping)
      clearTimeout(cutting)
    },
  }
}

async function listen(server: Server, { host, port }: Address): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  try {
    await promise
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const cure =
      code === 'EADDRINUSE'
        ? 'something listens there already; stop it or choose another port'
        : String(error)
    throw new Error(`cannot listen on ${host}:${port}: ${cure}`, { cause: error })
  } finally {
    server.off('error', reject)
  }
}

function urlOf(server: Server, { host }: Address): string {
  const { port } = server.address() as AddressInfo
  const shownHost = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const scheme = server instanceof SecureServer ? 'https' : 'http'
  return `${scheme}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`
}
