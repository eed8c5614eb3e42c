import type { GatewayConfig } from './config.ts'

/**
 * `redis://user:secret@host/0` → `redis://***@host/0`. Everything up to the last `@` goes: a password with a bare
 * `/` or `@` makes a URL that does not parse, and that is just when it is printed in a problem.
 */
export function maskUrl(url: string): string {
  return url.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?).*@/is, '$1***@').replace(/\?.*$/, '?***')
}

/** The loaded configuration for people to read: no token, no password. */
export function maskedConfig(config: GatewayConfig): GatewayConfig {
  const { sessions, hits, accounts } = config.stores
  return {
    ...config,
    admin: { ...config.admin, token: config.admin.token === null ? null : '***' },
    check: config.check && { ...config.check, token: config.check.token === null ? null : '***' },
    stores: {
      ...config.stores,
      sessions: masked(sessions),
      hits: masked(hits),
      accounts: masked(accounts),
    },
    mail: config.mail && masked(config.mail),
    identity: { ...config.identity, issuers: config.identity.issuers.map(maskedIssuer) },
    cache: { ...config.cache, home: masked(config.cache.home) },
    upstreams: config.upstreams.map((upstream) => ({ ...upstream, targets: upstream.targets.map(masked) })),
  }
}

function maskedIssuer(issuer: GatewayConfig['identity']['issuers'][number]) {
  const { keys } = issuer
  return { ...issuer, keys: keys.kind === 'secret' ? { ...keys, secret: '***' } : masked(keys) }
}

function masked<Part extends object>(part: Part): Part {
  return 'url' in part && typeof part.url === 'string' ? { ...part, url: maskUrl(part.url) } : part
}
