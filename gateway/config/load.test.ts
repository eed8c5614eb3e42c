import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { plainPolicy } from '../limiting/policy.ts'
import { formatProblem, loadConfig, maskedConfig, parseConfig } from './load.ts'

const app = 'upstreams: { app: { url: "http://127.0.0.1:3000/" } }\n'
const smallest = `${app}routes: [{ path: /, upstream: app }]\n`

function load(text: string, environment: Record<string, string> = {}) {
  const result = parseConfig(text, { file: 'g.yaml', environment })
  if (result.kind === 'bad') throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.config
}

function problems(text: string, environment: Record<string, string> = {}) {
  const result = parseConfig(text, { file: 'g.yaml', environment })
  return result.kind === 'bad' ? result.problems.map(formatProblem) : []
}

describe('the shipped files', () => {
  test.each(['config/gateway.yaml', 'config/demo.yaml'])('%s is sound in an empty environment', (file) => {
    expect(loadConfig(file, {})).toMatchObject({ kind: 'loaded' })
  })

  test('gateway.yaml takes its stores, upstream and token from the environment', () => {
    const result = loadConfig('config/gateway.yaml', {
      PORT: '0',
      ADMIN_PORT: '0',
      REDIS_URL: 'rediss://:hush@redis:6380/2',
      REDIS_HITS_URL: 'redis://hits:6379/0',
      MYSQL_URL: 'mysql://a:b@db:3306/shop',
      UPSTREAM_URL: 'http://shop:3000',
      GUICHET_ADMIN_TOKEN: '0123',
      TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      PUBLIC_URL: 'https://shop.example/',
      LOG_LEVEL: 'silent',
    })
    expect(result).toMatchObject({
      kind: 'loaded',
      config: {
        listen: { port: 0, publicUrl: 'https://shop.example', trustedProxies: ['10.0.0.0/8', '::1'] },
        admin: { port: 0, token: '0123' },
        stores: {
          sessions: { kind: 'redis', url: 'rediss://:hush@redis:6380/2' },
          hits: { kind: 'redis', url: 'redis://hits:6379/0' },
          accounts: { kind: 'mysql', url: 'mysql://a:b@db:3306/shop' },
        },
        identity: { issuer: 'https://shop.example', secureCookies: true },
        upstreams: [{ targets: [{ url: 'http://shop:3000' }] }],
        log: { level: 'silent' },
      },
    })
  })
})

test('defaults fill every key left out, and durations become milliseconds', () => {
  expect(load(smallest)).toEqual({
    listen: {
      host: '127.0.0.1',
      port: 8080,
      publicUrl: 'http://localhost:8080',
      trustedProxies: [],
      tls: null,
    },
    admin: { host: '127.0.0.1', port: 9090, token: null },
    check: null,
    stores: {
      sessions: { kind: 'embedded' },
      hits: { kind: 'embedded' },
      accounts: { kind: 'sqlite', file: 'data/guichet.sqlite' },
      deadlineMs: 100,
      instances: 1,
    },
    identity: {
      keysDirectory: 'data/keys',
      rotateKeysEveryMs: null,
      issuers: [],
      accessTokenLifetimeMs: 900_000,
      sessionLifetimeMs: 43_200_000,
      idleLifetimeMs: 7_200_000,
      refreshGraceMs: 10_000,
      issuer: 'http://localhost:8080',
      audience: 'guichet',
      isRegistrationOpen: true,
      delegate: null,
      secureCookies: false,
    },
    mail: null,
    policies: [],
    login: { policies: [] },
    answers: { partitionKeys: false, legacyHeaders: false, corsOrigins: [] },
    cache: { home: { kind: 'embedded' }, maxBytes: 67_108_864, maxEntryBytes: 1_048_576 },
    upstreams: [
      {
        name: 'app',
        targets: [{ url: 'http://127.0.0.1:3000', weight: 1 }],
        balance: 'round-robin',
        hashBy: { kind: 'user' },
        maxConnections: 256,
        maxQueue: 1_024,
        probe: null,
        eject: { failures: 5, forMs: 10_000 },
        retries: { attempts: 1, budget: 0.1 },
        slowStartMs: 0,
        connectTimeoutMs: 2_000,
        responseTimeoutMs: 30_000,
        idleTimeoutMs: 300_000,
        ca: null,
      },
    ],
    routes: [
      {
        name: '/',
        path: '/',
        service: null,
        upstream: 'app',
        access: 'connected',
        crossSite: 'refuse',
        policies: [],
        cost: 1,
        isCached: false,
        responseTimeoutMs: null,
      },
    ],
    limits: {
      maxBodyBytes: 104_857_600,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 60_000,
      drainTimeoutMs: 10_000,
      maxInFlight: 10_000,
      maxEventLoopLagMs: 1_000,
      maxConnections: null,
    },
    workers: 1,
    log: { level: 'info' },
  })
})

