import formbody from '@fastify/formbody'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, LogController, type LogLevel } from 'fastify'
import { achatApi } from './api/achat.routes.ts'
import { venteApi } from './api/vente.routes.ts'
import type { Articles } from './articles.ts'
import { isCrossSiteWrite } from './cross-site.ts'
import { achatPages } from './pages/achat.routes.ts'
import { homePages } from './pages/home.routes.ts'
import { preparePages } from './pages/render-page.ts'
import { ventePages } from './pages/vente.routes.ts'
import { type ProofSettings, provenOnly } from './proof.ts'
import { Refusal } from './refusal.ts'
import { refuse } from './refuse.ts'

export interface AppOptions {
  articles: Articles
  loginUrl: string
  logoutUrl: string
  accountUrl: string
  logLevel: LogLevel
  /** Null: X-Forwarded-User is believed as it is. */
  proof: ProofSettings | null
  now?: () => Date
}

/** EtuServices, not yet listening. The articles stay the caller's to close, after the app. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { articles, loginUrl, logoutUrl, accountUrl, logLevel, proof, now = () => new Date() } = options
  const pages = preparePages({ loginUrl, logoutUrl, accountUrl })
  const app = fastify({
    // Paths that cannot be decoded come before any route and its error handler.
    frameworkErrors: (error, request, reply) => refuse(pages, error, request, reply),
    // The standard output carries one line, the address.
    logger: { level: logLevel, stream: process.stderr },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    // Longer than a gateway's pool keeps its side, so that it is never us who close under a request.
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    // While draining, a request that still came is served; the articles are closed after us.
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>()
  // Not Ajv: it would turn {"title": 5} into "5"; this converts what comes as text (queries) only.
  app.setValidatorCompiler(TypeBoxValidatorCompiler)

  app.setErrorHandler((error, request, reply) => refuse(pages, error, request, reply))
  app.setNotFoundHandler((request, reply) => refuse(pages, new Refusal('not-found'), request, reply))

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    if (isCrossSiteWrite(request.method, request.headers)) throw new Refusal('cross-site')
  })
  if (proof !== null) app.addHook('onRequest', provenOnly(proof))
  if (logLevel === 'info' || logLevel === 'debug' || logLevel === 'trace') {
    app.addHook('onResponse', async ({ log, method, url }, reply) => {
      const tookMs = Math.round(reply.elapsedTime * 10) / 10
      log.info({ method, url: url.slice(0, 500), status: reply.statusCode, tookMs }, 'request')
    })
  }

  app.get('/health', async () => ({ status: 'ok' }))
  // Text is read by no route; a page of another site may send it unasked.
  app.removeContentTypeParser('text/plain')
  await app.register(formbody)
  await app.register(venteApi, { articles, now })
  await app.register(achatApi, { articles, now })
  await app.register(homePages, { pages })
  await app.register(ventePages, { articles, pages, now })
  await app.register(achatPages, { articles, pages, now })
  return app
}
