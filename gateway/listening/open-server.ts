import { createServer, type Server } from 'node:http'
import {
  type Certificate,
  type CertificateFiles,
  type CertificateProblem,
  readCertificate,
} from './certificate.ts'
import { type Http1Options, SecureServer } from './secure-server.ts'
import { watchCertificate } from './watch-certificate.ts'

export interface ServerOptions {
  readonly headersTimeoutMs: number
  /** Connections above so many are closed as they come. */
  readonly maxConnections?: number
  readonly connectionDropped?: () => void
  /** Null: in clear, by HTTP/1.1. */
  readonly tls?: TlsOptions | null
}

export interface TlsOptions {
  readonly files: CertificateFiles
  readonly isHttp2: boolean
  /** Told at the start and whenever the files were replaced. */
  readonly serving: (certificate: Certificate) => void
  /** The files were replaced by some that are of no use; what is in use stays. */
  readonly unusable: (problem: CertificateProblem) => void
}

/**
 * A server that listens to nothing yet.
 *
 * @throws Error that names the file and the cure, when there is nothing to serve TLS with
 */
export function openServer({
  headersTimeoutMs,
  maxConnections,
  connectionDropped,
  tls = null,
}: ServerOptions): Server | SecureServer {
  const http1: Http1Options = {
    headersTimeout: headersTimeoutMs,
    // Node looks for those who are too slow every 30 s unless told.
    connectionsCheckingInterval: Math.min(headersTimeoutMs, 1_000),
    keepAliveTimeout: 72_000,
    // Bodies have limits of their own: whoever reads one knows how long it may take.
    requestTimeout: 0,
    maxHeaderSize: 16_384,
    // Refused all the same, by the first step and in our own words; Node's answer has none.
    requireHostHeader: false,
  }
  const server = tls === null ? createServer(http1) : openSecureServer(tls, http1)
  if (maxConnections !== undefined) server.maxConnections = maxConnections
  server.on('drop', () => connectionDropped?.())
  return server
}

function openSecureServer(
  { files, isHttp2, serving, unusable }: TlsOptions,
  http1: Http1Options,
): SecureServer {
  const reading = readCertificate(files)
  if (reading.kind === 'bad') {
    throw new Error(`listen.tls.${reading.of} (${files[reading.of]}): ${reading.message} – ${reading.cure}`)
  }
  const server = new SecureServer(reading.certificate, isHttp2, http1)
  serving(reading.certificate)
  const watch = watchCertificate({
    files,
    replace(renewed) {
      server.replaceCertificate(renewed)
      serving(renewed)
    },
    warn: unusable,
  })
  server.once('close', () => watch[Symbol.dispose]())
  return server
}
