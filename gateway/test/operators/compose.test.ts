import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../config/load.ts'
import { readComposeFile, type Service } from './compose-file.ts'
import { readImage } from './image.ts'
import { readText, root } from './repository.ts'

const compose = readComposeFile()
const services = Object.entries(compose.services)
const service = (name: string): Service => {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}
const environment = (name: string) => service(name).environment ?? {}
const gateway = environment('gateway')
const backend = environment('backend')

/** Names of the environment that the sources of a folder read. */
function namesReadIn(folder: string): Set<string> {
  const sources = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('test/'))
    .map((name) => readText(join(folder, name)))
  const names = sources.flatMap((source) => [...source.matchAll(/\benv(?:\.|\[')([A-Z][A-Z0-9_]*)/g)])
  return new Set(names.map(([, name = '']) => name))
}

const configured = new Map(
  [...readText('config/gateway.yaml').matchAll(/\$\{([A-Z_]+)(?::-([^}]*))?\}/g)].map(
    ([, name = '', value]): [string, string | undefined] => [name, value],
  ),
)

describe('what the services are told', () => {
  test('the gateway reads every variable it is given', () => {
    const read = new Set([...configured.keys(), ...namesReadIn('gateway')])
    expect(Object.keys(gateway).filter((name) => !read.has(name))).toEqual([])
  })

  test('the gateway is given every variable without a default, or whose default means its own container', () => {
    const needed = [...configured].filter(
      ([, value]) => value === undefined || /127\.0\.0\.1|localhost|^data\b/.test(value),
    )
    expect(needed.map(([name]) => name).filter((name) => !(name in gateway))).toEqual([])
    expect(needed.length).toBeGreaterThan(4)
  })

  test('the gateway accepts its configuration with what it is given', () => {
    const loaded = loadConfig(join(root, 'config/gateway.yaml'), gateway)
    expect(loaded).toMatchObject({
      kind: 'loaded',
      config: { listen: { trustedProxies: [gateway.TRUSTED_PROXIES] }, admin: { host: '0.0.0.0' } },
    })
  })

  test('the backend reads every variable it is given', () => {
    const read = namesReadIn('backend')
    expect(Object.keys(backend).filter((name) => !read.has(name))).toEqual([])
  })

  test('nothing has to be set before the first start', () => {
    expect(readText('docker-compose.yml').match(/(?<!\$)\$\{\w+\}/g)).toBeNull()
  })

  test('all that is published listens on loopback only', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`))
    expect(published).toEqual([
      'edge 127.0.0.1:8080:8080',
      'mail 127.0.0.1:8025:8025',
      'prometheus 127.0.0.1:9091:9090',
      'grafana 127.0.0.1:3001:3000',
    ])
  })
})

describe('who finds whom', () => {
  const urls = [...Object.entries(gateway), ...Object.entries(backend)]
    .filter(([name, value]) => name !== 'PUBLIC_URL' && URL.canParse(value))
    .map(([name, value]) => ({ name, url: new URL(value) }))

  test.each(urls)('$name names a service, its port and its password', ({ url }) => {
    const port = { redis: '6379', mysql: '3306', backend: backend.PORT, mail: '1025' }[url.hostname]
    expect(url.port).toBe(port)
    if (url.hostname === 'redis') {
      expect(service('redis').command?.join(' ')).toContain(`--requirepass ${url.password} `)
    }
    if (url.hostname === 'mysql') {
      const { MYSQL_USER, MYSQL_PASSWORD, MYSQL_DATABASE } = environment('mysql')
      const grants = compose.configs['backend-database']?.content
      const [user, password, database] = [url.username, url.password, url.pathname.slice(1)]
      if (user === MYSQL_USER) expect([password, database]).toEqual([MYSQL_PASSWORD, MYSQL_DATABASE])
      else {
        expect(grants).toContain(`CREATE DATABASE ${database};`)
        expect(grants).toContain(`CREATE USER '${user}'@'%' IDENTIFIED BY '${password}';`)
        expect(grants).toContain(`GRANT ALL ON ${database}.* TO '${user}'@'%';`)
      }
    }
  })

  test('sessions and hits live in different databases of Redis', () => {
    expect(gateway.REDIS_URL).not.toBe(gateway.REDIS_HITS_URL)
    expect(service('redis').command?.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/)
  })

  test('whoever needs a service waits until it is healthy', () => {
    const needed = new Set(urls.map(({ url }) => url.hostname))
    for (const name of needed) {
      const waits = { ...service('gateway').depends_on, ...service('backend').depends_on }[name]
      expect(waits?.condition, name).toBe('service_healthy')
    }
    for (const [name, { depends_on = {} }] of services) {
      for (const other of Object.keys(depends_on))
        expect(hasHealthcheck(other), `${name}: ${other}`).toBe(true)
    }
  })

  test('one gateway or several, a visitor comes to port 8080 and the gateways believe the edge alone', () => {
    const edge = compose.configs.edge?.content ?? ''
    expect(service('gateway').deploy?.replicas).toBe(2)
    expect(service('backend').deploy?.replicas).toBe(2)
    expect(edge).toContain(`server gateway:${gateway.PORT} resolve;`)
    expect(edge).toContain('proxy_set_header X-Forwarded-For $remote_addr;')
    expect(readText('docker-compose.yml')).toContain(`subnet: '\${SUBNET:-${gateway.TRUSTED_PROXIES}}'`)
  })

  test('Prometheus finds every gateway and brings the admin token', () => {
    const [job] = parse(readText('config/prometheus.yml')).scrape_configs
    expect(job.dns_sd_configs).toMatchObject([{ names: ['gateway'], port: Number(gateway.ADMIN_PORT) }])
    expect(gateway.ADMIN_HOST).toBe('0.0.0.0')
    const [mounted] = service('prometheus').configs ?? []
    expect(mounted?.target).toBe(`/etc/prometheus/${job.authorization.credentials_file}`)
    expect(compose.configs[mounted?.source ?? '']?.content).toBe(gateway.GUICHET_ADMIN_TOKEN)
  })

  test('Grafana finds Prometheus and the dashboard', () => {
    const datasource = parse(readText('grafana/provisioning/datasources/prometheus.yml')).datasources[0]
    expect(datasource.url).toBe('http://prometheus:9090')
    const provider = parse(readText('grafana/provisioning/dashboards/guichet.yml')).providers[0]
    expect(service('grafana').volumes).toContain(`./grafana/dashboards:${provider.options.path}:ro`)
    expect(environment('grafana').GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(
      `${provider.options.path}/guichet.json`,
    )
  })
})

function hasHealthcheck(name: string): boolean {
  const { healthcheck, build } = service(name)
  return healthcheck !== undefined || (build !== undefined && readImage(build.dockerfile).healthcheck !== '')
}

describe.each(services)('%s', (name, { build, user, volumes = [], configs = [], ...rest }) => {
  test('runs as an ordinary user, comes back after a crash and can gain nothing', () => {
    const owner = user ?? (build && readImage(build.dockerfile).user)
    expect(owner).toMatch(/^(?!root\b|0\b)\w+/)
    expect(rest).toMatchObject({
      restart: 'unless-stopped',
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
  })

  test('has a health check on the port it listens on', () => {
    const check = (rest.healthcheck?.test ?? [build && readImage(build.dockerfile).healthcheck]).join(' ')
    const ports: Record<string, RegExp> = {
      edge: /127\.0\.0\.1:8081\//,
      gateway: /process\.env\.ADMIN_PORT \|\| 9090\) \+ '\/livez'/,
      backend: /process\.env\.PORT\}\/health/,
      redis: /redis-cli ping/,
      mysql: /mysqladmin ping -h 127\.0\.0\.1/,
      mail: /readyz/,
      prometheus: /127\.0\.0\.1:9090\/-\/ready/,
      grafana: /127\.0\.0\.1:3000\/api\/health/,
    }
    expect(check).toMatch(ports[name] ?? /no port is known for this service/)
  })

  test('mounts what exists', () => {
    for (const volume of volumes) {
      const [source = '', target] = volume.split(':')
      expect(target).toMatch(/^\//)
      if (source.startsWith('.')) expect(existsSync(join(root, source)), source).toBe(true)
      else expect(Object.keys(compose.volumes)).toContain(source)
    }
    for (const { source } of configs) expect(compose.configs[source]?.content).toMatch(/\S/)
  })

  test('can be created: Compose writes no configuration into a read-only container', () => {
    expect(rest.read_only === true && configs.length > 0).toBe(false)
  })
})
