import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstKeyFile } from './signing-key-files.ts'
import { openSigningKeys, type SigningKeysOptions, secretFile } from './signing-keys.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guichet-keys-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const lifetimeMs = 900_000
const now = 1_800_000_000_000
const open = (options: Partial<SigningKeysOptions> = {}) =>
  openSigningKeys({ directory, tokenLifetimeMs: lifetimeMs, now: () => now, ...options })

describe('signing keys', () => {
  it('are made at the first start, for the owner alone to read, and found again at the next', async () => {
    const inside = join(directory, 'a', 'keys')
    const first = await open({ directory: inside })
    expect((await stat(join(inside, firstKeyFile))).mode & 0o777).toBe(0o600)
    expect((await stat(inside)).mode & 0o777).toBe(0o700)
    expect((await open({ directory: inside })).current.kid).toBe(first.current.kid)
  })

  it('are one key for gateways that start at once, and no temporary file stays', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => open()))
    expect(new Set(opened.map(({ current }) => current.kid)).size).toBe(1)
    expect((await readdir(directory)).toSorted()).toEqual([secretFile, firstKeyFile])
    expect(new Set(opened.map((keys) => keys.secretFor('x').toString('hex'))).size).toBe(1)
  })

  it('publish the public half alone, under its RFC 7638 thumbprint, and it checks what the other signs', async () => {
    const { jwks, current } = await open()
    const { kid, privateKey } = current
    const [published] = jwks.keys
    if (published === undefined) throw new Error('no key')
    expect(Object.keys(published).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    expect(published.kid).toBe(kid)
    expect(await calculateJwkThumbprint({ ...published })).toBe(kid)
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)
    await expect(jwtVerify(token, await importJWK({ ...published }))).resolves.toBeDefined()
  })

  it('cannot be exported from the process', async () => {
    const { current } = await open()
    expect(current.privateKey.extractable).toBe(false)
  })

  const halves = async (): Promise<string> => {
    const one = await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).privateKey)
    const other = await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).privateKey)
    return JSON.stringify({ ...one, x: other.x })
  }
  it.each([
    ['nothing', async () => ''],
    ['text', async () => 'not json'],
    [
      'a public key',
      async () => '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    ],
    ['another kind of key', async () => '{"kty":"oct","k":"AAAA"}'],
    ['null', async () => 'null'],
    ['halves of two keys', halves],
  ])('name the file and the cure when it holds %s, and leave it as it is', async (_, content) => {
    const file = join(directory, firstKeyFile)
    const text = await content()
    await writeFile(file, text)
    await expect(open()).rejects.toThrow(new RegExp(`${firstKeyFile}.*Ed25519.*delete it`))
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('name the folder to change when it cannot be written', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(open({ directory: join(directory, 'file') })).rejects.toThrow(
      /Cannot open the signing key .*identity\.keysDirectory/,
    )
  })
})
