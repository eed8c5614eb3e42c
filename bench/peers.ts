import { spawnSync } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StartedProcess, startProcess } from '../gateway/test/servers/child-process.ts'
import { freePort } from '../gateway/test/servers/free-port.ts'
import type { BenchCase } from './cases.ts'

/** What others would put in front of the same app, each at its best (`peers/`). */
export const peers = [
  { name: 'nginx + Lua + Redis', program: 'nginx.js', kind: 'server', needs: 'libnginx-mod-http-lua' },
  { name: 'haproxy, not shared', program: 'haproxy.js', kind: 'server', needs: 'haproxy' },
  { name: 'fast-gateway + rate-limiter-flexible', program: 'fast-gateway.js', kind: 'node', needs: null },
  { name: 'fastify + http-proxy + rate-limit', program: 'fastify.js', kind: 'node', needs: null },
  { name: 'express + http-proxy-middleware', program: 'express.js', kind: 'node', needs: null },
] as const

export type PeerName = (typeof peers)[number]['name']

export interface Peer {
  readonly url: string
  /** Of the process that does the work. */
  readonly pid: number
  readonly tokens: readonly string[]
  /** `tokens` as a JSON file. */
  readonly tokensFile: string
}

/** Calls a caller may make on `/denied`. */
export const peerQuota = 10

const folder = fileURLToPath(new URL('./peers', import.meta.url))

/** Null when it can run here; else what is missing. */
export function missingOf(name: PeerName): string | null {
  const { program, needs } = peers.find((peer) => peer.name === name) as (typeof peers)[number]
  if (program === 'nginx.js')
    return existsSync('/usr/lib/nginx/modules/ngx_http_lua_module.so') ? null : needs
  if (program === 'haproxy.js') return spawnSync('haproxy', ['-v']).status === 0 ? null : needs
  return null
}

/**
 * Starts the peers that these cases ask for, and makes sure that they do the same job.
 *
 * @throws Error that names the peer and what it did otherwise
 */
export async function startPeers(
  cases: readonly BenchCase[],
  places: { readonly folder: string; readonly upstreamUrl: string; readonly redisUrl: string },
  users: number,
  opened: AsyncDisposableStack,
): Promise<ReadonlyMap<PeerName, Peer>> {
  const wanted = peers.filter(({ name }) => cases.some(({ peer }) => peer === name))
  if (wanted.some(({ kind }) => kind === 'node')) installPeers()
  const secret = randomBytes(32).toString('hex')
  const tokens = Array.from({ length: users }, (_, index) => signedToken(`user-${index}`, secret))
  const tokensFile = join(places.folder, 'peer-tokens.json')
  await writeFile(tokensFile, JSON.stringify(tokens))
  const started = new Map<PeerName, Peer>()
  for (const { name, program } of wanted) {
    const own = join(places.folder, program)
    await mkdir(own)
    const jobFile = join(own, 'job.json')
    const port = await freePort()
    const { upstreamUrl, redisUrl } = places
    await writeFile(
      jobFile,
      JSON.stringify({ upstreamUrl, redisUrl, secret, port, quota: peerQuota, windowSeconds: 43_200 }),
    )
    const child: StartedProcess = opened.use(
      await startProcess(process.execPath, [join(folder, program), jobFile], {
        env: { NODE_ENV: 'production' },
      }),
    )
    const { url, pid } = (await child.firstJsonLine()) as unknown as { url: string; pid: number }
    const stranger = signedToken('somebody-else', secret)
    await doesTheSameJob(name, url, stranger)
    started.set(name, { url, pid, tokens, tokensFile })
  }
  return started
}

/** Nothing of theirs is needed for anything but this comparison, so nobody else downloads it. */
function installPeers(): void {
  if (existsSync(join(folder, 'node_modules'))) return
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' })
  if (run.status !== 0)
    throw new Error(
      `npm ci in bench/peers failed; leave the peers out with --no-peers, or mend:\n${run.stderr}`,
    )
}

async function doesTheSameJob(name: PeerName, url: string, token: string): Promise<void> {
  const statusOf = async (path: string, bearer?: string): Promise<string> => {
    const response = await fetch(`${url}${path}`, {
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    })
    const length = (await response.arrayBuffer()).byteLength
    if (response.status === 200) return `200 ${length}`
    return `${response.status}${response.headers.has('retry-after') ? ' retry-after' : ''}`
  }
  const done = [
    await statusOf('/bare'),
    await statusOf('/admitted'),
    await statusOf('/admitted', `${token}x`),
    await statusOf('/admitted', token),
  ]
  for (let call = 1; call <= peerQuota + 2; call++) done.push(await statusOf('/denied', token))
  const denied = '429 retry-after'
  const expected = ['200 1024', '401', '401', ...Array(peerQuota + 1).fill('200 1024'), denied, denied]
  if (JSON.stringify(done) !== JSON.stringify(expected))
    throw new Error(`${name} does another job: expected ${expected.join(', ')}; it did ${done.join(', ')}`)
}

function signedToken(sub: string, secret: string): string {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 43_200
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub, exp })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
