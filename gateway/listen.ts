import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

export interface Address {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/**
 * Listens, and says at which URL.
 *
 * @throws Error that names the address and the cure, when it is taken or not ours
 */
export async function listen(app: FastifyInstance, { host, port }: Address): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const cure =
      code === 'EADDRINUSE'
        ? 'something listens there already; stop it or choose another port'
        : String(error)
    throw new Error(`cannot listen on ${host}:${port}: ${cure}`, { cause: error })
  }
  const { port: bound } = app.server.address() as AddressInfo
  const shownHost = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${bound}`
}
