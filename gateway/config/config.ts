import type { DelegateRules } from '../identity/delegate.ts'
import type { IssuerOptions } from '../identity/issuers/issuers.ts'
import type { Policy } from '../limiting/policy.ts'
import type { Upstream } from '../proxying/upstream.ts'
import type { Route } from '../routing/route.ts'

export type SessionsStore =
  | { kind: 'embedded' }
  | { kind: 'redis'; url: string }
  | { kind: 'redis-cluster'; url: string }
export type HitsStore =
  | { kind: 'embedded' }
  | { kind: 'sqlite'; file: string }
  | { kind: 'redis'; url: string }
export type AccountsStore = { kind: 'sqlite'; file: string } | { kind: 'mysql'; url: string }
export type CacheStore = { kind: 'embedded' } | { kind: 'redis'; url: string }
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

export interface UpstreamConfig extends Omit<Upstream, 'ca'> {
  /** Path of a PEM file, or null for the authorities Node trusts. */
  readonly ca: string | null
}

/** A checked configuration: defaults filled in, durations in milliseconds, names resolved. */
export interface GatewayConfig {
  readonly listen: {
    readonly host: string
    readonly port: number
    /** Origin without a trailing slash. With port 0 and none given it is `http://localhost`, without the port. */
    readonly publicUrl: string
    readonly trustedProxies: readonly string[]
    /** Paths of PEM files; null: in clear. */
    readonly tls: { readonly cert: string; readonly key: string; readonly http2: boolean } | null
  }
  readonly admin: {
    readonly host: string
    readonly port: number
    /** Null: make one at start and print it. */
    readonly token: string | null
  }
  /** Null: no such listener. */
  readonly check: {
    readonly host: string
    readonly port: number
    readonly policy: Policy
    /** Null: none is asked for. */
    readonly token: string | null
  } | null
  readonly stores: {
    readonly sessions: SessionsStore
    readonly hits: HitsStore
    readonly accounts: AccountsStore
    readonly deadlineMs: number
    /** How many gateways share the stores. */
    readonly instances: number
  }
  readonly identity: {
    readonly keysDirectory: string
    /** Null: signing keys are replaced by hand only. */
    readonly rotateKeysEveryMs: number | null
    readonly accessTokenLifetimeMs: number
    readonly sessionLifetimeMs: number
    readonly idleLifetimeMs: number
    readonly refreshGraceMs: number
    readonly issuer: string
    readonly audience: string
    /** Others whose tokens are believed. */
    readonly issuers: readonly IssuerOptions[]
    readonly isRegistrationOpen: boolean
    readonly secureCookies: boolean
    /** Null: the login is ours. */
    readonly delegate: DelegateRules | null
  }
  /** Null: none are sent, and what needs one is closed. */
  readonly mail:
    | {
        readonly kind: 'smtp'
        readonly url: string
        readonly from: string
        /** Path of a PEM file, or null for the authorities Node trusts. */
        readonly ca: string | null
      }
    | { readonly kind: 'outbox'; readonly directory: string; readonly from: string }
    | null
  /** Every policy of the file, used or not, in its order. */
  readonly policies: readonly Policy[]
  readonly login: { readonly policies: readonly Policy[] }
  readonly answers: {
    readonly partitionKeys: boolean
    readonly legacyHeaders: boolean
    /** Origins as browsers send them, or `*`. */
    readonly corsOrigins: '*' | readonly string[]
  }
  /** Where answers of routes with a cache are kept. */
  readonly cache: {
    readonly home: CacheStore
    readonly maxBytes: number
    readonly maxEntryBytes: number
  }
  readonly upstreams: readonly UpstreamConfig[]
  readonly routes: readonly Route[]
  readonly limits: {
    readonly maxBodyBytes: number
    readonly headersTimeoutMs: number
    readonly requestTimeoutMs: number
    readonly drainTimeoutMs: number
    readonly maxInFlight: number
    readonly maxEventLoopLagMs: number
    /** Null: as the system's limit of open files allows. */
    readonly maxConnections: number | null
  }
  /** Processes that serve side by side. */
  readonly workers: number
  readonly log: { readonly level: LogLevel }
}
