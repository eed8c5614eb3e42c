import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StartedProcess, startProcess } from '../gateway/test/servers/child-process.ts'
import { startGuard } from '../gateway/test/servers/guard-process.ts'
import { startRedis } from '../gateway/test/servers/redis.ts'
import type { BenchCase } from './cases.ts'
import { gatewayConfig } from './gateway-config.ts'
import type { BenchOptions } from './options.ts'
import { type Peer, type PeerName, startPeers } from './peers.ts'
import { createAccounts, logIn } from './users.ts'

/** Everything that takes part, each in a process of its own, and users who are logged in. */
export interface Stage extends AsyncDisposable {
  readonly folder: string
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly stubUrl: string
  readonly redisUrl: string
  readonly tokens: readonly string[]
  /** `tokens` as a JSON file. */
  readonly tokensFile: string
  /** Those that the cases ask for. */
  readonly peers: ReadonlyMap<PeerName, Peer>
  readonly pids: { readonly gateway: number; readonly redis: number }
  /** Stops the gateway as an operator does, so that what it had to say at its end is written. */
  stopGateway(): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))

/** @throws Error with the output of whatever did not start */
export async function setStage(cases: readonly BenchCase[], options: BenchOptions): Promise<Stage> {
  await using setting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'guichet-bench-'))
  const guard = startGuard(folder) // removes it when a Ctrl-C ends us
  setting.defer(async () => {
    await rm(folder, { recursive: true, force: true })
    guard.release()
  })
  const redis = setting.use(await startRedis())
  const stub = setting.use(await startProcess(join(root, 'bench/stub.ts')))
  const stubUrl = (await stub.firstJsonLine()).url as string

  const accountsFile = join(folder, 'accounts.sqlite')
  await createAccounts(accountsFile, options.users)
  const configFile = join(folder, 'gateway.yaml')
  const config = gatewayConfig(cases, options.users, {
    upstreamUrl: stubUrl,
    sessionsUrl: redis.url(0),
    hitsUrl: redis.url(1),
    accountsFile,
    keysDirectory: join(folder, 'keys'),
  })
  await writeFile(configFile, config)
  const gateway = setting.use(await startGateway(configFile, options.profile))
  const banner = await gateway.firstJsonLine()
  const gatewayUrl = banner.gateway as string

  const tokens = await logIn(gatewayUrl, options.users)
  const tokensFile = join(folder, 'tokens.json')
  await writeFile(tokensFile, JSON.stringify(tokens))
  const peers = await startPeers(
    cases,
    { folder, upstreamUrl: stubUrl, redisUrl: redis.url(2) },
    options.users,
    setting,
  )
  const held = setting.move()
  return {
    folder,
    gatewayUrl,
    adminUrl: banner.admin as string,
    stubUrl,
    redisUrl: redis.url(0),
    tokens,
    tokensFile,
    peers,
    pids: { gateway: gateway.pid, redis: redis.pid },
    async stopGateway() {
      const exit = await gateway.stop()
      if (exit.kind !== 'exit' || exit.code !== 0)
        throw new Error(`the gateway ended with ${JSON.stringify(exit)}:\n${gateway.stderr}`)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function startGateway(configFile: string, profile: string | null): Promise<StartedProcess> {
  const flags = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`]
  const args = [...flags, join(root, 'gateway/main.ts'), 'run', '--config', configFile]
  return startProcess(process.execPath, args, { env: { NODE_ENV: 'production' } })
}
