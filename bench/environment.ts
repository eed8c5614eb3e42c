import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'

/** What the figures were measured on. */
export interface Environment {
  readonly at: Date
  /** Short hash; with a word on changes that it lacks. */
  readonly commit: string
  readonly machine: string
  /** `name version`, what runs first. */
  readonly versions: readonly string[]
}

const root = fileURLToPath(new URL('..', import.meta.url))

export async function readEnvironment(redisUrl: string): Promise<Environment> {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return {
    at: new Date(),
    commit: await commit(),
    machine: `${availableParallelism()} cores of ${model}, ${process.platform} ${release()}`,
    versions: [
      `Node ${process.version.slice(1)}`,
      `Redis ${await redisVersion(redisUrl)}`,
      ...(await dependencyVersions()),
    ],
  }
}

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url)
  try {
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown'
  } finally {
    redis.disconnect()
  }
}

/** As installed: the gateway's dependencies and the load's. One that nothing needed so far may be missing. */
async function dependencyVersions(): Promise<string[]> {
  const read = async (file: string) => JSON.parse(await readFile(`${root}${file}`, 'utf8'))
  const names = [...Object.keys((await read('package.json')).dependencies), 'autocannon']
  return Promise.all(
    names.map(async (name) => {
      try {
        return `${name} ${(await read(`node_modules/${name}/package.json`)).version}`
      } catch {
        return `${name} not installed`
      }
    }),
  )
}

/** A copy without its history has no commit. */
async function commit(): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', args, { cwd: root })).stdout.trim()
  try {
    const changes = await git('status', '--porcelain', '--', 'gateway', 'bench/*.ts', 'package-lock.json')
    return `${await git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : ' and uncommitted changes'}`
  } catch {
    return 'unknown'
  }
}
