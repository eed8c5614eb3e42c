import { once } from 'node:events'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { Readable } from 'node:stream'

export interface AskOptions extends Pick<RequestOptions, 'method' | 'headers'> {
  readonly body?: string | Buffer | Readable
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** Node's own client, which sends headers and paths as they are given and decodes nothing, on a connection of its own. */
export async function ask(url: string, path: string, options: AskOptions = {}): Promise<Answered> {
  const response = await begin(url, path, options)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks).toString(),
  }
}

/** As `ask`, but answers when the head has arrived, with the body still to be read. */
export async function begin(
  url: string,
  path: string,
  { body, ...options }: AskOptions = {},
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url)
  const asking = request({ hostname, port, path, agent: false, ...options })
  const answering = once(asking, 'response')
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) asking.end(body)
  else body.pipe(asking)
  const [response] = (await answering) as [IncomingMessage]
  return response
}

/** The body of an answer of `startEchoApp`: what the app received. */
export interface Echoed {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const echoed = ({ body }: Answered): Echoed => JSON.parse(body) as Echoed
