import type { Socket } from 'node:net'
import { Connection, type ConnectionOptions, type Exchange } from './connection.ts'
import { placeOf, SocketOpener } from './open-socket.ts'

export interface ConnectionsOptions extends Omit<ConnectionOptions, 'authority'> {
  /** Origin of the target, such as `http://127.0.0.1:3000`. */
  readonly url: string
  readonly maxConnections: number
  readonly connectTimeoutMs: number
  readonly ca?: string
}

/** The connections to one target. An exchange takes the one that was used last, a new one, or waits for the next to be free. */
export class Connections {
  readonly #options: ConnectionOptions
  readonly #maxConnections: number
  readonly #opener: SocketOpener
  readonly #open = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #waiting: Exchange[] = []
  readonly #opening = new Set<Socket>()
  #whenAllClosed: (() => void) | null = null
  #isClosing = false

  constructor({ url, maxConnections, ...options }: ConnectionsOptions) {
    const place = placeOf(url)
    this.#options = { ...options, authority: place.authority }
    this.#maxConnections = maxConnections
    this.#opener = new SocketOpener(place, options)
  }

  /** @param isFresh on a new connection, when there may be one */
  send(exchange: Exchange, isFresh = false): void {
    if (this.#isClosing) return void exchange.failed(closedError(), false)
    const idle = isFresh ? undefined : this.#idle.pop()
    if (idle !== undefined) return void idle.send(exchange)
    if (isFresh) {
      this.#waiting.unshift(exchange)
      if (this.#isFull) this.#idle.pop()?.abort(closedError())
    } else this.#waiting.push(exchange)
    this.#openMore()
  }

  /** Takes an exchange back that waits for a connection. */
  withdraw(exchange: Exchange): void {
    const index = this.#waiting.indexOf(exchange)
    if (index >= 0) this.#waiting.splice(index, 1)
  }

  /** Takes no more exchanges; resolves when those that are there have ended. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#isClosing = true
    this.#whenAllClosed = resolve
    for (const connection of this.#idle.splice(0)) connection.abort(closedError())
    this.#tellWhenAllClosed()
    return promise
  }

  /** Ends all at once. */
  destroy(): void {
    this.#isClosing = true
    // First those that wait: for them the place of a closed connection would be taken by a new one.
    for (const exchange of this.#waiting.splice(0)) exchange.failed(closedError(), false)
    for (const socket of this.#opening) socket.destroy(closedError())
    for (const connection of [...this.#open]) connection.abort(closedError())
  }

  freed(connection: Connection): void {
    const next = this.#waiting.shift()
    if (next !== undefined) connection.send(next)
    else if (this.#isClosing) connection.abort(closedError())
    else this.#idle.push(connection)
  }

  closed(connection: Connection): void {
    this.#open.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    this.#openMore()
    this.#tellWhenAllClosed()
  }

  get #isFull(): boolean {
    return this.#open.size + this.#opening.size >= this.#maxConnections
  }

  /** As many as wait and there is room for. */
  #openMore(): void {
    while (this.#opening.size < this.#waiting.length && !this.#isFull) this.#openOne()
  }

  #openOne(): void {
    const opening = this.#opener.open((error, socket) => {
      this.#opening.delete(opening)
      if (error === null) {
        const connection = new Connection(socket, this.#options, this)
        this.#open.add(connection)
        this.freed(connection)
      } else {
        this.#waiting.shift()?.failed(error, false)
        this.#openMore()
      }
      this.#tellWhenAllClosed()
    })
    this.#opening.add(opening)
  }

  #tellWhenAllClosed(): void {
    if (this.#open.size === 0 && this.#opening.size === 0 && this.#waiting.length === 0)
      this.#whenAllClosed?.()
  }
}

/** No fault of the target's. */
const closedError = (): Error => new Error('the connections to the target are closed')
