import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const main = join(import.meta.dirname, '../main.ts')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guichet-keys-'))
  const config = {
    identity: { keysDirectory: join(folder, 'keys') },
    upstreams: { app: { url: 'http://127.0.0.1:3000' } },
    routes: [{ path: '/', upstream: 'app' }],
  }
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify(config))
})
afterEach(() => rmSync(folder, { recursive: true }))

function guichet(...args: string[]) {
  const run = spawnSync(process.execPath, [main, 'keys', ...args], { encoding: 'utf8' })
  return { code: run.status, out: run.stdout, err: run.stderr }
}
const withConfig = (...args: string[]) => guichet(...args, '--config', join(folder, 'gateway.yaml'))
const states = (out: string): string[] => [...out.matchAll(/^\w+/gm)].map(String)

test('keys rotate announces a key before it signs; keys list says what each is good for', () => {
  const rotated = withConfig('rotate')
  expect(rotated).toMatchObject({ code: 0, err: '' })
  expect(states(rotated.out)).toEqual(['signing', 'coming'])
  expect(readdirSync(join(folder, 'keys'))).toHaveLength(3)
  expect(withConfig('list')).toEqual(rotated)
})

test('keys rotate --now replaces the key at once', () => {
  expect(states(withConfig('rotate', '--now').out)).toEqual(['accepted', 'signing'])
  expect(states(withConfig('rotate', '--now').out)).toEqual(['accepted', 'accepted', 'signing'])
})

test('keys list says what to do where there are no keys', () => {
  expect(withConfig('list')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/keys.*identity\.keysDirectory/),
  })
})

test.for([[], ['burn'], ['list', '--now'], ['rotate', 'x']])('keys %j is called wrongly', (args) => {
  expect(guichet(...args)).toMatchObject({
    code: 64,
    out: '',
    err: expect.stringContaining('usage: guichet keys'),
  })
})
