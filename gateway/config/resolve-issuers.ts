import type { GatewayConfig } from './config.ts'
import { durationMs } from './resolve-policy.ts'
import type { ConfigFile } from './schema.ts'

type Issuers = ConfigFile['identity']['issuers']

export function resolveIssuers(issuers: Issuers): GatewayConfig['identity']['issuers'] {
  return Object.entries(issuers).map(([name, { issuer, audience, algorithms, leeway, claims, ...keys }]) => ({
    name,
    issuer,
    audience,
    algorithms,
    keys: keysOf(keys),
    leewayMs: durationMs(leeway),
    claims: { ...claims, role: claims.role || null, plan: claims.plan || null },
  }))
}

/** Validation has seen to it that there is exactly one. */
function keysOf({ jwksUrl, publicKey, secret }: Pick<Issuers[string], 'jwksUrl' | 'publicKey' | 'secret'>) {
  if (jwksUrl !== undefined) return { kind: 'jwks', url: jwksUrl } as const
  if (publicKey !== undefined) return { kind: 'public-key', file: publicKey } as const
  return { kind: 'secret', secret: secret ?? '' } as const
}
