import type { IncomingMessage, ServerResponse } from 'node:http'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../test-gateway.ts'

export interface CachedApp extends AsyncDisposable {
  readonly app: EchoApp
  readonly gateway: TestGateway
  /** How often the app was asked for this address. */
  asked(url: string): number
}

export type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** An app that answers as told and a gateway with a cache before it: `/` for all, `/mine` for who is connected. */
export async function openCachedApp(
  answer: Answering,
  options: Partial<Omit<TestGatewayOptions, 'upstream'>> = {},
): Promise<CachedApp> {
  await using opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp(answer))
  const gateway = opening.use(
    await openTestGateway({
      ...options,
      upstream: app.url,
      config: {
        policies: {
          calls: { quota: 1000, per: '10m', by: 'user' },
          few: { quota: 2, per: '10m', by: 'user' },
          spared: { quota: 2, per: '10m', by: 'user', refund: ['cached'] },
          logins: { quota: 1000, per: '10m', by: 'account' },
        },
        routes: [
          { path: '/', upstream: 'app', access: 'public', cache: true },
          { path: '/mine', upstream: 'app', access: 'connected', cache: true, policies: ['calls'] },
          { path: '/few', upstream: 'app', access: 'connected', cache: true, policies: ['few'] },
          {
            path: '/spared',
            upstream: 'app',
            access: 'connected',
            cache: true,
            policies: ['spared'],
            service: 'spared',
          },
          { path: '/uncached', upstream: 'app', access: 'public' },
        ],
        ...options.config,
      },
    }),
  )
  const opened = opening.move()
  return {
    app,
    gateway,
    asked: (url) => app.seen.filter((request) => request.url === url).length,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

let served = 0

/** A body that no other answer has. */
export const newBody = (): string => `answer ${++served}`

/** Answers with these headers and a new body each time. */
export const answering =
  (headers: Record<string, string | string[]>, status = 200): Answering =>
  (_request, response) => {
    response.writeHead(status, headers)
    response.end(newBody())
  }