test('a section or key left empty counts as left out', () => {
  expect(load(`listen:\nadmin:\n  token:\n${smallest}`)).toEqual(load(smallest))
})

test.each([
  ['sessionLifetime: 30m', 1_800_000],
  ['accessTokenLifetime: 3h', 21_600_000],
  ['accessTokenLifetime: 8h', 43_200_000],
  ['idleLifetime: 20m', 1_200_000],
])('with %s an unused session lives for %i ms', (key, idleLifetimeMs) => {
  expect(load(`identity: { ${key} }\n${smallest}`).identity).toMatchObject({ idleLifetimeMs })
})

test('routes and login hold the policies they name', () => {
  const { routes, login } = load(`
policies:
  constructor: { quota: 3, per: 1d, by: address, whenStoreIsDown: closed }
login: { policies: [constructor] }
${app}
routes: [{ path: /, upstream: app, policies: [constructor] }]`)
  const policy = plainPolicy('constructor', 3, 86_400_000, { by: ['address'], whenStoreIsDown: 'closed' })
  expect(routes[0]?.policies).toEqual([policy])
  expect(login.policies).toEqual([policy])
})

describe('a policy', () => {
  const policy = (keys: string) => load(`policies: { p: { quota: 10, ${keys} } }\n${smallest}`).policies[0]

  test('is plain unless the file says more', () => {
    expect(policy('per: 1s')).toEqual(plainPolicy('p', 10, 1_000))
  })

  test('says all that the limiter can do', () => {
    const { policies, routes } = load(`
policies:
  all:
    quota: 10
    per: 1h
    algorithm: gcra
    burst: 5
    quotas: { gold: 100, admin: 1000000000 }
    by: [user, "header:X-Api-Key"]
    whenKeyIsMissing: deny
    scope: service
    costHeader: X-Cost
    countsDenied: true
    refund: [502, "503", aborted, cached]
    enforcePercent: 25
    ban: { afterDenials: 20, for: 30s }
    whenStoreIsDown: open
${app}
routes: [{ path: /, upstream: app, policies: [all], cost: 5 }]`)
    const all = {
      name: 'all',
      algorithm: 'gcra',
      quota: 10,
      windowMs: 3_600_000,
      burst: 5,
      quotas: { gold: 100, admin: 1_000_000_000 },
      by: ['user', 'header:x-api-key'],
      whenKeyIsMissing: 'deny',
      scope: 'service',
      costHeader: 'x-cost',
      countsDenied: true,
      refund: ['502', '503', 'aborted', 'cached'],
      enforcePercent: 25,
      ban: { afterDenials: 20, forMs: 30_000, atMostMs: 86_400_000 },
      whenStoreIsDown: 'open',
    }
    expect(policies).toEqual([all])
    expect(routes).toMatchObject([{ cost: 5, policies: [all] }])
  })

  test('that is a shadow is enforced for nobody', () => {
    expect(policy('per: 1s, mode: shadow')).toMatchObject({ enforcePercent: 0 })
    expect(policy('per: 1s, mode: enforce')).toMatchObject({ enforcePercent: 100 })
  })

  test('of calls that run at once counts each for a minute at most, unless the file says', () => {
    expect(policy('algorithm: concurrent')).toMatchObject({ windowMs: 60_000 })
    expect(policy('algorithm: concurrent, per: 5s')).toMatchObject({ windowMs: 5_000 })
  })

  test('lets a plan burst as far as its own quota unless the file says', () => {
    expect(policy('per: 1s, algorithm: gcra, quotas: { gold: 50 }')).toMatchObject({ burst: 50 })
  })

  test('by a header may count logins, as one by account or address may', () => {
    const text = `policies: { p: { quota: 1, per: 1s, by: [account, address, "header:x-app"] } }\nlogin: { policies: [p] }\n${smallest}`
    expect(problems(text)).toEqual([])
  })
})

test('a policy by user may stand on a public route', () => {
  const text = `policies: { calls: { quota: 1, per: 1s } }\n${app}routes: [{ path: /, upstream: app, access: public, policies: [calls] }]`
  expect(problems(text)).toEqual([])
})

