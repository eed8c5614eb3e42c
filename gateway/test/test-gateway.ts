import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Gateway, openGateway } from '../compose.ts'
import { parseConfig } from '../config/load.ts'
import { createAccount } from '../identity/create-account.ts'
import { createPasswordHashing } from '../identity/password-hashing.ts'
import { openAccounts } from '../open-stores.ts'

export interface TestGatewayOptions {
  /** Origin of the app behind it. */
  readonly upstream: string
  /** `embedded` unless told; a Redis URL shares sessions and windows. */
  readonly sessions?: string
  readonly hits?: string
  readonly accounts?: string
  /** Share it between gateways to share accounts in SQLite and the signing key. */
  readonly directory?: string
  /** Merged over the defaults, section by section. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Receives the log, line by line. */
  readonly onLog?: (line: string) => void
}

export interface TestGateway extends Gateway {
  readonly directory: string
}

/** The account that every test gateway's directory may be given. */
export const ada = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@etu.example',
  password: 'analytical engine',
} as const

/** The configuration file of a test gateway, as an object; JSON is YAML too. */
export function testConfig(
  options: TestGatewayOptions & { readonly directory: string },
): Record<string, unknown> {
  const { directory, upstream } = options
  const database = `sqlite:${join(directory, 'guichet.sqlite')}`
  return {
    listen: { host: '127.0.0.1', port: 0, publicUrl: 'http://localhost' },
    admin: { host: '127.0.0.1', port: 0, token: 'test-admin-token-0123456789' },
    stores: {
      sessions: options.sessions ?? 'embedded',
      hits: options.hits ?? database,
      accounts: options.accounts ?? database,
      deadline: '100ms',
    },
    identity: { keysDirectory: join(directory, 'keys'), accessTokenLifetime: '15m', sessionLifetime: '12h' },
    policies: {
      calls: { quota: 10, per: '10m', by: 'user' },
      logins: { quota: 1000, per: '10m', by: 'account' },
    },
    login: { policies: ['logins'] },
    upstreams: { app: { url: upstream, connectTimeout: '1s', responseTimeout: '2s' } },
    routes: [
      { path: '/', upstream: 'app', access: 'public' },
      { path: '/api/vente', service: 'vente', upstream: 'app', access: 'connected', policies: ['calls'] },
      { path: '/api/achat', service: 'achat', upstream: 'app', access: 'connected', policies: ['calls'] },
    ],
    log: { level: options.onLog === undefined ? 'silent' : 'info' },
    ...options.config,
  }
}

/** A gateway in this process, on free ports, over real stores. */
export async function openTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  await using opening = new AsyncDisposableStack()
  const directory = options.directory ?? opening.use(await temporaryDirectory()).path
  const text = JSON.stringify(testConfig({ ...options, directory }))
  const parsed = parseConfig(text, { file: 'test', environment: {} })
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems, null, 2))
  const { onLog } = options
  const log = pino(
    { level: onLog === undefined ? 'silent' : 'info' },
    { write: (line: string) => onLog?.(line) },
  )
  const gateway = opening.use(await openGateway(parsed.config, log))
  const opened = opening.move()
  return {
    ...gateway,
    directory,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const hashing = createPasswordHashing()

/** Puts an account into the store at `place` (`sqlite:FILE` or `mysql://…`), or Ada into the gateway's own. */
export async function addAccount(
  { directory }: { directory: string },
  person: { firstName: string; lastName: string; email: string; password: string; plan?: string } = ada,
  mysqlUrl?: string,
): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const place =
    mysqlUrl === undefined
      ? ({ kind: 'sqlite', file: join(directory, 'guichet.sqlite') } as const)
      : ({ kind: 'mysql', url: mysqlUrl } as const)
  const { home: accounts } = await openAccounts(place, opened, pino({ level: 'silent' }))
  const result = await createAccount({ accounts, hashing }, { ...person, role: 'user' })
  if (result.kind !== 'created') throw new Error(JSON.stringify(result))
}

export interface LoggedIn {
  readonly accessToken: string
  readonly refreshToken: string
  readonly account: { readonly id: string }
  readonly authorization: { readonly authorization: string }
}

export async function logIn(
  { url }: { url: string },
  { email, password }: { email: string; password: string } = ada,
): Promise<LoggedIn> {
  const response = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  if (response.status !== 200) throw new Error(`login answered ${response.status}: ${await response.text()}`)
  const body = (await response.json()) as Omit<LoggedIn, 'authorization'>
  return { ...body, authorization: { authorization: `Bearer ${body.accessToken}` } }
}
