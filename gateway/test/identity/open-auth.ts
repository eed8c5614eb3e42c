import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openSqlite } from '../../connections/sqlite.ts'
import { createAccountLinks } from '../../identity/account-links.ts'
import { createSqliteAccounts } from '../../identity/accounts.sqlite.ts'
import { type AuthOptions, authRoutes } from '../../identity/auth.routes.ts'
import { createSqliteCodes } from '../../identity/codes.sqlite.ts'
import { createSessionCookies } from '../../identity/cookies.ts'
import { identifyCaller } from '../../identity/identify-caller.step.ts'
import type { LoginDelays } from '../../identity/login-delays.ts'
import type { Mail, Recipient } from '../../identity/mails/mail.ts'
import { migrateSqlite } from '../../identity/migrations.sqlite.ts'
import { createOneTimeCodes } from '../../identity/one-time-code.ts'
import { createPasswordHashing } from '../../identity/password-hashing.ts'
import { createSuccession } from '../../identity/refresh-token.ts'
import { createEmbeddedSessions } from '../../identity/sessions.embedded.ts'
import { openSigningKeys } from '../../identity/signing-keys.ts'
import { createTokens } from '../../identity/tokens.ts'
import type { Journey } from '../../journey.ts'
import { createListener } from '../../listener.ts'
import type { Route } from '../../routing/route.ts'
import { walk } from '../../steps.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON. */
  readonly body: Readonly<Record<string, unknown>>
  /** Name and value of every cookie set; an empty value was taken back. */
  readonly cookies: Readonly<Record<string, string>>
}

export interface Sending {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  readonly text?: string
}

export type AuthBench = Awaited<ReturnType<typeof openAuth>>

/** The parts that a test may exchange, and whether cookies are those of https. */
export type AuthBenchOptions = Partial<AuthOptions> & { readonly isSecure?: boolean }

/** Tests of wrong passwords, of which there are many, wait for none. */
const noDelays: LoginDelays = {
  begin: async () => 0,
  takeBack: async () => undefined,
  forget: async () => undefined,
}

/**
 * The routes of identity on a port of their own over real embedded stores, with `/private` and `/public`
 * behind the identify step, which answer who is calling.
 */
