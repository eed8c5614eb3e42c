import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type JWTVerifyOptions, jwtVerify } from 'jose'
import { createRemoteKeys } from './remote-keys.ts'

export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string }
  /** A PEM file. */
  | { readonly kind: 'public-key'; readonly file: string }
  | { readonly kind: 'secret'; readonly secret: string }

export interface IssuerKeys {
  /** Rejects as jose does, or with `KeysUnavailable`. */
  verify(raw: string, options: JWTVerifyOptions): Promise<unknown>
}

interface Keyed {
  readonly name: string
  readonly algorithms: readonly string[]
  readonly keys: KeySource
}

/** @throws Error that names the issuer and the cure when a key file cannot be used */
export function openIssuerKeys(
  { name, algorithms, keys }: Keyed,
  warn: (cause: unknown) => void,
): IssuerKeys {
  if (keys.kind === 'jwks') {
    const remote = createRemoteKeys({ url: keys.url, warn })
    // Begun before the first token comes, which would have to wait.
    void remote.refresh()
    return { verify: (raw, options) => jwtVerify(raw, remote.find, options) }
  }
  const key =
    keys.kind === 'secret'
      ? createSecretKey(Buffer.from(keys.secret))
      : readPublicKey(name, keys.file, algorithms)
  return { verify: (raw, options) => jwtVerify(raw, key, options) }
}

function readPublicKey(name: string, file: string, algorithms: readonly string[]): KeyObject {
  const place = `identity.issuers.${name}.publicKey (${file})`
  const key = parsePem(file, place)
  const unfit = algorithms.filter((algorithm) => !fits(key, algorithm))
  if (unfit.length === 0) return key
  throw new Error(
    `${place} is a key of type ${key.asymmetricKeyType}, which cannot check ${unfit.join(', ')}. Name the algorithm the issuer signs with, or its other key.`,
  )
}

function parsePem(file: string, place: string): KeyObject {
  try {
    const pem = readFileSync(file, 'utf8')
    if (pem.includes('PRIVATE KEY')) throw new Error('it holds a private key')
    return createPublicKey(pem)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `${place} cannot be used: ${reason}. Name a PEM file with the issuer's public key ("BEGIN PUBLIC KEY") that the gateway's user may read.`,
      { cause },
    )
  }
}

const curves: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

function fits(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  algorithm: string,
): boolean {
  if (/^[RP]S/.test(algorithm)) return type === 'rsa' && (details?.modulusLength ?? 0) >= 2048
  if (algorithm === 'EdDSA') return type === 'ed25519'
  return type === 'ec' && details?.namedCurve === curves[algorithm]
}
