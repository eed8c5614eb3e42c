import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyFileName, openSigningKeys } from './signing-keys.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guichet-keys-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('signing keys', () => {
  it('are made at the first start, for the owner alone to read, and found again at the next', async () => {
    const inside = join(directory, 'a', 'keys')
    const first = await openSigningKeys({ directory: inside })
    expect((await stat(join(inside, keyFileName))).mode & 0o777).toBe(0o600)
    expect((await stat(inside)).mode & 0o777).toBe(0o700)
    expect((await openSigningKeys({ directory: inside })).kid).toBe(first.kid)
  })

  it('are one key for gateways that start at once, and no temporary file stays', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => openSigningKeys({ directory })))
    expect(new Set(opened.map(({ kid }) => kid)).size).toBe(1)
    expect(await readdir(directory)).toEqual([keyFileName])
  })

  it('publish the public half alone, under its RFC 7638 thumbprint, and it checks what the other signs', async () => {
    const { jwks, kid, privateKey } = await openSigningKeys({ directory })
    const [published] = jwks.keys
    if (published === undefined) throw new Error('no key')
    expect(Object.keys(published).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    expect(published.kid).toBe(kid)
    expect(await calculateJwkThumbprint({ ...published })).toBe(kid)
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)
    await expect(jwtVerify(token, await importJWK({ ...published }))).resolves.toBeDefined()
  })

  it('cannot be exported from the process', async () => {
    const { privateKey } = await openSigningKeys({ directory })
    expect(privateKey.extractable).toBe(false)
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
    const file = join(directory, keyFileName)
    const text = await content()
    await writeFile(file, text)
    await expect(openSigningKeys({ directory })).rejects.toThrow(
      new RegExp(`${keyFileName}.*Ed25519.*delete it`),
    )
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('name the folder to change when it cannot be written', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(openSigningKeys({ directory: join(directory, 'file') })).rejects.toThrow(
      /Cannot open the signing key .*identity\.keysDirectory/,
    )
  })
})