export async function openAuth({ isSecure = true, ...exchanged }: AuthBenchOptions = {}) {
  const opened = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'guichet-auth-'))
  opened.defer(() => rm(directory, { recursive: true }))
  const { database } = opened.use(openSqlite(':memory:'))
  migrateSqlite(database)
  const accounts = createSqliteAccounts(database)
  const sessions = createEmbeddedSessions({ now: () => clock.now })
  const hashing = createPasswordHashing()
  const clock = { now: 1_800_000_000_000 }
  const lifetimes = {
    accessTokenLifetimeMs: 900_000,
    sessionLifetimeMs: 43_200_000,
    idleLifetimeMs: 7_200_000,
    refreshGraceMs: 10_000,
  }
  const keys = await openSigningKeys({ directory, tokenLifetimeMs: lifetimes.accessTokenLifetimeMs })
  const issuing = {
    issuer: 'http://localhost',
    audience: 'guichet',
    lifetimeMs: lifetimes.accessTokenLifetimeMs,
  }
  const tokens = createTokens({ keys, ...issuing, now: () => clock.now })
  const cookies = createSessionCookies({
    isSecure,
    accessLifetimeMs: lifetimes.accessTokenLifetimeMs,
    sessionLifetimeMs: lifetimes.sessionLifetimeMs,
  })
  const asked: { email: string | null; address: string }[] = []
  const taken: string[] = []
  const results: string[] = []
  const codes = createSqliteCodes(database)
  const oneTimeCodes = createOneTimeCodes(keys.secretFor('one-time codes'))
  const sent: { to: Recipient; mail: Mail }[] = []
  const options: AuthOptions = {
    accounts,
    sessions,
    hashing,
    keys,
    tokens,
    cookies,
    succeed: createSuccession(keys.secretFor('refresh tokens')),
    codes,
    oneTimeCodes,
    links: createAccountLinks('http://etu.example'),
    mails: { send: (to, mail) => void sent.push({ to, mail }) },
    isRegistrationOpen: true,
    // Tests of what these calls do, of which there are many, wait for none.
    evenTimeMs: 0,
    ...lifetimes,
    now: () => clock.now,
    admitLogin: async (email, address) => {
      asked.push({ email, address })
      return async (accountEmail) => void taken.push(accountEmail)
    },
    loginDelays: noDelays,
    networkOf: (address) => `a:${address}`,
    loggedIn: (result) => void results.push(result),
    drawQuota: async () => ({ kind: 'section', head: '', html: '<section><h2>Calls</h2></section>' }),
    ...exchanged,
  }

  const log = pino({ level: 'silent' })
  const app = createListener({
    log,
    requestTimeoutMs: 10_000,
    draining: { isDraining: false },
  })
  opened.defer(() => app.close())
  app.decorateRequest('journey', null as unknown as Journey)
  app.addHook('onRequest', async (request) => {
    const access = request.url.startsWith('/private') ? 'connected' : 'public'
    const isProxied = /^\/(private|public)/.test(request.url)
    const route: Route = {
      name: 'r',
      path: '/',
      service: null,
      upstream: 'u',
      access,
      crossSite: 'refuse',
      policies: [],
      cost: 1,
      isCached: false,
      responseTimeoutMs: null,
    }
    request.journey = {
      requestId: request.id,
      startedAtMs: 0,
      path: request.url,
      address: request.ip,
      route: isProxied ? route : null,
      caller: { kind: 'anonymous' },
      decision: null,
      reportedCost: null,
      upstreamStartedAtMs: null,
      upstreamDurationMs: null,
      cache: null,
      filterAnswer: null,
      heldOpen: null,
    }
  })
  await app.register(authRoutes, options)
  const onRequest = walk([identifyCaller({ tokens, cookies })])
  for (const url of ['/private', '/private/*', '/public']) {
    app.all(url, { onRequest }, async ({ journey }) => journey.caller)
  }
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    clock,
    database,
    accounts,
    codes,
    oneTimeCodes,
    sessions,
    hashing,
    tokens,
    keys,
    cookies,
    /** What the limits on logins were asked about. */
    asked,
    /** Under which e-mail logins took a place. */
    taken,
    /** Mails as they were handed over; tests of real mails have a server of their own. */
    sent,
    /** How logins ended, as the metrics hear of it. */
    results,
    send: (path: string, sending?: Sending) => send(port, path, sending),
    async addAccount(email: string, password: string, isActive = true) {
      const passwordHash = await hashing.hashPassword(password)
      const created = await accounts.create({
        firstName: 'Ada',
        lastName: 'Lovelace',
        email,
        passwordHash,
        role: 'user',
      })
      if (created.kind === 'email-taken') throw new Error(`${email} is taken`)
      if (!isActive) await accounts.update(created.account.id, { isActive: false })
      return created.account
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Bare node:http: `fetch` would write its own Sec-Fetch-Mode and follow redirects. */
function send(
  port: number,
  path: string,
  { method, headers, json, form, text }: Sending = {},
): Promise<Answer> {
  const body = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : text
  const type =
    json !== undefined ? 'application/json' : form ? 'application/x-www-form-urlencoded' : undefined
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    })
    outgoing.once('error', reject)
    outgoing.once('response', (incoming) => {
      incoming.setEncoding('utf8')
      let received = ''
      incoming.on('data', (chunk: string) => {
        received += chunk
      })
      incoming.once('end', () => {
        const { statusCode = 0, headers: answered } = incoming
        resolve({
          status: statusCode,
          headers: answered,
          text: received,
          get body() {
            return JSON.parse(received)
          },
          cookies: Object.fromEntries(
            (answered['set-cookie'] ?? []).map((line) => line.split(';')[0]?.split('=') as [string, string]),
          ),
        })
      })
    })
    outgoing.end(body)
  })
}
