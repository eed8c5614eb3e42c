import { type BenchCase, callersOf, pathOf, policyNameOf } from './cases.ts'

export interface BenchPlaces {
  readonly upstreamUrl: string
  readonly sessionsUrl: string
  readonly hitsUrl: string
  readonly accountsFile: string
  readonly keysDirectory: string
}

/** The gateway's configuration for these cases, as text for its file: JSON, which is YAML too. */
export function gatewayConfig(cases: readonly BenchCase[], users: number, places: BenchPlaces): string {
  const policies: Record<string, object> = {}
  const routes: object[] = [{ path: '/', upstream: 'stub', access: 'public' }]
  for (const benchCase of cases) {
    if (benchCase.route === null) continue
    const { policies: wanted, ...route } = benchCase.route
    const names = wanted.map((policy, index) => {
      const name = policyNameOf(benchCase, index)
      const per = typeof policy.per === 'string' ? policy.per : policy.per(callersOf(benchCase, users))
      policies[name] = { ...policy, per, whenStoreIsDown: 'closed' }
      return name
    })
    routes.push({ path: pathOf(benchCase), upstream: 'stub', ...route, policies: names })
  }
  return JSON.stringify({
    // The flood of logins comes from many addresses.
    listen: { port: 0, trustedProxies: '127.0.0.1' },
    admin: { port: 0 },
    stores: {
      sessions: places.sessionsUrl,
      hits: places.hitsUrl,
      accounts: `sqlite:${places.accountsFile}`,
      // A load that fills every core delays answers; a late one would be a 503, and so end the benchmark.
      deadline: '2s',
    },
    identity: {
      keysDirectory: places.keysDirectory,
      accessTokenLifetime: '12h',
      sessionLifetime: '12h',
    },
    policies,
    // A thousand logins from one address are the preparation here, not an attack.
    login: { policies: [] },
    upstreams: { stub: { url: places.upstreamUrl } },
    routes,
    log: { level: 'warn' },
  })
}
