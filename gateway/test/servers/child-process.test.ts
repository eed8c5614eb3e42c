import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startProcess } from './child-process.ts'

async function script(source: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'guichet-child-'))
  const file = join(folder.path, 'child.ts')
  await writeFile(file, source)
  return { file, path: folder.path, [Symbol.asyncDispose]: () => folder.remove() }
}

/** Gone, or dead and only waiting for its parent (in a container nobody may ever collect an orphan). */
async function isRunning(pid: number): Promise<boolean> {
  await using ps = await startProcess('ps', ['-o', 'stat=', '-p', String(pid)])
  await ps.ended
  return /^[^Z\s]/.test(ps.stdout.trim())
}

test('a .ts file runs, its first event is read, and it may end in its own time', async () => {
  await using code = await script(`
    const greeting: string = process.env.GREETING ?? 'none'
    process.on('SIGTERM', () => setTimeout(() => process.exit(3), 50))
    setInterval(() => {}, 1000)
    console.error('a complaint')
    console.log('plain text')
    console.log('{"level":30}')
    console.log(JSON.stringify({ event: 'listening', greeting, cwd: process.cwd() }))`)
  await using child = await startProcess(code.file, [], { env: { GREETING: 'salut' }, cwd: code.path })
  expect(await child.firstJsonLine()).toEqual({ event: 'listening', greeting: 'salut', cwd: code.path })
  expect(await child.firstJsonLine()).toMatchObject({ event: 'listening' })
  expect(await child.stop()).toEqual({ kind: 'exit', code: 3 })
  expect(child.stderr).toContain('a complaint')
})

test('a process that ends before its event is reported with what it said', async () => {
  await using code = await script(`console.error('bad key'); process.exitCode = 78`)
  await using child = await startProcess(code.file)
  await expect(child.firstJsonLine()).rejects.toThrow(/ended before a JSON line[\s\S]*bad key/)
  expect(await child.ended).toEqual({ kind: 'exit', code: 78 })
})

test('disposing ends a process and the children it started', async () => {
  await using code = await script(`
    import { spawn } from 'node:child_process'
    process.on('SIGTERM', () => {})
    const { pid } = spawn('sleep', ['600'])
    console.log(JSON.stringify({ event: 'spawned', pid }))`)
  const child = await startProcess(code.file)
  const { pid } = await child.firstJsonLine()
  expect(await isRunning(pid as number)).toBe(true)
  await child[Symbol.asyncDispose]()
  await expect.poll(() => isRunning(pid as number)).toBe(false)
  expect(await isRunning(child.pid)).toBe(false)
})

test('servers end and their folders go when whoever started them is killed', async () => {
  const redis = new URL('./redis.ts', import.meta.url).href
  await using code = await script(`
    import { startRedis } from '${redis}'
    const { pid } = await startRedis()
    console.log(JSON.stringify({ event: 'started', pid }))
    setInterval(() => {}, 1000)`)
  await using child = await startProcess(code.file, [], { env: { TMPDIR: code.path } })
  const { pid } = await child.firstJsonLine()
  expect(await isRunning(pid as number)).toBe(true)
  const folders = async () => {
    await using ls = await startProcess('ls', [code.path])
    await ls.ended
    return ls.stdout
  }
  expect(await folders()).toContain('guichet-test-')
  expect(await child.stop('SIGKILL')).toEqual({ kind: 'signal', signal: 'SIGKILL' })
  await expect.poll(() => isRunning(pid as number), { timeout: 5_000 }).toBe(false)
  await expect.poll(folders, { timeout: 5_000 }).not.toContain('guichet-test-')
})
