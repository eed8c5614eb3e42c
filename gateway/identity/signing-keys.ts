import { createHmac, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'

/** An Ed25519 public key as RFC 8037 writes it. */
export interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg: 'EdDSA'
  readonly use: 'sig'
}

export interface SigningKeys {
  /** RFC 7638 thumbprint of the key that signs now. */
  readonly kid: string
  readonly privateKey: CryptoKey
  /** Every key whose signatures are accepted, by its thumbprint. */
  readonly publicKeys: ReadonlyMap<string, CryptoKey>
  /** A secret for one purpose, the same on every gateway that has the key. */
  secretFor(purpose: string): Buffer
  /** What `GET /.well-known/jwks.json` answers. */
  readonly jwks: { readonly keys: readonly PublicJwk[] }
}

export interface SigningKeysOptions {
  /** Made when missing. Gateways that share it share the key, and so accept each other's tokens. */
  readonly directory: string
}

interface PrivateJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly d: string
}

export const keyFileName = 'signing-key.jwk.json'

/**
 * The Ed25519 key in `directory`, made at the first start (mode 0600).
 *
 * @throws Error that names the file and the cure when it cannot be read, written or understood.
 */
export async function openSigningKeys({ directory }: SigningKeysOptions): Promise<SigningKeys> {
  const file = join(directory, keyFileName)
  const text = await orNameTheCure(file, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return (await readIfThere(file)) ?? (await createOnce(directory, file))
  })
  const jwk = readKey(text)
  const pair = jwk === null ? null : await importPair(jwk)
  if (jwk === null || pair === null) {
    throw new Error(
      `${file} does not hold an Ed25519 private key as a JWK. Restore it from a backup, or delete it: a new key is made at the next start, and access tokens of the old one are refused.`,
    )
  }
  const { kty, crv, x } = jwk
  const kid = await calculateJwkThumbprint({ kty, crv, x })
  return {
    kid,
    privateKey: pair.privateKey,
    publicKeys: new Map([[kid, pair.publicKey]]),
    secretFor: (purpose) => createHmac('sha256', jwk.d).update(purpose).digest(),
    jwks: { keys: [{ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }] },
  }
}

/** Whoever links first wins; the others read what it made. A link, unlike a rename, never replaces. */
async function createOnce(directory: string, file: string): Promise<string> {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const text = `${JSON.stringify(await exportJWK(privateKey))}\n`
  const temporary = join(directory, `.${keyFileName}.${randomBytes(9).toString('base64url')}`)
  try {
    await writeDurably(temporary, text)
    await link(temporary, file)
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return await readFile(file, 'utf8')
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(text)
  await handle.sync()
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function orNameTheCure<T>(file: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `Cannot open the signing key ${file}: ${reason}. Let the gateway's user read and write it, or name another folder in identity.keysDirectory.`,
      { cause },
    )
  }
}

function readKey(text: string): PrivateJwk | null {
  try {
    const { kty, crv, x, d } = JSON.parse(text) as Partial<PrivateJwk>
    if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string') return null
    return { kty, crv, x, d }
  } catch {
    return null
  }
}

/** Null when the two halves are not one key, which the import of the private one checks. */
async function importPair(jwk: PrivateJwk): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey } | null> {
  try {
    const { kty, crv, x } = jwk
    const privateKey = await importJWK({ ...jwk }, 'EdDSA', { extractable: false })
    const publicKey = await importJWK({ kty, crv, x }, 'EdDSA')
    return { privateKey, publicKey }
  } catch {
    return null
  }
}
