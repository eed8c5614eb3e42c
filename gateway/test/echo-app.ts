import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface EchoApp extends AsyncDisposable {
  readonly url: string
  /** Every request it has received, oldest first. */
  readonly seen: SeenRequest[]
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const echo: Answer = (request, response, body) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }))
}

/** An unchanged app behind the gateway: answers with what it received, or as it is told. */
export async function startEchoApp(answer: Answer = echo): Promise<EchoApp> {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    try {
      for await (const chunk of request) body += chunk
    } catch {
      // The sender left; what arrived is still worth looking at.
    }
    seen.push({ method: request.method ?? '', url: request.url ?? '', rawHeaders: request.rawHeaders, body })
    answer(request, response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
