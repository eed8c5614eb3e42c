import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { errorTable } from './errors.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  readonly file: string
  /** A file of ours as a path from the root, or a package's name. */
  readonly target: string
  readonly isOurs: boolean
  readonly isTypeOnly: boolean
}

const importLine =
  /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

const isTest = (file: string): boolean =>
  /\.(test|contract)\.ts$/.test(file) || file.startsWith('gateway/test/')

const sources = globSync('{gateway,backend,bench}/**/*.ts', {
  cwd: root,
  exclude: ['**/node_modules'],
}).toSorted()
const production = sources.filter((file) => !isTest(file))

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(importLine)].map((match) => {
    const specifier = (match[2] ?? match[3]) as string
    const isOurs = specifier.startsWith('.')
    const target = isOurs
      ? relative(root, join(root, dirname(file), specifier))
      : (/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] as string)
    return { file, target, isOurs, isTypeOnly: match[1] !== undefined }
  })
}

const imports = production.flatMap(importsOf)

/** `limiting` for `gateway/limiting/admit.step.ts`; null for the files at the top of gateway/. */
const roomOf = (file: string): string | null => /^gateway\/([^/]+)\//.exec(file)?.[1] ?? null

const features = ['routing', 'identity', 'limiting', 'proxying', 'caching', 'hits', 'metrics', 'admin']
const isFeature = (file: string): boolean => features.includes(roomOf(file) ?? '')

/** Which files may import a package, for value or for type. */
const packageOwners: Record<string, RegExp> = {
  fastify: /^gateway\/[^/]+\.ts$|\.(step|routes)\.ts$|^backend\/|^bench\//,
  '@fastify/formbody': /\.routes\.ts$|^backend\//,
  '@fastify/reply-from': /^bench\//,
  undici: /^bench\//,
  ioredis: /^gateway\/connections\/|\.redis\.ts$|^bench\//,
  mysql2: /^gateway\/connections\/|\.mysql\.ts$|^backend\/|^bench\//,
  'node:sqlite': /^gateway\/connections\/|\.sqlite\.ts$|^backend\//,
  'prom-client': /^gateway\/metrics\//,
  'http-proxy': /^gateway\/proxying\/send-websocket/,
  'http-cache-semantics': /^gateway\/caching\//,
  nodemailer: /^gateway\/identity\//,
  jose: /^gateway\/identity\/|^backend\/proof\.ts$|^bench\//,
  '@node-rs/argon2': /^gateway\/identity\//,
  yaml: /^gateway\/config\//,
}

/** The benchmark measures on the same private servers that the tests start. */
const isServerOfBench = (file: string, target: string): boolean =>
  file.startsWith('bench/') && target.startsWith('gateway/test/servers/')

const named = (found: readonly Import[]): string[] =>
  found.map(({ file, target }) => `${file} imports ${target}`)

describe('who may import whom', () => {
  it('finds the imports at all', () => {
    expect(named(imports)).toContain('gateway/limiting/admission.redis.ts imports ioredis')
    expect(named(imports)).toContain('gateway/limiting/admit.step.ts imports gateway/limiting/limiter.ts')
  })

  it('a package stays with its owners', () => {
    const strangers = imports.filter(
      ({ file, target, isOurs }) => !isOurs && packageOwners[target]?.test(file) === false,
    )
    expect(named(strangers)).toEqual([])
  })

  it('features do not import each other, types aside', () => {
    const crossings = imports.filter(
      ({ file, target, isTypeOnly }) =>
        isFeature(file) && isFeature(target) && roomOf(file) !== roomOf(target) && !isTypeOnly,
    )
    expect(named(crossings)).toEqual([])
  })

  it('features do not read the configuration, nor the composition', () => {
    const readers = imports.filter(
      ({ file, target }) =>
        isFeature(file) &&
        (roomOf(target) === 'config' || /^gateway\/(compose|serve-\w+|open-\w+)\.ts$/.test(target)),
    )
    expect(named(readers)).toEqual([])
  })

  it('only the homes of contracts touch connections', () => {
    const touching = imports.filter(
      ({ file, target }) =>
        isFeature(file) && roomOf(target) === 'connections' && !/\.(redis|mysql|sqlite)\.ts$/.test(file),
    )
    expect(named(touching)).toEqual([])
  })

  it('nothing below imports the commands, and nothing at all the tests', () => {
    const upwards = imports.filter(
      ({ file, target }) =>
        (roomOf(target) === 'cli' && roomOf(file) !== 'cli' && file !== 'gateway/main.ts') ||
        (isTest(target) && target.endsWith('.ts') && !isServerOfBench(file, target)),
    )
    expect(named(upwards)).toEqual([])
  })

  it('EtuServices and the gateway do not know each other', () => {
    const between = imports.filter(
      ({ file, target }) =>
        (file.startsWith('backend/') && target.startsWith('gateway/')) ||
        (file.startsWith('gateway/') && target.startsWith('backend/')),
    )
    expect(named(between)).toEqual([])
  })
})

describe('files', () => {
  const linesOf = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length

  it('none is longer than 400 lines, nine in ten of them shorter than 250', () => {
    const lengths = sources.map((file) => ({ file, lines: linesOf(file) }))
    expect(lengths.filter(({ lines }) => lines > 400)).toEqual([])
    expect(lengths.filter(({ lines }) => lines > 250).length).toBeLessThan(lengths.length / 10)
  })

  it('have names that say something', () => {
    const empty = /(^|\/)(utils?|helpers?|common|misc|manager|impl|base|lib)[./-]/
    expect(sources.filter((file) => empty.test(file))).toEqual([])
  })
})

describe('README.md', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')

  it('draws the tree as it is', () => {
    const block = /```tree\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    const drawn = [...block.matchAll(/^( *)([\w.-]+\/?)/gm)].map(([, indent = '', name = '']) => ({
      depth: indent.length / 2,
      name: name.replace(/\/$/, ''),
    }))
    const paths: string[] = []
    const parents: string[] = []
    for (const { depth, name } of drawn) {
      parents.length = depth
      paths.push([...parents, name].join('/'))
      parents.push(name)
    }
    const rooms = globSync('gateway/*', { cwd: root }).filter((path) => !/\.test\.ts$|Dockerfile/.test(path))
    expect(paths.filter((path) => path.startsWith('gateway/')).toSorted()).toEqual(rooms.toSorted())
    const top = globSync('*', { cwd: root }).filter(
      (path) => !['node_modules', 'data', 'package-lock.json'].includes(path),
    )
    expect(paths.filter((path) => !path.includes('/')).toSorted()).toEqual(top.toSorted())
  })

  it('lists every error, and none that is gone', () => {
    const listed = [...readme.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \| (\w+) \| (yes|no) \|/gm)].map((row) =>
      row.slice(1),
    )
    const table = Object.entries(errorTable).map(([code, { status, side, mayRetry }]) => [
      code,
      String(status),
      side,
      mayRetry ? 'yes' : 'no',
    ])
    expect(listed).toEqual(table)
  })
})
