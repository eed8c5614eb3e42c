import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** Where a listener's certificate, with the chain after it, and its key lie. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

export interface Certificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly expiresAtMs: number
}

export type CertificateReading =
  | { readonly kind: 'read'; readonly certificate: Certificate }
  | ({ readonly kind: 'bad' } & CertificateProblem)

export interface CertificateProblem {
  /** The file that is wrong. */
  readonly of: keyof CertificateFiles
  readonly message: string
  readonly cure: string
}

/** Reads a pair that a listener can serve with, or says what is wrong with it. It may have expired. */
export function readCertificate(files: CertificateFiles): CertificateReading {
  try {
    const cert = read(files, 'cert')
    const key = read(files, 'key')
    const parsed = parseCertificate(cert)
    if (!parsed.checkPrivateKey(parseKey(key))) {
      throw problem('key', 'not the key of the certificate', 'name the two files that were made together')
    }
    loadBoth(cert, key)
    return { kind: 'read', certificate: { cert, key, expiresAtMs: parsed.validToDate.getTime() } }
  } catch (error) {
    if (error instanceof BadCertificate) return { kind: 'bad', ...error.problem }
    throw error
  }
}

class BadCertificate extends Error {
  readonly problem: CertificateProblem

  constructor(found: CertificateProblem) {
    super(found.message)
    this.problem = found
  }
}

const problem = (of: CertificateProblem['of'], message: string, cure: string): BadCertificate =>
  new BadCertificate({ of, message, cure })

function read(files: CertificateFiles, of: CertificateProblem['of']): string {
  try {
    return readFileSync(files[of], 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw problem(of, 'no such file', 'name an existing PEM file')
    throw problem(of, `cannot be read (${code})`, 'let the user that runs the gateway read it')
  }
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw problem('cert', 'not a certificate in PEM', 'name a file that begins with BEGIN CERTIFICATE')
  }
}

function parseKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem)
  } catch {
    if (pem.includes('ENCRYPTED')) {
      throw problem('key', 'locked with a passphrase', 'unlock it: openssl pkey -in KEY -out UNLOCKED')
    }
    throw problem('key', 'not a private key in PEM', 'name a file that begins with BEGIN PRIVATE KEY')
  }
}

/** OpenSSL refuses more than we look for, such as keys that are too short. */
function loadBoth(cert: string, key: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const message = `cannot be served with (${(error as Error).message})`
    throw problem('cert', message, 'have one made with an EC key, or an RSA key of 2048 bits or more')
  }
}
