import { createHmac, createPrivateKey, randomBytes, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, calculateJwkThumbprint, importJWK } from 'jose'
import {
  firstKeyFile,
  type KeyFile,
  keyStates,
  listKeyFiles,
  newKeyText,
  orNameTheCure,
  readIfThere,
  readOrMake,
} from './signing-key-files.ts'

/** An Ed25519 public key as RFC 8037 writes it. */
export interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg: 'EdDSA'
  readonly use: 'sig'
}

export interface CurrentKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly privateKey: CryptoKey
  /** The signature of a text, in base64url, without a promise. */
  sign(text: string): string
}

/** One key signs; those it has replaced are accepted until everything they signed has expired. */
export interface SigningKeys {
  /** The key that signs now. */
  readonly current: CurrentKey
  /** Grows when a key's file was taken away: what has been verified with that key is to be forgotten. */
  readonly withdrawals: number
  /** Null when no such key is accepted. For an unknown one the folder is read again, once a second at most. */
  publicKey(kid: string): Promise<CryptoKey | null>
  /** A secret for one purpose: the same on every gateway that shares the folder, whatever the keys do. */
  secretFor(purpose: string): Buffer
  /** What `GET /.well-known/jwks.json` answers: every accepted key, and those that will sign. */
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  /**
   * Reads what has changed in the folder.
   *
   * @throws Error that names the file and the cure; the keys known so far stay as they are
   */
  reload(): Promise<void>
}

export interface SigningKeysOptions {
  /** Made when missing. Gateways that share it share the keys, and so accept each other's tokens. */
  readonly directory: string
  /** The longest life of what a key signs. */
  readonly tokenLifetimeMs: number
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

interface PrivateJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly d: string
}

interface SigningKey extends KeyFile, CurrentKey {
  readonly publicKey: CryptoKey
  readonly jwk: PublicJwk
}

/** Behind `secretFor`; beside the keys, because these come and go. */
export const secretFile = 'secret'

const rereadAfterMs = 1_000

/** Beyond a token's life: the clocks of two gateways, and a gateway that learns late that its key was replaced. */
const slackMs = 65_000

/** How long a key is accepted after another one has begun to sign. */
export const acceptedForMs = (tokenLifetimeMs: number): number => tokenLifetimeMs + slackMs

/**
 * The Ed25519 keys in `directory`. The first one is made at the first start (mode 0600).
 *
 * @throws Error that names the file and the cure when it cannot be read, written or understood.
 */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { directory, tokenLifetimeMs, now = Date.now } = options
  const secret = await orNameTheCure(directory, async () => {
    const text = await readOrMakeSecret(directory)
    const files = await listKeyFiles(directory)
    if (files.length === 0) await readOrMake(directory, firstKeyFile, newKeyText)
    return text
  })
  let keys: readonly SigningKey[] = []
  let reading: Promise<void> | null = null
  let readAtMs = Number.NEGATIVE_INFINITY
  let withdrawals = 0

  async function read(): Promise<void> {
    const files = await listKeyFiles(directory)
    if (files.length === 0)
      throw new Error(`No signing key is left in ${directory}. Restore one from a backup.`)
    const found = await Promise.all(files.map((file) => keys.find(isSame(file)) ?? readKey(directory, file)))
    if (keys.some(({ kid }) => found.every((key) => key.kid !== kid))) withdrawals++
    keys = found
  }

  function reload(): Promise<void> {
    reading ??= read().finally(() => {
      reading = null
      readAtMs = now()
    })
    return reading
  }

  function usable(): SigningKey[] {
    const states = keyStates(keys, now(), acceptedForMs(tokenLifetimeMs))
    return keys.filter((_, index) => states[index] !== 'retired')
  }

  const known = (wanted: string): CryptoKey | null =>
    usable().find(({ kid }) => kid === wanted)?.publicKey ?? null

  await reload()
  return {
    get current() {
      return keys[keyStates(keys, now(), 0).indexOf('signing')] as SigningKey
    },
    get jwks() {
      return { keys: usable().map(({ jwk }) => jwk) }
    },
    get withdrawals() {
      return withdrawals
    },
    async publicKey(kid) {
      const found = known(kid)
      if (found !== null || now() - readAtMs < rereadAfterMs) return found
      // Whoever watches the folder tells of a file that is wrong; this caller's token is unknown all the same.
      await reload().catch(() => undefined)
      return known(kid)
    },
    secretFor: (purpose) => createHmac('sha256', secret).update(purpose).digest(),
    reload,
  }
}

/** Folders from before there was a secret have used the first key for one: what it protects must stay good. */
async function readOrMakeSecret(directory: string): Promise<string> {
  return await readOrMake(directory, secretFile, async () => {
    const firstKey = await readIfThere(join(directory, firstKeyFile))
    return (firstKey && parseKey(firstKey)?.d) ?? randomBytes(32).toString('base64url')
  })
}

const isSame =
  ({ name, changedAtMs }: KeyFile) =>
  (key: KeyFile): boolean =>
    key.name === name && key.changedAtMs === changedAtMs

async function readKey(directory: string, file: KeyFile): Promise<SigningKey> {
  const path = join(directory, file.name)
  const jwk = parseKey(await orNameTheCure(path, () => readFile(path, 'utf8')))
  const pair = jwk && (await importPair(jwk))
  if (!jwk || !pair) {
    throw new Error(
      `${path} does not hold an Ed25519 private key as a JWK. Restore it from a backup, or delete it: access tokens it has signed are refused then, and a new key is made at the next start if there is no other.`,
    )
  }
  const { kty, crv, x } = jwk
  const kid = await calculateJwkThumbprint({ kty, crv, x })
  const signer = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  return {
    ...file,
    ...pair,
    kid,
    jwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' },
    sign: (text) => sign(null, Buffer.from(text), signer).toString('base64url'),
  }
}

function parseKey(text: string): PrivateJwk | null {
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
