import type { LogLevel } from 'fastify'
import type { ProofSettings } from './proof.ts'

export interface Settings {
  host: string
  port: number
  databaseUrl: string
  demoData: boolean
  /** Where "log in" leads; empty hides the link. */
  loginUrl: string
  /** Where the "log out" form is posted; empty hides it. */
  logoutUrl: string
  /** Where the visitor's account is; empty hides the link. */
  accountUrl: string
  logLevel: LogLevel
  /** Null: X-Forwarded-User is believed as it is. */
  proof: ProofSettings | null
  /** Stop when the standard input ends, as it does when whoever started us is gone. */
  stopWithStdin: boolean
}

export type ReadSettings = { kind: 'read'; settings: Settings } | { kind: 'invalid'; problems: string[] }

const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** Reads the environment and names every mistake in it at once, each with its cure. */
export function readSettings(env: Record<string, string | undefined>): ReadSettings {
  const problems: string[] = []
  const port = env.PORT ?? '3000'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    problems.push(`PORT=${port} is no port: give a number from 0 (any free one) to 65535.`)
  }
  const databaseUrl = env.DATABASE_URL || 'sqlite:data/etuservices.sqlite'
  const database = databaseProblem(databaseUrl)
  if (database !== undefined) problems.push(database)
  const proof = readProof(env, problems)
  const asked = env.LOG_LEVEL || 'warn'
  const logLevel = logLevels.find((level) => level === asked)
  if (logLevel === undefined) problems.push(`LOG_LEVEL=${asked} is unknown: give ${logLevels.join(', ')}.`)
  if (problems.length > 0 || logLevel === undefined) return { kind: 'invalid', problems }

  const settings: Settings = {
    host: env.HOST || '127.0.0.1',
    port: Number(port),
    databaseUrl,
    demoData: env.DEMO_DATA === '1',
    loginUrl: env.LOGIN_URL ?? '/auth/login?return_to=/services',
    logoutUrl: env.LOGOUT_URL ?? '/auth/logout',
    accountUrl: env.ACCOUNT_URL ?? '/auth/account',
    logLevel,
    proof,
    stopWithStdin: env.STOP_WITH_STDIN === '1',
  }
  return { kind: 'read', settings }
}

function readProof(env: Record<string, string | undefined>, problems: string[]): ProofSettings | null {
  const { GUICHET_JWKS_URL: jwksUrl, GUICHET_ISSUER: issuer, GUICHET_AUDIENCE: audience } = env
  if (!jwksUrl) return null
  if (!/^https?:\/\//.test(jwksUrl) || !URL.canParse(jwksUrl)) {
    problems.push(`GUICHET_JWKS_URL=${jwksUrl} is no URL: give http://GATEWAY/.well-known/jwks.json.`)
  }
  if (!issuer) {
    problems.push(
      'GUICHET_JWKS_URL goes with GUICHET_ISSUER: give the gateway’s public URL, as in its configuration.',
    )
  }
  return { jwksUrl, issuer: issuer ?? '', audience: audience || 'etuservices' }
}

function databaseProblem(url: string): string | undefined {
  const examples = 'sqlite:data/etuservices.sqlite or mysql://user:password@127.0.0.1:3306/etuservices'
  if (url.startsWith('sqlite:')) {
    return url.length > 'sqlite:'.length ? undefined : `DATABASE_URL names no file: give ${examples}.`
  }
  if (!url.startsWith('mysql://')) {
    return `DATABASE_URL is neither sqlite:FILE nor mysql://…: give ${examples}.`
  }
  if (!URL.canParse(url) || /[@/]/.test(new URL(url).pathname.slice(1))) {
    return `DATABASE_URL cannot be read as a URL: give ${examples}; escape @ : / ? # in a password (%40 %3A %2F %3F %23).`
  }
  return new URL(url).pathname.length > 1
    ? undefined
    : `DATABASE_URL names no database: put it after the last slash, as in ${examples}.`
}
