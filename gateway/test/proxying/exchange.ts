import { type Agent, request as askByNode } from 'node:http'
import { onTestFinished } from 'vitest'
import type { Connection, Exchange } from '../../proxying/http1/connection.ts'
import { Connections, type ConnectionsOptions } from '../../proxying/http1/connections.ts'
import type { HeaderFields, HttpRequest } from '../../proxying/send-http.ts'

/** An answer that has come to its end. */
export interface Whole {
  readonly status: number
  readonly headers: HeaderFields
  readonly body: string
  readonly trailers: HeaderFields
}

/** Why there is none. */
export class Lost extends Error {
  readonly wasReused: boolean

  constructor(cause: Error, wasReused: boolean) {
    super(cause.message, { cause })
    this.wasReused = wasReused
  }
}

/** An exchange of `GET target`, and what becomes of it. */
export class Asked implements Exchange {
  readonly request: HttpRequest
  readonly answer: Promise<Whole>
  connection: Connection | null = null
  /** Takes no more when true, until somebody resumes. */
  isFull = false
  receivedBytes = 0
  readonly #settle = Promise.withResolvers<Whole>()
  #head: Pick<Whole, 'status' | 'headers'> = { status: 0, headers: {} }
  readonly #chunks: Buffer[] = []

  constructor(target: string) {
    const rest = { headers: {}, body: null, takesTrailers: false, responseTimeoutMs: null }
    this.request = { method: 'GET', target, ...rest }
    this.answer = this.#settle.promise
    this.answer.catch(() => undefined)
  }

  begun(connection: Connection): boolean {
    this.connection = connection
    return true
  }

  informed(): void {}

  answered(head: Pick<Whole, 'status' | 'headers'>): void {
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

/** Two connections at most, for as long as the test runs. */
export function connectTo(url: string, options: Partial<ConnectionsOptions> = {}): Connections {
  const timeouts = { connectTimeoutMs: 1_000, responseTimeoutMs: 1_000, idleTimeoutMs: 1_000 }
  const connections = new Connections({ url, maxConnections: 2, ...timeouts, ...options })
  onTestFinished(() => connections.destroy())
  return connections
}

export function askOver(connections: Connections, target = '/', isFresh = false): Asked {
  const asked = new Asked(target)
  connections.send(asked, isFresh)
  return asked
}

/** The same question by Node's own client. */
export function askOverNode(url: string, agent: Agent): Promise<Whole> {
  return new Promise((resolve, reject) => {
    askByNode(url, { agent }, async (response) => {
      try {
        const chunks = await response.toArray()
        resolve({
          status: response.statusCode ?? 0,
          headers: grouped(response.rawHeaders),
          body: Buffer.concat(chunks).toString('latin1'),
          trailers: grouped(response.rawTrailers),
        })
      } catch (error) {
        reject(error)
      }
    })
      .on('error', reject)
      .end()
  })
}

function grouped(raw: readonly string[]): HeaderFields {
  const fields: Record<string, string[]> = {}
  for (let i = 0; i < raw.length; i += 2) {
    const field = (raw[i] as string).toLowerCase()
    fields[field] = [...(fields[field] ?? []), raw[i + 1] as string]
  }
  const single = (values: string[]) => (values.length === 1 ? (values[0] as string) : values)
  return Object.fromEntries(Object.entries(fields).map(([field, values]) => [field, single(values)]))
}
