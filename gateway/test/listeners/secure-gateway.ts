import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from '../proxying/certificates.ts'
import {
  openTestGateway,
  type TestGateway,
  type TestGatewayOptions,
  temporaryDirectory,
} from '../test-gateway.ts'

export interface SecureGateway extends TestGateway {
  /** PEM of the authority that clients trust. */
  readonly ca: string
  readonly certificates: Certificates
}

/** The `listen` section of a gateway with TLS, whose files lie in `directory`. */
export const secureListen = (directory: string) => ({
  host: '127.0.0.1',
  port: 0,
  tls: { cert: join(directory, 'good.pem'), key: join(directory, 'good.key') },
})

/** A gateway in this process that listens by TLS, with a certificate for 127.0.0.1. */
export async function openSecureGateway(options: TestGatewayOptions): Promise<SecureGateway> {
  await using opening = new AsyncDisposableStack()
  const directory = options.directory ?? opening.use(await temporaryDirectory()).path
  const certificates = await makeCertificates(directory)
  const config = {
    ...options.config,
    listen: { ...secureListen(directory), ...(options.config?.listen as object) },
  }
  const gateway = opening.use(await openTestGateway({ ...options, directory, config }))
  const opened = opening.move()
  return {
    ...gateway,
    certificates,
    ca: await readFile(certificates.caFile, 'utf8'),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