describe('the environment', () => {
  test('fills parts of values, and a default stands in for an unset or empty variable', () => {
    const text = `identity: { audience: "\${A}-\${B:-b}-\${C:-c}" }\n${smallest}`
    expect(load(text, { A: 'a', C: '' }).identity.audience).toBe('a-b-c')
  })

  test('is typed by the schema: numbers and flags where they belong, text elsewhere', () => {
    const text = `listen: { port: "\${P}" }\nadmin: { token: "\${T}" }\nidentity: { secureCookies: "\${S}" }\n${smallest}`
    const config = load(text, { P: '81', T: '007', S: 'true' })
    expect(config.listen.port).toBe(81)
    expect(config.admin.token).toBe('007')
    expect(config.identity.secureCookies).toBe(true)
  })

  test('cannot smuggle in YAML or a second substitution', () => {
    const token = '$' + '{HOME} # x: [y'
    expect(load(`admin:\n  token: \${T}\n${smallest}`, { T: token }).admin.token).toBe(token)
  })

  test('is not looked up in keys and comments', () => {
    expect(problems(`# \${NOBODY}\n${smallest}`)).toEqual([])
  })
})

test('anchors and aliases work, and a problem behind an alias is still found', () => {
  const text = (per: string) => `
policies:
  a: &same { quota: 1, per: ${per} }
  b: *same
${smallest}`
  expect(load(text('1s')).policies.map(({ name }) => name)).toEqual(['a', 'b'])
  expect(problems(text('1'))).toEqual([
    'g.yaml:3:29: policies.a.per: not a duration from 1ms to 400d, found 1 – write 1s or 1ms',
    'g.yaml:3:29: policies.b.per: not a duration from 1ms to 400d, found 1 – write 1s or 1ms',
  ])
})

test('a file that is missing, or a folder, is one clear problem', () => {
  const of = (file: string) => {
    const result = loadConfig(file, {})
    return result.kind === 'bad' ? result.problems.map(formatProblem) : []
  }
  expect(of('nowhere.yaml')).toEqual(['nowhere.yaml: no such file – name an existing file: --config FILE'])
  expect(of('config')).toEqual(['config: a directory, not a file – name the YAML file in it'])
})

test('the masked configuration shows neither token nor passwords, and all the rest', () => {
  const config = load(`
admin: { token: hush }
stores:
  sessions: redis://:hush@r:6379/0
  hits: redis://u:hush@r:6379/1?password=hush
  accounts: mysql://u:hush@m:3306/shop
mail: { smtp: 'smtps://u:hush@mail:465', from: g@example.org }
identity:
  issuers:
    campus:
      { issuer: c, audience: g, algorithms: [HS256], secret: hush-hush-hush-hush-hush-hush-hush }
    school:
      { issuer: s, audience: g, algorithms: [RS256], jwksUrl: 'https://u:hush@s.example/jwks.json' }
${smallest}`)
  const masked = maskedConfig(config)
  expect(JSON.stringify(masked)).not.toContain('hush')
  expect(masked).toEqual({
    ...config,
    admin: { ...config.admin, token: '***' },
    stores: {
      ...config.stores,
      sessions: { kind: 'redis', url: 'redis://***@r:6379/0' },
      hits: { kind: 'redis', url: 'redis://***@r:6379/1?***' },
      accounts: { kind: 'mysql', url: 'mysql://***@m:3306/shop' },
    },
    mail: { kind: 'smtp', url: 'smtps://***@mail:465', from: 'g@example.org', ca: null },
    identity: { ...config.identity, issuers: [expect.anything(), expect.anything()] },
  })
  expect(masked.identity.issuers.map(({ keys }) => keys)).toEqual([
    { kind: 'secret', secret: '***' },
    { kind: 'jwks', url: 'https://***@s.example/jwks.json' },
  ])
})

test('mails are sent, or kept in a directory, or there are none; the sender is of the public URL unless named', () => {
  const mailOf = (mail: string) =>
    load(`listen: { publicUrl: 'https://etu.example:8443' }\nmail: ${mail}\n${smallest}`).mail
  expect(mailOf('{}')).toBeNull()
  expect(mailOf('{ smtp: "", outbox: "" }')).toBeNull()
  const from = 'Guichet <no-reply@etu.example>'
  expect(mailOf('{ outbox: data/outbox }')).toEqual({ kind: 'outbox', directory: 'data/outbox', from })
  expect(mailOf("{ smtp: 'smtp://mail:25', ca: ca.pem, from: 'Les Étudiants <a@b.example>' }")).toEqual({
    kind: 'smtp',
    url: 'smtp://mail:25',
    from: 'Les Étudiants <a@b.example>',
    ca: 'ca.pem',
  })
})

test('one worker for each processor with auto, and one where something is kept in the process', () => {
  const shared = 'stores: { sessions: "redis://127.0.0.1:6379/0", hits: "sqlite:hits.sqlite" }'
  const workersOf = (...lines: string[]) => load([...lines, smallest].join('\n')).workers
  expect(workersOf('workers: auto', shared)).toBe(availableParallelism())
  expect(workersOf('workers: 3', shared)).toBe(3)
  expect(workersOf('workers: auto')).toBe(1)
  expect(workersOf('workers: auto', shared.replace(/sqlite:[^"]+/, 'embedded'))).toBe(1)
})
